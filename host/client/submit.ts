// A job on its way to a site: kernel and blobs by digest, the manifest, then the inputs a frame at a time.
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { integer } from '../../runtime/base/schema.ts';
import { givesValues, MERGE_ARITY } from '../../runtime/job/merge.ts';
import { SITE_TERMS } from '../../runtime/job/site-terms.ts';
import type { Job, Merge, Terms } from '../../runtime/job/task.ts';
import { checkInputs, type Permit } from '../../runtime/sandbox/permit.ts';
import type { Manifest } from '../wire/api.ts';
import { batchesOf } from './inputs.ts';
import type { Batch, SiteClient } from './site.ts';
import { sleep } from './sleep.ts';

const AGAIN_MS = 500;
/** Batches with blobs that are under way at once: each is `CALLER.groupBytes` and the one blob that went beyond, at most. */
const LINE_MAX = 3;

/** What a job asks of a site, beside its terms. `deadline` in ms since 1970. */
export const AskedSchema = v.strictObject({
  ...SITE_TERMS,
  deadline: v.exactOptional(integer(0, Number.MAX_SAFE_INTEGER)),
});
export type Asked = v.InferOutput<typeof AskedSchema>;

/** The job as a site knows it, once `send` has had every blob. */
export async function manifestOf(
  { terms, merge }: { readonly terms: Terms; readonly merge?: Merge },
  asked: Asked,
  send: (bytes: Uint8Array) => Promise<string>,
): Promise<Manifest> {
  const { kernel, limits, grants, args, seed, deterministic } = terms;
  // One blob after the other, since there may be many, while the kernels are sent.
  const [sent, sentMerge, blobs] = await Promise.all([
    send(kernel.bytes),
    merge && mergeOf(terms, merge, send),
    sendAll(terms.blobs ?? {}, send),
  ]);
  return {
    version: 1,
    ...asked,
    kernel: sent,
    ...(sentMerge && { merge: sentMerge }),
    blobs,
    ...(limits !== undefined && { limits }),
    ...(grants !== undefined && { grants: [...grants] }),
    ...(args !== undefined && { args: [...args] }),
    ...(seed !== undefined && { seed }),
    ...(deterministic !== undefined && { deterministic }),
  };
}

async function sendAll(
  blobs: Readonly<Record<string, Uint8Array>>,
  send: (bytes: Uint8Array) => Promise<string>,
): Promise<Record<string, string>> {
  const sent: Record<string, string> = {};
  for (const [name, bytes] of Object.entries(blobs)) sent[name] = await send(bytes);
  return sent;
}

async function mergeOf(
  { kernel }: Terms,
  { kernel: merge, arity = MERGE_ARITY }: Merge,
  send: (bytes: Uint8Array) => Promise<string>,
): Promise<NonNullable<Manifest['merge']>> {
  return { kernel: await send(merge.bytes), arity, values: givesValues(kernel) };
}

export interface Feeding {
  readonly id: string;
  readonly permit: Permit;
  readonly inputs: Job['inputs'];
  /** Told of each input's bytes, in order. */
  readonly onInput: (index: number, bytes: number) => void;
  /** How many the site has by now, and whether they are all. */
  readonly onSent: (count: number, last: boolean) => void;
  readonly signal: AbortSignal;
}

/** Sends the inputs; where the site has no room for more, waits until some are done. Throws what the site says. */
export async function feed(site: SiteClient, { id, permit, inputs, onInput, onSent, signal }: Feeding): Promise<void> {
  const measured = async function* () {
    let index = 0;
    for await (const input of checkInputs(permit, inputs)) {
      onInput(index++, input.byteLength);
      yield input;
    }
  };
  const line = createLine();
  const run = async () => {
    const sender = { putBlob: (bytes: Uint8Array) => site.putBlob(bytes, signal), busy: line.busy };
    for await (const { blobs, free, ...batch } of batchesOf(measured(), sender)) {
      if (signal.aborted) return;
      // Blobs go ahead, several batches of them at once, and the inputs behind them in order.
      const there = blobs.size > 0 ? site.putBlobs(blobs, signal) : undefined;
      // That it went wrong is said when its turn comes.
      there?.catch(() => undefined);
      await line.add(there ? LINE_MAX : 0, async () => {
        await there;
        await send(site, id, batch, signal);
        free();
        onSent(batch.from + batch.inputs.length, batch.last);
      });
    }
    await line.busy();
  };
  await Promise.race([run(), line.failed]);
}

/** Acts one after the other, for the caller to go on meanwhile. */
function createLine() {
  const waiting = new Set<Promise<void>>();
  let tail: Promise<void> = Promise.resolve();
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  return {
    /** Rejects when one has. */
    failed,
    busy: () => (waiting.size > 0 ? tail : undefined),
    /** Puts an act behind the others. Resolves when no more than so many are not over. */
    add: async (most: number, act: () => Promise<void>) => {
      const one = tail.then(act);
      tail = one;
      waiting.add(one);
      one.then(() => waiting.delete(one), fail);
      for (const oldest of waiting) {
        if (waiting.size <= most) break;
        await oldest;
      }
    },
  };
}

async function send(site: SiteClient, id: string, batch: Batch, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await site.addInputs(id, batch, signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LodgerError && error.code === 'ERR_QUOTA_SPENT')) throw error;
      const { state, counts, tasks } = await site.patiently(() => site.ask('job', { params: { job: id } }), signal);
      // There is no room to be waited for where nothing of this job is under way.
      if (state !== 'open' || counts.done + counts.failed + counts.cancelled >= tasks) throw error;
      await sleep(AGAIN_MS, signal);
    }
  }
}
