// A site as its callers see it: every route as a method, blobs sent once, outcomes and events that go on when the site was away.
import { hash } from 'node:crypto';
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { JobStatus, SiteEvents } from '../wire/api.ts';
import { CALLER, SITE } from '../wire/ceilings.ts';
import { DeliveredSchema, SignedReceiptSchema, type WireReceipt } from '../wire/delivered.ts';
import { createReader } from '../wire/frames.ts';
import { outcomesIn, type Received } from '../wire/outcomes.ts';
import type { Datum } from '../wire/site.ts';
import type { Asking, HttpOptions } from './asking.ts';
import { broken, createHttp, type Http, invalid, isAway, unreachable } from './http.ts';
import { inputsFrame } from './inputs.ts';
import { READY_BYTES } from './outputs.ts';
import { sendBlob } from './send-blob.ts';
import { sendBlobs } from './send-blobs.ts';
import { sleep } from './sleep.ts';

const EVENT_CHARACTERS_MAX = 4 * 2 ** 20;
const AGAIN_MS = 200;

export interface SiteClient extends Asking {
  /** Sends a blob, unless the site has it; goes on where it was broken off. Resolves to its digest. */
  putBlob(bytes: Uint8Array, signal?: AbortSignal): Promise<string>;
  /** Sends several of at most `CALLER.groupBytes` each together, by their digests: those that the site has not. */
  putBlobs(blobs: ReadonlyMap<string, Uint8Array>, signal?: AbortSignal): Promise<void>;
  /**
   * A whole blob, checked. One of over `READY_BYTES` takes memory when `turn` has resolved. Throws `ERR_NOT_FOUND`, and
   * `ERR_BLOB_MISMATCH`.
   */
  getBlob(digest: string, signal?: AbortSignal, turn?: Promise<void>): Promise<Uint8Array>;
  /** Inputs of a job from a place on; those that are there are passed over. */
  addInputs(job: string, batch: Batch, signal?: AbortSignal): Promise<JobStatus>;
  /** Final outcomes in input order, each once, also over restarts of the site; ends with the job, and returns what it came to. */
  outcomes(job: string, from: number, signal?: AbortSignal): AsyncGenerator<Received, JobStatus>;
  receipts(job: string, from: number, signal?: AbortSignal): AsyncIterable<WireReceipt>;
  /** What changes in a job, until it is over. */
  follow(job: string, signal?: AbortSignal): AsyncIterable<SiteEvents['job']>;
}

export interface Batch {
  readonly from: number;
  readonly inputs: readonly Datum[];
  readonly last: boolean;
}

export function createSiteClient(url: string, token: string, options: HttpOptions): SiteClient {
  const http = createHttp(url, token, options);
  const { ask, patiently, close } = http;
  return {
    ...{ url: http.url, ask, patiently, close },
    putBlob: (bytes, signal) => putBlob(http, bytes, signal),
    putBlobs: (blobs, signal) => sendBlobs(http, blobs, signal),
    getBlob: (digest, signal, turn) => patiently(() => getBlob(http, digest, signal, turn), signal),
    addInputs: (job, batch, signal) =>
      patiently(() => ask('inputs', { params: { job }, bytes: inputsFrame(batch), ...(signal && { signal }) }), signal),
    outcomes: (job, from, signal) => outcomes(http, job, from, signal),
    receipts: (job, from, signal) => receipts(http, job, from, signal),
    follow: (job, signal) => follow(http, job, signal),
  };
}

async function putBlob(http: Http, bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
  const digest = hash('sha256', bytes);
  await sendBlob(http, { digest, size: bytes.byteLength, read: (from, to) => bytes.subarray(from, to) }, signal);
  return digest;
}

async function getBlob(http: Http, digest: string, signal?: AbortSignal, turn?: Promise<void>): Promise<Uint8Array> {
  const { body, headers } = await http.open('getBlob', { params: { digest }, ...(signal && { signal }) });
  const size = Number(headers['content-length']);
  if (!(size <= CALLER.blobBytes.default)) throw unreachable(http.url, new Error('a blob is larger than any'));
  if (size > READY_BYTES) await turn;
  const bytes = new Uint8Array(size);
  let at = 0;
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      bytes.set(part, at);
      at += part.byteLength;
    }
  } catch (error) {
    throw unreachable(http.url, error);
  }
  const found = hash('sha256', bytes);
  if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', [digest.slice(0, 12), found, digest]);
  return bytes;
}

async function* outcomes(
  http: Http,
  job: string,
  from: number,
  signal?: AbortSignal,
): AsyncGenerator<Received, JobStatus> {
  let next = from;
  /** Since when answers break off, without an outcome between. */
  let failing: number | undefined;
  for (;;) {
    try {
      for await (const outcome of framesOf(http, job, next, signal)) {
        if (outcome.index !== next) throw invalid(http.url, 'its outcomes are out of order');
        next++;
        failing = undefined;
        yield outcome;
      }
      failing = undefined;
    } catch (error) {
      if (signal?.aborted) throw new LodgerError('ERR_ABORTED', [], { cause: signal.reason });
      failing ??= performance.now();
      if (!isAway(error) || performance.now() - failing > http.patienceMs) throw error;
    }
    // An answer ends with the job, or with the site.
    const status = await http.patiently(() => http.ask('job', { params: { job } }), signal);
    const { state, tasks, merges } = status;
    const all = merges ? Math.min(tasks, 1) : tasks;
    if (state === 'cancelled' || (state === 'done' && next >= all)) return status;
    await sleep(AGAIN_MS, signal);
  }
}

async function* framesOf(http: Http, job: string, from: number, signal?: AbortSignal): AsyncGenerator<Received> {
  const abort = signal && { signal };
  const { body } = await http.patiently(
    () => http.open('outcomes', { params: { job }, query: { from }, ...abort }),
    signal,
  );
  const ready: Received[] = [];
  const read = createReader(
    () => SITE.frameBytes.max,
    (message, bytes) => {
      if (message !== null) ready.push(...outcomesIn(v.parse(DeliveredSchema, message), bytes));
    },
  );
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      read(piece);
      // One by one: handed on as a list, each would wait for a turn more.
      for (const each of ready.splice(0)) yield each;
    }
  } catch (error) {
    throw broken(http.url, error);
  }
}

async function* receipts(http: Http, job: string, from: number, signal?: AbortSignal): AsyncGenerator<WireReceipt> {
  const abort = signal && { signal };
  const { body } = await http.open('receipts', { params: { job }, query: { from }, ...abort });
  let rest = '';
  try {
    for await (const piece of texts(body)) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield v.parse(SignedReceiptSchema, JSON.parse(line));
    }
  } catch (error) {
    throw broken(http.url, error);
  }
}

async function* follow(http: Http, job: string, signal?: AbortSignal): AsyncGenerator<SiteEvents['job']> {
  const abort = signal && { signal };
  const { body } = await http.open('jobEvents', { params: { job }, ...abort });
  const ready: SiteEvents['job'][] = [];
  const parser = createParser({
    maxBufferSize: EVENT_CHARACTERS_MAX,
    onEvent: ({ event, data }) => {
      if (event === 'job') ready.push(JSON.parse(data) as SiteEvents['job']);
    },
  });
  try {
    for await (const piece of texts(body)) {
      parser.feed(piece);
      yield* ready.splice(0);
    }
  } catch (error) {
    if (!signal?.aborted) throw broken(http.url, error);
  }
}

/** Pieces of UTF-8 as text: a character may be cut between two of them. */
async function* texts(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const piece of body) yield decoder.decode(piece, { stream: true });
}
