// What an agent remembers from one start to the next: how often it was started, its owner's pause, and the traffic of the day.
import { join } from 'node:path';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { integer } from '../../runtime/base/schema.ts';
import { readWhole, writeWhole } from '../jobs/files.ts';

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const RememberedSchema = v.strictObject({
  version: v.literal(1),
  /** Each start numbers its reports from here on, so that the site can tell new ones from old ones. */
  starts: COUNT,
  askedUntil: v.nullable(v.union([v.literal('forever'), COUNT])),
  day: v.string(),
  networkBytes: COUNT,
});
export type Remembered = v.InferOutput<typeof RememberedSchema>;

const FILE_BYTES_MAX = 4_096;
/** Reports of one start at most. */
export const BATCHES_A_START = 1e9;

export interface Memory {
  readonly firstBatch: number;
  askedUntil: Remembered['askedUntil'];
  addTraffic(bytes: number): void;
  /** Bytes over the network since midnight, local time. */
  networkBytesToday(now: number): number;
  /** Writes it down. What cannot be written is tried again the next time. */
  save(): Promise<void>;
}

/** Throws `ERR_FILE` where a start cannot be written down: the site would take new reports for old ones. */
export async function openMemory(folder: string): Promise<Memory> {
  const path = join(folder, 'agent.json');
  let state = await read(path);
  state = { ...state, starts: state.starts + 1 };
  await writeWhole(path, JSON.stringify(state));
  let saved = JSON.stringify(state);
  let added = 0;
  const roll = (now: number) => {
    const day = dayOf(now);
    if (state.day !== day) state = { ...state, day, networkBytes: 0 };
    state = { ...state, networkBytes: state.networkBytes + added };
    added = 0;
  };
  return {
    firstBatch: state.starts * BATCHES_A_START,
    get askedUntil() {
      return state.askedUntil;
    },
    set askedUntil(askedUntil) {
      state = { ...state, askedUntil };
    },
    addTraffic: (bytes) => {
      added += bytes;
    },
    networkBytesToday: (now) => {
      roll(now);
      return state.networkBytes;
    },
    save: async () => {
      const text = JSON.stringify(state);
      if (text === saved) return;
      await writeWhole(path, text).then(
        () => {
          saved = text;
        },
        () => undefined,
      );
    },
  };
}

async function read(path: string): Promise<Remembered> {
  const first: Remembered = { version: 1, starts: 0, askedUntil: null, day: '', networkBytes: 0 };
  try {
    const text = new TextDecoder().decode(await readWhole(path, FILE_BYTES_MAX));
    return v.parse(RememberedSchema, JSON.parse(text));
  } catch (error) {
    if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === 'ENOENT') return first;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LodgerError('ERR_FILE', ['read', path, `remove it if nothing else helps: ${reason}`]);
  }
}

function dayOf(now: number): string {
  const date = new Date(now);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}
