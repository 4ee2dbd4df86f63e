// The pool: many tasks on the threads of this machine, in fresh instances, in bounded memory, each of them stoppable.
import { LodgerError } from '../../runtime/base/errors.ts';
import { POOL, TASK } from '../../runtime/base/limits.ts';
import { check } from '../../runtime/base/schema.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { OutsideTerms } from '../../runtime/job/outside.ts';
import {
  type Job,
  type MapOptions,
  MapOptionsSchema,
  type RunOptions,
  RunOptionsSchema,
  type Task,
  type Terms,
} from '../../runtime/job/task.ts';
import { mapMerged } from '../../runtime/sandbox/merged.ts';
import { checkInput, type Permit, type Permitter, permitJob, permitTask } from '../../runtime/sandbox/permit.ts';
import { compileTraced } from '../../runtime/sandbox/trace.ts';
import { HOLDER, NO_HOLDER } from '../grants/holder.ts';
import type { RequestsOptions } from '../grants/http.ts';
import { sessionFor, withReport } from '../grants/session.ts';
import { engineForStrangers, nodeEngine } from '../platform/engines.ts';
import { node, now } from '../platform/node.ts';
import { aborted, createCancels } from './cancels.ts';
import { createDispatcher } from './dispatch.ts';
import type { Entry, Lane } from './lane.ts';
import { mapJob } from './mapping.ts';
import { fillOptions, mustShare, type Pool, type PoolOptions } from './options.ts';
import { RecentLanes } from './recent.ts';
import { createShelf, share } from './share.ts';
import { createStarter, type OneTask, type Started } from './start.ts';
import { createTally } from './stats.ts';
import type { Boarding, Keeper } from './steps.ts';
import { startThreads } from './threads.ts';

/** What those of the project's own say beside the options. */
export interface Internals extends RequestsOptions {
  /** Whether this pool holds no rights: it asks whoever gave it a task for files and answers. */
  readonly asksFiles?: boolean;
  /** How much work a message to one of its threads should hold, in ms. */
  readonly batchMsTarget?: number;
  /**
   * Idle threads beyond those that work: one takes over at once when another had to be ended, which takes about 100 ms to replace. Each takes
   * 60 ms of CPU time and some megabytes.
   */
  readonly spares?: 0 | 1;
  /** Whether its kernels are strangers': what is compiled of them stays in this process. */
  readonly forStrangers?: boolean;
}

/** What those of the project's own have beside it who hand tasks on. `outside`: terms that were settled by who holds the right. */
export interface ThreadPool extends Pool {
  /**
   * Tasks of one job that come one by one, in any order; no ceiling of the pool's holds them back. Their inputs must not change until their
   * outcomes are there: small ones are not copied.
   */
  open(terms: Terms, outside?: OutsideTerms): OpenJob;
  /** Room for the input of a task of such a job, which is then not copied. */
  room(bytes: number): Uint8Array;
}

export interface OpenJob {
  /** `cancel` does what a signal would, which costs more than the rest of a small task. */
  run(one: OneTask): { readonly outcome: Promise<Outcome>; cancel(): void };
  /** A stepper's task that can be spoken to, with somebody else for its images. */
  start(one: OneTask, keeper: Keeper): Started;
}

/** One task for the threads. */
interface Submission extends OneTask {
  readonly steps?: Boarding;
}

/** Whose the buffer of an input is: copied, since the caller may use it again; moved here; or one that nobody changes. */
type Owned = 'copied' | 'moved' | 'kept';

interface Submitted {
  readonly entry: Entry;
  readonly outcome: Promise<Outcome>;
}

/** Starts a pool. Throws `ERR_OPTION_INVALID`, and `ERR_ENGINE_MISSING` with the remedy. */
export async function createPool(options: PoolOptions = {}, internals: Internals = {}): Promise<ThreadPool> {
  const filled = fillOptions(options);
  const { engine: choice, threads: threadCount, queueMax, windowBytesMax, kernelsKept, policy, metered } = filled;
  const { cpuShare } = filled;
  const wallMsDefault = TASK.wallMsMax.default;
  const { asksFiles = false, batchMsTarget = POOL.batchMsTarget.default, forStrangers = false, spares = 1 } = internals;
  const engine = forStrangers ? engineForStrangers(choice) : nodeEngine(choice);
  const holder = asksFiles ? NO_HOLDER : HOLDER;
  const permitter: Permitter = { platform: node, metered, wallMsDefault, holder, ...(policy && { policy }) };
  const threads = startThreads(new URL('../pool/thread-bundle.cjs', import.meta.url), threadCount, spares);
  const dispatcher = createDispatcher({ threads, threadCount, engine, metered, cpuShare, asksFiles, batchMsTarget });
  const tally = createTally();
  const compiled = new Map<string, Promise<Ready>>();
  const cancels = createCancels(dispatcher.cancel);
  const live = new Set<Entry>();
  const shelf = createShelf(windowBytesMax);
  let open = true;

  const readyOf = ({ kernel, deterministic }: Permit): Promise<Ready> => {
    const key = `${kernel.digest} ${deterministic}`;
    const known = compiled.get(key) ?? compileTraced(engine, kernel, { metered, canonicalNaNs: deterministic });
    compiled.delete(key);
    compiled.set(key, known);
    if (compiled.size > kernelsKept) compiled.delete(compiled.keys().next().value as string);
    known.catch(() => compiled.delete(key));
    return known;
  };
  const laneOf = (permit: Permit): Lane => dispatcher.open({ ...permit, blobs: share(permit.blobs) }, readyOf(permit));

  /** One task through the dispatcher; the promise rejects with what is the caller's doing. */
  const submit = (lane: Lane, given: Submission, owned: Owned = 'copied'): Submitted => {
    const { index, signal, steps } = given;
    if (signal?.aborted) throw aborted(signal);
    const { outside } = lane.permit;
    const session = outside && (given.session ?? sessionFor(outside, internals));
    const moved = owned === 'moved';
    const isOwn = moved || (owned === 'kept' && given.input.byteLength < POOL.sharedBytesMin.default);
    const input = isOwn ? given.input : shelf.own(given.input);
    let settle: Entry['settle'] = () => undefined;
    const outcome = new Promise<Outcome>((resolve, reject) => {
      settle = (result) => (result instanceof LodgerError ? reject(result) : resolve(result));
    });
    const entry: Entry = {
      lane,
      index,
      input,
      settled: false,
      flight: undefined,
      attempts: 1,
      alone: moved || steps !== undefined,
      ...(steps && { steps }),
      ...(session && { session }),
      submittedAt: now(),
      settle: (result) => {
        if (signal) cancels.remove(signal, entry);
        live.delete(entry);
        // A report has come, so no thread reads the input any more; one that was ended might.
        if (!moved && 'receipt' in result && result.receipt.memoryBytesPeak !== undefined) shelf.giveBack(entry.input);
        tally.count(result, now() - entry.submittedAt);
        session?.close();
        settle(outside ? withReport(result, outside, session?.report()) : result);
      },
    };
    if (signal) cancels.add(signal, entry);
    live.add(entry);
    dispatcher.submit(entry);
    return { entry, outcome };
  };

  const mustBeOpen = () => {
    if (!open) throw new LodgerError('ERR_CLOSED', ['pool']);
  };

  const mustHaveRoom = () => {
    mustBeOpen();
    const { waiting } = dispatcher.counts();
    if (waiting >= queueMax) throw new LodgerError('ERR_QUEUE_FULL', [waiting]);
  };
  const pause = (entry: Entry) => {
    if (!entry.flight) dispatcher.cancel(entry, new LodgerError('ERR_ABORTED'));
    // It stands for the outcome that there will not be.
    entry.withdrawn ??= new LodgerError('ERR_ABORTED');
  };
  const starter = createStarter<Entry>(permitter, {
    submit: (permit, given) => {
      mustHaveRoom();
      return submit(laneOf(permit), given);
    },
    ...{ cancel: dispatcher.cancel, pause },
  });

  const recent = new RecentLanes();
  const run = async (task: Task, options: RunOptions = NO_OPTIONS): Promise<Outcome> => {
    mustBeOpen();
    const { signal, ...spoken } = options === NO_OPTIONS ? options : (check(RunOptionsSchema, options) as RunOptions);
    if (spoken.checkpoint ?? spoken.onProgress) return starter.run(task, options);
    const lane = recent.laneOf(task) ?? recent.remember(task, laneOf(permitTask(permitter, task)));
    // Read once: it may be a getter, and what it gives is the caller's.
    const { input: given } = task;
    const input = checkInput(lane.permit, given, shelf.room);
    mustHaveRoom();
    const owned = input !== given ? 'kept' : task.transfer === true && isWhole(input) ? 'moved' : 'copied';
    return submit(lane, { input, index: task.index ?? 0, ...(signal && { signal }) }, owned).outcome;
  };

  const map = mapMerged((job: Job, options: MapOptions): AsyncIterableIterator<Outcome> => {
    mustBeOpen();
    const spoken = check(MapOptionsSchema, options) as MapOptions;
    const lane = laneOf(permitJob(permitter, job));
    return mapJob(job.inputs, {
      ...spoken,
      permit: lane.permit,
      threads: threadCount,
      windowBytesMax,
      room: shelf.room,
      submit: async (given) => {
        mustBeOpen();
        return submit(lane, given).outcome;
      },
    });
  });

  return {
    ...{ run, map, room: shelf.room, start: starter.start, resume: starter.resume },
    open: (terms, outside) => {
      mustBeOpen();
      const task = { ...terms, input: NOTHING };
      const openLane = () => {
        const known = outside ? undefined : recent.laneOf(task);
        if (known) return known;
        const lane = laneOf({ ...permitJob(permitter, { ...terms, inputs: [] }), ...(outside && { outside }) });
        return outside ? lane : recent.remember(task, lane);
      };
      let lane = openLane();
      const stage = { submit: (_: Permit, given: Submission) => submit(lane, given), cancel: dispatcher.cancel, pause };
      const { begin } = createStarter<Entry>(permitter, stage);
      return {
        run: (one) => {
          if (lane.failed) lane = openLane();
          checkInput(lane.permit, one.input);
          const { entry, outcome } = submit(lane, one, 'kept');
          return { outcome, cancel: () => dispatcher.cancel(entry, new LodgerError('ERR_ABORTED')) };
        },
        start: (one, keeper) => begin(lane.permit, keeper, one),
      };
    },
    stats: () => tally.read({ ...dispatcher.counts(), threadRestarts: threads.restarts() }),
    setCpuShare: (share) => dispatcher.setCpuShare(mustShare(share, metered)),
    close: async (how = 'drain') => {
      open = false;
      if (how === 'end')
        for (const entry of [...live]) dispatcher.cancel(entry, new LodgerError('ERR_CLOSED', ['pool']));
      await dispatcher.idle();
      await starter.idle();
      await threads.close();
    },
  };
}

const NOTHING = new Uint8Array();
const NO_OPTIONS: RunOptions = Object.freeze({});

function isWhole(input: Uint8Array): boolean {
  return input.buffer instanceof ArrayBuffer && input.byteLength === input.buffer.byteLength;
}
