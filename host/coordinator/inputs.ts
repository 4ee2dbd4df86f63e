// A job's inputs: kept in the store in chunks, read when a lease or a check of receipts needs them. A chunk is two records: how many bytes
// each of its inputs has, or the blob that it is, and their bytes as they came: to pack those would cost more than all else that is done here.
import { hash } from 'node:crypto';
import type { Digest } from '../../runtime/base/platform.ts';
import { joined } from '../wire/joined.ts';
import type { Datum } from '../wire/site.ts';
import type { Store } from './contracts.ts';

/** A record holds so many inputs, or so many bytes, whichever comes first. */
const CHUNK_TASKS = 256;
const CHUNK_BYTES = 256 * 1024;
/** Chunks that are kept decoded. */
const KEPT_MAX = 128;
/** Chunks that were added and not read yet, which are kept, too: more of them do not push out those that are in use. */
const FRESH_MAX = 64;

const NOTHING = new Uint8Array();

/** Bytes of an input, or the digest of the blob that it is. */
type Size = number | Digest;

interface Chunk {
  readonly inputs: readonly Datum[];
  readonly digests: (Digest | undefined)[];
}

export interface Inputs {
  /**
   * Where the chunks of a job begin, from the keys alone, and behind the last of them how many inputs there are. What is behind a gap was
   * never answered for, since something before it could not be written: it is taken out.
   */
  found(job: string): number[];
  /** Puts inputs behind those that are there. Their bytes must not change. */
  add(job: string, starts: number[], inputs: readonly Datum[]): Promise<void>[];
  get(job: string, starts: readonly number[], task: number): Datum;
  digest(job: string, starts: readonly number[], task: number): Digest;
  /** Takes a job's inputs out of the store. */
  remove(job: string): Promise<void>[];
}

export function createInputs(store: Store): Inputs {
  const kept = new Map<string, Chunk>();
  const fresh = new Map<string, Chunk>();
  /** Neighbours are read one after the other, each several times. */
  let latest: { readonly job: string; readonly start: number; readonly chunk: Chunk } | undefined;
  const keysOf = (job: string, kind: 'i' | 'b') => store.keys([kind, job], [kind, job, Number.MAX_SAFE_INTEGER]);
  const chunkAt = (job: string, start: number, count: number): Chunk => {
    if (latest?.job === job && latest.start === start) return latest.chunk;
    const name = nameOf(job, start);
    let chunk = kept.get(name) ?? fresh.get(name);
    fresh.delete(name);
    if (!chunk) {
      const sizes = store.get(['i', job, start, count]) as readonly Size[] | undefined;
      if (!sizes) throw new Error(`inputs ${start} of job ${job} are not in the store`);
      chunk = { inputs: cut(sizes, store.getBytes(['b', job, start]) ?? NOTHING), digests: [] };
    }
    // The one that was used last goes to the end, so that the first is the one to forget.
    kept.delete(name);
    keep(kept, { most: KEPT_MAX, name, chunk });
    latest = { job, start, chunk };
    return chunk;
  };
  const place = (job: string, starts: readonly number[], task: number) => {
    const at = startBefore(starts, task);
    const [start, end] = [starts[at] as number, starts[at + 1] as number];
    return { chunk: chunkAt(job, start, end - start), at: task - start };
  };
  return {
    found: (job) => {
      const starts = [0];
      for (const key of keysOf(job, 'i')) {
        const [start, count] = [key[2] as number, key[3] as number];
        if (start === starts.at(-1)) starts.push(start + count);
        else for (const each of [key, ['b', job, start]]) store.remove(each).catch(() => undefined);
      }
      return starts;
    },
    add: (job, starts, inputs) =>
      chunksOf(inputs).flatMap((chunk) => {
        const start = starts.at(-1) as number;
        starts.push(start + chunk.length);
        keep(fresh, { most: FRESH_MAX, name: nameOf(job, start), chunk: { inputs: chunk, digests: [] } });
        const bytes = joined(chunk.filter((input) => typeof input !== 'string'));
        // Those of a request lie one behind the other. A chunk is there when its sizes are, so they come last.
        const puts = bytes.byteLength > 0 ? [store.putBytes(['b', job, start], bytes)] : [];
        const sizes = chunk.map((input): Size => (typeof input === 'string' ? input : input.byteLength));
        return [...puts, store.put(['i', job, start, chunk.length], sizes)];
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
    remove: (job) => [...keysOf(job, 'i'), ...keysOf(job, 'b')].map((key) => store.remove(key)),
  };
}

/** Inputs as parts of their bytes, which lie one behind the other. */
function cut(sizes: readonly Size[], bytes: Uint8Array): Datum[] {
  let at = 0;
  return sizes.map((size) => {
    if (typeof size === 'string') return size;
    at += size;
    return bytes.subarray(at - size, at);
  });
}

const nameOf = (job: string, start: number) => `${job}\n${start}`;

function keep(chunks: Map<string, Chunk>, { most, name, chunk }: { most: number; name: string; chunk: Chunk }): void {
  chunks.set(name, chunk);
  if (chunks.size > most) for (const oldest of chunks.keys()) if (chunks.delete(oldest)) break;
}

/** Of bytes their SHA-256; of a blob, its name. */
export function digestOf(datum: Datum): Digest {
  return typeof datum === 'string' ? datum : hash('sha256', datum);
}

/** The last start that is not behind the task. */
function startBefore(starts: readonly number[], task: number): number {
  let [low, high] = [0, starts.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= task) low = middle;
    else high = middle - 1;
  }
  return low;
}

function chunksOf(inputs: readonly Datum[]): (readonly Datum[])[] {
  const chunks: Datum[][] = [];
  let bytes = 0;
  for (const input of inputs) {
    const last = chunks.at(-1);
    const size = typeof input === 'string' ? 64 : input.byteLength;
    if (!last || last.length >= CHUNK_TASKS || bytes + size > CHUNK_BYTES) {
      chunks.push([input]);
      bytes = size;
    } else {
      last.push(input);
      bytes += size;
    }
  }
  return chunks;
}
