// The world's imports, made anew for each task from what it was granted. They close over nothing but that task.
import { chacha20 } from '@noble/ciphers/chacha.js';
import { GUEST } from '../base/limits.ts';
import { LOG_LEVELS, TaskFailure } from '../job/outcome.ts';
import type { InterfaceName } from '../job/world.ts';
import { allocate, lowerBytes, range, setU32, setU64, stringBytes, violation } from './memory.ts';
import { OUTSIDE_MAKERS } from './outside.ts';
import { guestOf, type HostFunction, type Make, refuse, type TaskRoom, text } from './room.ts';

export type { HostFunction, TaskRoom } from './room.ts';

/** Module name -> function name -> function. */
export type HostImports = Record<string, Record<string, HostFunction>>;

const KEYSTREAM = new Uint8Array(64 * 1024);
const NONCE = new Uint8Array(12);
/** The block counter has 32 bits, and the cipher refuses its last value. */
const RANDOM_BYTES = (2 ** 32 - 1) * 64;
const NO_LEAVE = 'an import was called from cabi_realloc or a cabi_post_ function';

/** Every function of the world. */
const MAKERS: Readonly<Record<InterfaceName, Readonly<Record<string, Make>>>> = {
  ...OUTSIDE_MAKERS,
  exit: {
    fail: (room) => (pointer: number, length: number) => {
      throw new TaskFailure('ERR_EXIT', text(room, pointer, length, GUEST.messageBytesMax.default));
    },
  },
  log: { write: (room) => (level: number, pointer: number, length: number) => write(room, level, pointer, length) },
  random: { fill: (room) => (length: number, area: number) => fill(room, length >>> 0, area) },
  clock: { now: (room) => () => BigInt(Math.max(0, Math.round((room.platform.now() - room.startedAt) * 1e6))) },
  blobs: {
    size: (room) => (pointer: number, length: number, area: number) =>
      blobSize(room, text(room, pointer, length), area),
    read: (room) => (pointer: number, length: number, offset: bigint, count: number, area: number) =>
      blobRead(room, text(room, pointer, length), BigInt.asUintN(64, offset), count >>> 0, area),
  },
};

/** The imports of one task: exactly those its kernel asks for. */
export function importsOf(room: TaskRoom): HostImports {
  const imports: HostImports = {};
  room.facts.imports.forEach((wanted, index) => {
    const make = MAKERS[wanted.interface][wanted.function];
    if (!make) throw new TaskFailure('ERR_HOST_FAULT', `no import ${wanted.interface}.${wanted.function} here`);
    room.calls[index] ??= 0;
    const call = make(room) as (...args: unknown[]) => number | bigint | undefined;
    const counted = (...args: unknown[]) => {
      room.calls[index] = (room.calls[index] as number) + 1;
      // To fail is allowed everywhere: it never returns into the guest.
      if (wanted.interface !== 'exit' && room.guest?.mayLeave === false) violation(NO_LEAVE);
      if (!room.fuel) return call(...args);
      room.bytesMoved = 0;
      try {
        return call(...args);
      } finally {
        room.fuel.charge(room.bytesMoved);
      }
    };
    imports[wanted.module] = { ...imports[wanted.module], [wanted.function]: counted as HostFunction };
  });
  return imports;
}

function write(room: TaskRoom, level: number, pointer: number, length: number): undefined {
  const name = LOG_LEVELS[level >>> 0] ?? violation(`log level ${level >>> 0} is not one of 0 to 3`);
  const size = stringBytes(room.facts.encoding, length);
  range(guestOf(room).bytes(), pointer, size, room.facts.encoding === 'utf16' ? 2 : 1, 'a string');
  if (room.lines.length >= room.limits.logLinesMax || room.logBytes + size > room.limits.logBytesMax) {
    room.linesDropped++;
    return;
  }
  room.lines.push({ level: name, text: text(room, pointer, length, size) });
  room.logBytes += size;
}

/** ChaCha20 of RFC 8439 with the task's key, a nonce of zeros and the block counter from 0; the stream goes on from call to call. */
function fill(room: TaskRoom, length: number, area: number): undefined {
  const guest = guestOf(room);
  const at = range(guest.bytes(), area, 8, 4, 'the result area');
  const pointer = allocate(guest, 1, length);
  const memory = guest.bytes();
  const end = room.randomBytes + length;
  if (end > RANDOM_BYTES) violation(`over ${RANDOM_BYTES} random bytes were asked for, where the stream ends`);
  for (let done = 0; done < length; ) {
    const from = (room.randomBytes + done) % 64;
    const count = Math.min(length - done, KEYSTREAM.byteLength - from);
    const blocks = KEYSTREAM.subarray(0, Math.ceil((from + count) / 64) * 64).fill(0);
    chacha20(room.key(), NONCE, blocks, blocks, Math.floor((room.randomBytes + done) / 64));
    memory.set(blocks.subarray(from, from + count), pointer + done);
    done += count;
    room.fuel?.look();
  }
  room.bytesMoved += length;
  room.randomBytes = end;
  setU32(memory, at, pointer);
  setU32(memory, at + 4, length);
}

/** `result<u64, string>`: tag at 0, the number or pointer and length at 8. */
function blobSize(room: TaskRoom, name: string, area: number): undefined {
  const blob = blobOf(room, name);
  if (!blob) return refuse(room, area, 16, 8, `no blob named "${name}" was granted`);
  const memory = guestOf(room).bytes();
  const at = range(memory, area, 16, 8, 'the result area');
  memory[at] = 0;
  setU64(memory, at + 8, BigInt(blob.byteLength));
}

/** `result<list<u8>, string>`: tag at 0, pointer at 4, length at 8. Short at the blob's end. */
function blobRead(room: TaskRoom, name: string, offset: bigint, count: number, area: number): undefined {
  const blob = blobOf(room, name);
  if (!blob) return refuse(room, area, 12, 4, `no blob named "${name}" was granted`);
  if (offset > BigInt(blob.byteLength)) {
    return refuse(room, area, 12, 4, `offset ${offset} is beyond the end of blob "${name}" (${blob.byteLength} bytes)`);
  }
  const from = Number(offset);
  const guest = guestOf(room);
  const at = range(guest.bytes(), area, 12, 4, 'the result area');
  const piece = blob.subarray(from, Math.min(blob.byteLength, from + count));
  const pointer = lowerBytes(guest, piece);
  room.bytesMoved += piece.byteLength;
  const memory = guest.bytes();
  memory[at] = 0;
  setU32(memory, at + 4, pointer);
  setU32(memory, at + 8, piece.byteLength);
}

function blobOf(room: TaskRoom, name: string): Uint8Array | undefined {
  // Blobs of pinned folders have no names, but a colon in what stands for one.
  return !name.includes(':') && Object.hasOwn(room.blobs, name) ? room.blobs[name] : undefined;
}
