// A site as a runner: the same `run`, `map` and `close` as a pool, for tasks that run on the hosts of a site.
import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { check, integer } from '../../runtime/base/schema.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import {
  type Job,
  type MapOptions,
  MapOptionsSchema,
  type Runner,
  type RunOptions,
  RunOptionsSchema,
  type Task,
} from '../../runtime/job/task.ts';
import { type Permit, type Permitter, permitJob } from '../../runtime/sandbox/permit.ts';
import { node } from '../platform/node.ts';
import { cancelled, outcomeOf } from './outcome.ts';
import { withOutputs } from './outputs.ts';
import { createSiteClient, type SiteClient } from './site.ts';
import { type Asked, AskedSchema, feed, manifestOf } from './submit.ts';

export interface ConnectOptions {
  /** For how long a site may be away before a job is given up, in ms; a minute by default. */
  readonly patienceMs?: number;
  /** Certificates to trust beside those of the system, in PEM. */
  readonly ca?: string;
  /** What every job of this runner asks of the site. */
  readonly terms?: Asked;
}

const OptionsSchema = v.strictObject({
  patienceMs: v.exactOptional(integer(0, 2 ** 31 - 1)),
  ca: v.exactOptional(v.string('a text')),
  terms: v.exactOptional(AskedSchema),
});

export interface MapAsOptions extends MapOptions {
  /** Whether the job goes on when its caller leaves, once all inputs are there; otherwise it is cancelled. */
  readonly detach?: boolean;
}

/** A runner whose tasks run at a site. */
export interface SiteRunner extends Runner {
  /** Cancels what is not over. */
  close(): Promise<void>;
  readonly site: SiteClient;
  /** The same as `map`, under an id of the caller's: a job that is there already is gone on with. */
  mapAs<Input>(id: string, job: Job<Input>, options?: MapAsOptions): AsyncIterableIterator<Outcome>;
}

const USUAL_PATIENCE_MS = 60_000;
const permitter: Permitter = { platform: node, metered: true, wallMsDefault: TASK.wallMsMax.default };

/** Connects to a site. Throws `ERR_OPTION_INVALID`, `ERR_SITE_UNREACHABLE`, and `ERR_ACCESS_DENIED` for a token that it does not take. */
export async function connect(url: string, token: string, options: ConnectOptions = {}): Promise<SiteRunner> {
  const { patienceMs = USUAL_PATIENCE_MS, ca, terms = {} } = check(OptionsSchema, options) as ConnectOptions;
  const site = createSiteClient(url, token, { patienceMs, ...(ca !== undefined && { ca }) });
  try {
    await site.ask('who');
  } catch (error) {
    await site.close();
    throw error;
  }
  const closing = new AbortController();
  const open = new Set<string>();
  const mapAs = (id: string, job: Job, { detach = false, ...mapOptions }: MapAsOptions = {}) => {
    if (closing.signal.aborted) throw new LodgerError('ERR_CLOSED', ['runner']);
    const { signal, onProgress } = check(MapOptionsSchema, mapOptions) as MapOptions;
    const permit = permitJob(permitter, job);
    return mapAtSite(site, job, {
      ...{ id, open, permit, terms, detach, signal: AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]) },
      ...(onProgress && { onProgress }),
    });
  };
  const map = (job: Job, mapOptions?: MapOptions) => mapAs(randomUUID(), job, mapOptions);
  const run = async (task: Task, runOptions: RunOptions = {}): Promise<Outcome> => {
    const { signal, checkpoint, onProgress } = check(RunOptionsSchema, runOptions) as RunOptions;
    if (checkpoint) throw noSteps('checkpoint');
    if (onProgress) throw noSteps('onProgress');
    const { input, index = 0, transfer: _, ...rest } = task;
    if (index > 0) throw new LodgerError('ERR_OPTION_INVALID', ['index', '0 or left out: at a site a task is a job']);
    for await (const outcome of map({ ...rest, inputs: [input] }, signal ? { signal } : {})) return outcome;
    throw new LodgerError('ERR_ABORTED');
  };
  return {
    site,
    run,
    map,
    mapAs,
    start: () => {
      throw noSteps('start');
    },
    resume: () => {
      throw noSteps('resume');
    },
    close: async () => {
      closing.abort();
      await Promise.all([...open].map((job) => site.ask('cancel', { params: { job } }).catch(() => undefined)));
      await site.close();
    },
  };
}

interface AtSite extends MapOptions {
  readonly id: string;
  /** Jobs that are not over. */
  readonly open: Set<string>;
  readonly permit: Permit;
  readonly terms: Asked;
  readonly detach: boolean;
  readonly signal: AbortSignal;
}

async function* mapAtSite(site: SiteClient, job: Job, at: AtSite): AsyncGenerator<Outcome> {
  const { id, open, permit, terms, onProgress } = at;
  const leaving = new AbortController();
  const signal = AbortSignal.any([at.signal, leaving.signal]);
  const mustGoOn = () => {
    if (at.signal.aborted) throw new LodgerError('ERR_ABORTED', [], { cause: at.signal.reason });
  };
  mustGoOn();
  const { inputs, merge, ...own } = job;
  const parts = { terms: own, ...(merge && { merge }) };
  const manifest = { ...(await manifestOf(parts, terms, (bytes) => site.putBlob(bytes, signal))), id };
  open.add(id);
  await site.patiently(() => site.ask('submit', { json: manifest, signal }), signal);
  const progress: Counts = { done: 0, failed: 0, started: 0 };
  /** Bytes of the inputs of tasks that are under way. */
  const sizes = new Map<number, number>();
  const fed = feed(site, {
    ...{ id, permit, inputs, signal },
    onInput: (index, bytes) => {
      if (!merge) sizes.set(index, bytes);
    },
    onSent: (count, last) => {
      progress.started = count;
      if (last) progress.total = merge ? Math.min(count, 1) : count;
    },
  });
  // What goes wrong with the inputs ends the wait for outcomes that will not come.
  fed.catch((error: unknown) => leaving.abort(error));
  try {
    let isDone = false;
    const outcomes = async function* () {
      isDone = (yield* site.outcomes(id, 0, signal)).state === 'done';
    };
    for await (const [received, output] of withOutputs(outcomes(), (name, turn) => site.getBlob(name, signal, turn))) {
      const bytesIn = sizes.get(received.index) ?? 0;
      sizes.delete(received.index);
      const kernel = received.kernel ?? permit.kernel.digest;
      const outcome = outcomeOf(received, { kernel, bytesIn, job: id, output });
      progress[outcome.state]++;
      onProgress?.({ ...progress });
      yield outcome;
    }
    if (!isDone) throw cancelled(id, '');
    // The outcomes may be here before the answer to the last inputs.
    await fed;
  } catch (error) {
    mustGoOn();
    throw leaving.signal.aborted ? leaving.signal.reason : error;
  } finally {
    leaving.abort();
    const goesOn = isOver(progress) || (at.detach && progress.total !== undefined);
    if (!goesOn && open.has(id)) await site.ask('cancel', { params: { job: id } }).catch(() => undefined);
    open.delete(id);
  }
}

type Counts = { done: number; failed: number; started: number; total?: number };

function isOver({ done, failed, total }: Counts): boolean {
  return total !== undefined && done + failed >= total;
}

function noSteps(option: 'checkpoint' | 'onProgress' | 'start' | 'resume'): LodgerError {
  return new LodgerError('ERR_OPTION_INVALID', [
    option,
    'left out: a site moves steppers by itself, as `everyMs` says',
  ]);
}
