// A batch of another site is a job here: its lease is fetched and submitted, and its outcomes go back as the report of one host.
import { hash } from 'node:crypto';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fromHex } from '../../runtime/base/platform.ts';
import { siteAccount } from '../coordinator/belief.ts';
import type { Caller, Delivered, Site } from '../coordinator/contracts.ts';
import { digestOf as inputDigest } from '../coordinator/inputs.ts';
import { batchesOf, bytesOf, type Ran, reportOf } from '../lend/report.ts';
import { node } from '../platform/node.ts';
import { SITE } from '../wire/ceilings.ts';
import { hostName } from '../wire/ledger.ts';
import { encodeFrame, type Lease, parseToHost, type WireTerms } from '../wire/site.ts';
import type { Self, SiteBlobs, Source } from './contracts.ts';
import { digestOf } from './line.ts';
import type { Answer, Ask, AskedOf, Holder } from './messages.ts';
import { blobsOf } from './permit.ts';
import type { Batch } from './running.ts';

const AGAIN_MS = 500;
const HOLDER_TRIES = 3;
/** Outcomes that are there are reported after so long, though others are not. */
const GATHER_MS = 500;
const MESSAGE_BYTES = 4_096;

export interface WorkerParts {
  readonly self: Self;
  /** Asks another site. Rejects where there is no answer. */
  readonly ask: (site: string, body: Ask) => Promise<Answer>;
  readonly site: Site;
  readonly blobs: SiteBlobs;
  /** So long it works on a batch at most. */
  readonly deadlineMs: number;
}

/** What a batch is, once it is here. */
interface Here {
  readonly caller: Caller;
  readonly job: string;
  readonly lease: Lease & { readonly terms: WireTerms };
  readonly source: Source | undefined;
}

export interface Worker {
  work(batch: Batch): Promise<void>;
  bury(batch: Batch): Promise<void>;
}

export function createWorker({ self, ask: askOnce, site, blobs, deadlineMs }: WorkerParts): Worker {
  /** Asks until there is an answer. */
  const ask = async ({ offer: { asker }, signal }: Batch, body: Ask): Promise<Exclude<Answer, { state: 'later' }>> => {
    for (;;) {
      signal.throwIfAborted();
      try {
        const answer = await askOnce(asker, body);
        if (answer.state !== 'later') return answer;
      } catch {
        // It is away, or what came is nothing: it is asked again.
      }
      await pause(AGAIN_MS);
    }
  };
  /** Where others have a blob of the site that asks, as far as they say so. */
  const alsoFrom = async (owner: string, holders: readonly Holder[]): Promise<Source[]> => {
    const found = holders.map(async ({ site: at, digest, permit }) => {
      for (let more = HOLDER_TRIES; more > 0; more--) {
        const answer = await askOnce(at, { kind: 'blob', owner, digest, permit }).catch(() => undefined);
        if (answer?.state === 'blob') return [{ url: answer.url, token: answer.token }];
        if (answer?.state === 'gone') return [];
        // The two may not have each other's record yet.
        await pause(AGAIN_MS);
      }
      return [];
    });
    return (await Promise.all(found)).flat();
  };
  const release = async (batch: Batch, tasks: readonly number[], dead = false) => {
    const { offer, revision } = batch;
    if (tasks.length > 0 || dead)
      await ask(batch, { kind: 'release', fence: offer.fence, revision, tasks: [...tasks], dead });
  };

  /** Fetches the lease with its blobs and submits it; nothing where nobody needs it. */
  const begin = async (batch: Batch): Promise<Here | undefined> => {
    const { offer, revision } = batch;
    const answer = await ask(batch, { kind: 'lease', fence: offer.fence, revision });
    if (answer.state !== 'lease') return undefined;
    const frame = parseToHost(answer.frame);
    if (frame.type !== 'lease' || frame.terms === undefined || digestOf(frame) !== offer.digest) return undefined;
    const lease = { ...frame, terms: frame.terms };
    const { url, token } = answer.asked;
    const source = url === null ? undefined : { url, token };
    const caller: Caller = { account: siteAccount(offer.asker), role: 'submitter' };
    try {
      for (const digest of blobsOf(lease)) {
        const others = answer.asked.holders.filter((holder) => holder.digest === digest);
        await blobs.fetch(digest, source ? [source] : [], () => alsoFrom(offer.asker, others));
      }
      const manifest = manifestOf(lease, answer.asked, { id: idOf(offer), deadlineMs });
      const { id: job } = await submitted(site, caller, manifest, lease.tasks);
      await site.addInputs(caller, job, 0, lease.inputs, true);
      return { caller, job, lease, source };
    } catch (error) {
      // What this site does not take, others may.
      if (!(error instanceof LodgerError)) throw error;
      self.log('warn', `a batch of site ${offer.asker} goes back: ${error.message} [${error.code}]`);
      await release(batch, lease.tasks);
      return undefined;
    }
  };

  const rowOf = async (here: Here, outcome: Delivered): Promise<Ran> => {
    const { lease, source } = here;
    const { code, output, message, log, engine, rewriter, tariff, deterministic } = outcome;
    if (typeof output === 'string' && source) await blobs.send(output, source);
    return {
      task: lease.tasks[outcome.index] as number,
      input: inputDigest(lease.inputs[outcome.index] as Uint8Array),
      code,
      output: code === '' ? output : new TextEncoder().encode(message).slice(0, MESSAGE_BYTES),
      outputDigest: code === '' ? inputDigest(output) : '',
      ...{ fuel: outcome.fuel, fuelAtLeast: null, wallMs: outcome.wallMs, memoryBytesPeak: outcome.memoryBytesPeak },
      log: log && [log.lines.map(([level, text]) => [level, text]), log.linesDropped],
      by: { engine, rewriter, tariff, deterministic, isolation: [] },
    };
  };
  const report = async (batch: Batch, { lease }: Here, rows: readonly Ran[]) => {
    const publicKey = fromHex(self.key.public);
    const key = { publicKey, sign: self.key.sign };
    for (const part of batchesOf({ fence: lease.fence, job: lease.job, terms: lease.terms, rows })) {
      const signed = await reportOf(part, {
        host: hostName(publicKey, node.digest),
        batch: 0,
        key,
        digest: node.digest,
      });
      const frame = Uint8Array.from(encodeFrame(signed));
      await ask(batch, { kind: 'report', revision: batch.revision, frame });
    }
  };

  return {
    work: async (batch) => {
      const here = await begin(batch);
      if (!here) return;
      const { caller, job, lease } = here;
      const cancel = () => void site.cancel(caller, job).catch(() => undefined);
      batch.ended.addEventListener('abort', cancel, { once: true });
      const undone: number[] = [];
      try {
        for await (const outcomes of gathered(site.outcomes(caller, job, 0, batch.signal))) {
          for (const { state, index } of outcomes) if (state === 'cancelled') undone.push(lease.tasks[index] as number);
          const done = outcomes.filter(({ state }) => state !== 'cancelled');
          const rows: Ran[] = [];
          for (const outcome of done) rows.push(await rowOf(here, outcome));
          if (rows.length > 0) await report(batch, here, rows);
        }
        batch.signal.throwIfAborted();
        await release(batch, undone);
      } finally {
        batch.ended.removeEventListener('abort', cancel);
      }
    },
    bury: (batch) => release(batch, [], true),
  };
}

/** Its job here has this id: what is handed out again is not done again. */
function idOf({ asker, fence, digest }: Batch['offer']): string {
  return `of-${hash('sha256', `${asker}\n${fence.join('.')}\n${digest}`).slice(0, 32)}`;
}

function manifestOf(
  { terms, tasks }: Here['lease'],
  asked: AskedOf,
  { id, deadlineMs }: { id: string; deadlineMs: number },
) {
  const { account: _, ...rest } = terms;
  const { name, confidence, requirements, msLeft } = asked;
  return {
    ...{ version: 1 as const, id, name: `${name}: ${tasks.length} tasks`.slice(0, 200) },
    ...{ ...rest, confidence, requirements, keepDays: 0 },
    deadline: Date.now() + Math.min(deadlineMs, msLeft ?? deadlineMs),
  };
}

/** Submits a batch, unless it is here: then its deadline is the one that it had. */
async function submitted(
  site: Site,
  caller: Caller,
  manifest: ReturnType<typeof manifestOf>,
  numbers: readonly number[],
) {
  try {
    return site.job(caller, manifest.id);
  } catch {
    return site.submit(caller, manifest, numbers);
  }
}

/** Outcomes in heaps: those that are there when one was waited for long enough, or of a report's bytes. */
async function* gathered(outcomes: AsyncIterable<readonly Delivered[]>): AsyncGenerator<Delivered[]> {
  const source = outcomes[Symbol.asyncIterator]();
  let heap: Delivered[] = [];
  let bytes = 0;
  let next = source.next();
  let due: Promise<undefined> | undefined;
  for (;;) {
    if (heap.length > 0) due ??= pause(GATHER_MS);
    const come = await (due ? Promise.race([next, due]) : next);
    const isOver = come?.done === true;
    for (const outcome of come && !come.done ? come.value : []) {
      heap.push(outcome);
      bytes += bytesOf({ output: outcome.output, log: null });
      if (bytes < SITE.batchBytes.default) continue;
      yield heap;
      [heap, bytes, due] = [[], 0, undefined];
    }
    if (come && !isOver) next = source.next();
    if (heap.length > 0 && (!come || isOver)) {
      yield heap;
      [heap, bytes, due] = [[], 0, undefined];
    }
    if (isOver) return;
  }
}

const pause = (ms: number) => new Promise<undefined>((resolve) => setTimeout(resolve, ms, undefined));
