// A job's inputs: kept in the store in chunks, read when a lease or a check of receipts needs them.
import type { Digest } from '../../runtime/base/platform.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { node } from '../platform/node.ts';
import type { Datum } from '../wire/site.ts';
import type { Store } from './contracts.ts';

/** A record holds so many inputs, or so many bytes, whichever comes first. */
const CHUNK_TASKS = 256;
const CHUNK_BYTES = 256 * 1024;
/** Chunks that are kept decoded. */
const KEPT_MAX = 128;

interface Chunk {
  readonly inputs: readonly Datum[];
  readonly digests: (Digest | undefined)[];
}

export interface Inputs {
  /** How many inputs of a job the store has, from the keys alone. `starts` are the places of its chunks. */
  found(job: string): { readonly starts: number[]; readonly count: number };
  /** Puts inputs behind those that are there. */
  add(job: string, starts: number[], from: number, inputs: readonly Datum[]): Promise<void>[];
  get(job: string, starts: readonly number[], task: number): Datum;
  digest(job: string, starts: readonly number[], task: number): Digest;
  /** Takes a job's inputs out of the store. */
  remove(job: string): Promise<void>[];
}

export function createInputs(store: Store): Inputs {
  const kept = new Map<string, Chunk>();
  const keysOf = (job: string) => store.keys(['i', job], ['i', job, Number.MAX_SAFE_INTEGER]);
  const chunkAt = (job: string, start: number): Chunk => {
    const name = `${job}\n${start}`;
    let chunk = kept.get(name);
    if (!chunk) {
      const inputs = store.get(['i', job, start]) as readonly Datum[] | undefined;
      if (!inputs) throw new Error(`inputs ${start} of job ${job} are not in the store`);
      chunk = { inputs, digests: [] };
    }
    // The one that was used last goes to the end, so that the first is the one to forget.
    kept.delete(name);
    kept.set(name, chunk);
    if (kept.size > KEPT_MAX) for (const oldest of kept.keys()) if (kept.delete(oldest)) break;
    return chunk;
  };
  const place = (job: string, starts: readonly number[], task: number) => {
    const start = starts[startBefore(starts, task)] as number;
    return { chunk: chunkAt(job, start), at: task - start };
  };
  return {
    found: (job) => {
      const starts = [...keysOf(job)].map((key) => key[2] as number);
      const last = starts.at(-1);
      const count = last === undefined ? 0 : last + chunkAt(job, last).inputs.length;
      return { starts, count };
    },
    add: (job, starts, from, inputs) =>
      chunksOf(inputs).map(({ at, chunk }) => {
        starts.push(from + at);
        return store.put(['i', job, from + at], chunk);
      }),
    get: (job, starts, task) => {
      const { chunk, at } = place(job, starts, task);
      return chunk.inputs[at] as Datum;
    },
    digest: (job, starts, task) => {
      const { chunk, at } = place(job, starts, task);
      const known = chunk.digests[at];
      if (known !== undefined) return known;
      const digest = digestOf(chunk.inputs[at] as Datum);
      chunk.digests[at] = digest;
      return digest;
    },
    remove: (job) => [...keysOf(job)].map((key) => store.remove(key)),
  };
}

/** Of bytes their SHA-256; of a blob, its name. */
export function digestOf(datum: Datum): Digest {
  return typeof datum === 'string' ? datum : toHex(node.digest(datum));
}

/** The last start that is not behind the task. */
function startBefore(starts: readonly number[], task: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= task) low = middle;
    else high = middle - 1;
  }
  return low;
}

function chunksOf(inputs: readonly Datum[]): { readonly at: number; readonly chunk: readonly Datum[] }[] {
  const chunks: { at: number; chunk: Datum[] }[] = [];
  let bytes = 0;
  for (const [at, input] of inputs.entries()) {
    const last = chunks.at(-1);
    const size = typeof input === 'string' ? 64 : input.byteLength;
    if (!last || last.chunk.length >= CHUNK_TASKS || bytes + size > CHUNK_BYTES) {
      chunks.push({ at, chunk: [input] });
      bytes = size;
    } else {
      last.chunk.push(input);
      bytes += size;
    }
  }
  return chunks;
}
