// A program's clocks and its waiting.
import { getU32, range, setU32, setU64 } from '../abi/memory.ts';
import { guestOf } from '../abi/room.ts';
import { ERRNO } from '../job/preview1.ts';
import type { Make } from './calls.ts';
import { READING_NS } from './clock.ts';
import { STREAM } from './descriptors.ts';
import type { Program } from './program.ts';

/** More subscriptions are refused. */
const SUBSCRIPTIONS_MAX = 1024;
const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
const KIND = { clock: 0, read: 1, write: 2 } as const;
const ABSOLUTE = 1;
const HANGUP = 1;
/** What a file has, and a stream that is written to has room for, as it is said. */
const ROOM_BYTES = 65_536;

/** By name. */
export const TIME_CALLS = {
  clock_res_get: (room, program) => (clock: number, area: number) => {
    const memory = guestOf(room).bytes();
    const at = range(memory, area, 8, 1, 'the resolution');
    if (program.clock.bases[clock] === undefined) return ERRNO.INVAL;
    setU64(memory, at, READING_NS);
    room.bytesMoved += 8;
    return ERRNO.SUCCESS;
  },
  clock_time_get: (room, program) => (clock: number, _precision: bigint, area: number) => {
    const memory = guestOf(room).bytes();
    const at = range(memory, area, 8, 1, 'the time');
    const base = program.clock.bases[clock];
    if (base === undefined) return ERRNO.INVAL;
    setU64(memory, at, base + program.clock.read());
    room.bytesMoved += 8;
    return ERRNO.SUCCESS;
  },
  poll_oneoff: (room, program) => (subscriptions: number, events: number, count: number, area: number) => {
    const memory = guestOf(room).bytes();
    const number = count >>> 0;
    const from = range(memory, subscriptions, number * SUBSCRIPTION_BYTES, 1, 'the subscriptions');
    const to = range(memory, events, number * EVENT_BYTES, 1, 'the events');
    const at = range(memory, area, 4, 1, 'the number of events');
    if (number === 0 || number > SUBSCRIPTIONS_MAX) return ERRNO.INVAL;
    room.bytesMoved += number * (SUBSCRIPTION_BYTES + EVENT_BYTES);
    const asked: Waited[] = [];
    for (let index = 0; index < number; index++) {
      const one = subscriptionOf(memory, from + index * SUBSCRIPTION_BYTES, program);
      if (!one) return ERRNO.INVAL;
      asked.push(one);
    }
    const happened = happenings(program, asked);
    happened.forEach((event, index) => {
      writeEvent(memory, to + index * EVENT_BYTES, event);
    });
    setU32(memory, at, happened.length);
    return ERRNO.SUCCESS;
  },
} as const satisfies Record<string, Make>;

/** What is waited for, and what is said when it has come. */
interface Waited {
  readonly userdata: readonly [low: number, high: number];
  readonly kind: number;
  readonly error: number;
  /** In time since the start. */
  readonly due: bigint;
  readonly bytes: number;
  readonly flags: number;
}

function subscriptionOf(memory: Uint8Array, at: number, program: Program): Waited | undefined {
  const userdata = [getU32(memory, at), getU32(memory, at + 4)] as const;
  const kind = memory[at + 8] as number;
  const which = getU32(memory, at + 16);
  const happened = { userdata, kind, due: 0n, error: ERRNO.SUCCESS, bytes: 0, flags: 0 };
  if (kind === KIND.clock) {
    const base = program.clock.bases[which];
    if (base === undefined) return { ...happened, error: ERRNO.INVAL };
    const timeout = BigInt(getU32(memory, at + 24)) | (BigInt(getU32(memory, at + 28)) << 32n);
    const isAbsolute = ((memory[at + 40] as number) & ABSOLUTE) !== 0;
    return { ...happened, due: isAbsolute ? timeout - base : program.clock.elapsed() + timeout };
  }
  if (kind !== KIND.read && kind !== KIND.write) return undefined;
  const found = program.open.get(which);
  if (found?.kind === 'file' || (kind === KIND.write && found?.kind === 'stream' && found.which !== STREAM.input))
    return { ...happened, bytes: ROOM_BYTES };
  if (found?.kind !== 'stream' || kind === KIND.write || found.which !== STREAM.input)
    return { ...happened, error: ERRNO.BADF };
  return { ...happened, bytes: program.left, flags: program.left === 0 ? HANGUP : 0 };
}

/** All that has come when the first has; time goes on until then, or is waited for. */
function happenings({ clock }: Program, asked: readonly Waited[]): readonly Waited[] {
  const first = asked.reduce((least, { due }) => (due < least ? due : least), (asked[0] as Waited).due);
  clock.waitUntil(first);
  const elapsed = clock.elapsed();
  const now = elapsed > first ? elapsed : first;
  return asked.filter(({ due }) => due <= now);
}

function writeEvent(memory: Uint8Array, at: number, { userdata, kind, error, bytes, flags }: Waited): void {
  memory.fill(0, at, at + EVENT_BYTES);
  setU32(memory, at, userdata[0]);
  setU32(memory, at + 4, userdata[1]);
  memory[at + 8] = error;
  memory[at + 10] = kind;
  setU32(memory, at + 16, bytes);
  memory[at + 24] = flags;
}
