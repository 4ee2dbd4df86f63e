// The pool: many tasks on the threads of this machine, in fresh instances, in bounded memory, each of them stoppable.
import { availableParallelism } from 'node:os';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { POOL, TASK } from '../../runtime/base/limits.ts';
import { check, integer, oneOf } from '../../runtime/base/schema.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../../runtime/job/form.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
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
import { type Policy, PolicySchema } from '../../runtime/policy/policy.ts';
import {
  checkInput,
  checkInputs,
  type Permit,
  type Permitter,
  permitJob,
  permitTask,
} from '../../runtime/sandbox/permit.ts';
import { compileFor } from '../../runtime/sandbox/sandbox.ts';
import { nodeEngine } from '../platform/engines.ts';
import { node, now } from '../platform/node.ts';
import { aborted, createCancels } from './cancels.ts';
import { createDispatcher } from './dispatch.ts';
import type { Entry, Lane } from './lane.ts';
import { inOrder } from './ordered.ts';
import { createShelf, share } from './share.ts';
import { createTally, type PoolStats } from './stats.ts';
import { startThreads } from './threads.ts';

export interface PoolOptions {
  /** `auto` (the default) is V8; `wasmtime` needs the native library. */
  readonly engine?: EngineChoice;
  /** Threads that work at a time, 1 to 256; the number of cores by default. One more is kept warm. */
  readonly threads?: number;
  /** Tasks that may wait, 0 to 1048576; `run` refuses beyond it with ERR_QUEUE_FULL. */
  readonly queueMax?: number;
  /** Bytes of inputs and results that one `map` holds at a time. */
  readonly windowBytesMax?: number;
  /** Compiled kernels that are kept, least recently used first out. */
  readonly kernelsKept?: number;
  /** What tasks may ask for at most. */
  readonly policy?: Policy;
}

const PoolOptionsSchema = v.strictObject({
  engine: v.exactOptional(oneOf(ENGINE_CHOICES)),
  threads: v.exactOptional(integer(1, POOL.threads.max)),
  queueMax: v.exactOptional(integer(0, POOL.queueMax.max)),
  windowBytesMax: v.exactOptional(integer(1, POOL.windowBytesMax.max)),
  kernelsKept: v.exactOptional(integer(1, POOL.kernelsKept.max)),
  policy: v.exactOptional(PolicySchema),
});

/** A runner on the threads of this process. */
export interface Pool extends Runner {
  stats(): PoolStats;
  /** `drain` (the default) lets what was submitted finish; `end` ends it with ERR_CLOSED. Either way no thread is left. */
  close(how?: 'drain' | 'end'): Promise<void>;
}

/** Starts a pool. Throws `ERR_OPTION_INVALID`, and `ERR_ENGINE_MISSING` with the remedy. */
export async function createPool(options: PoolOptions = {}): Promise<Pool> {
  const {
    engine: choice,
    threads: threadCount = availableParallelism(),
    queueMax = POOL.queueMax.default,
    windowBytesMax = POOL.windowBytesMax.default,
    kernelsKept = POOL.kernelsKept.default,
    policy,
  } = check(PoolOptionsSchema, options);
  const engine = nodeEngine(choice);
  const permitter: Permitter = { platform: node, wallMsDefault: TASK.wallMsMax.default, ...(policy && { policy }) };
  const threads = startThreads(new URL('./thread.js', import.meta.url).href, threadCount);
  const dispatcher = createDispatcher({ threads, threadCount, engine });
  const tally = createTally();
  const compiled = new Map<Kernel, Promise<Ready>>();
  const cancels = createCancels(dispatcher.cancel);
  const live = new Set<Entry>();
  const shelf = createShelf(windowBytesMax);
  let open = true;

  const readyOf = (kernel: Kernel): Promise<Ready> => {
    const known = compiled.get(kernel) ?? compileFor(engine, kernel);
    compiled.delete(kernel);
    compiled.set(kernel, known);
    if (compiled.size > kernelsKept) compiled.delete(compiled.keys().next().value as Kernel);
    known.catch(() => compiled.delete(kernel));
    return known;
  };
  const laneOf = (permit: Permit): Lane =>
    dispatcher.open({ ...permit, blobs: share(permit.blobs) }, readyOf(permit.kernel));

  /** One task through the dispatcher; rejects with what is the caller's doing. */
  const submit = (
    lane: Lane,
    input: Uint8Array,
    index: number,
    { signal, moved = false }: RunOptions & { moved?: boolean },
  ) =>
    new Promise<Outcome>((resolve, reject) => {
      if (signal?.aborted) throw aborted(signal);
      const entry: Entry = {
        lane,
        index,
        input: moved ? input : shelf.own(input),
        settled: false,
        flight: undefined,
        attempts: 1,
        alone: moved,
        submittedAt: now(),
        settle: (result) => {
          if (signal) cancels.remove(signal, entry);
          live.delete(entry);
          // A report has come, so no thread reads the input any more; one that was ended might.
          if (!moved && 'receipt' in result && result.receipt.memoryBytesPeak !== undefined)
            shelf.giveBack(entry.input);
          tally.count(result, now() - entry.submittedAt);
          if (result instanceof LodgerError) reject(result);
          else resolve(result);
        },
      };
      if (signal) cancels.add(signal, entry);
      live.add(entry);
      dispatcher.submit(entry);
    });

  const mustBeOpen = () => {
    if (!open) throw new LodgerError('ERR_CLOSED', ['pool']);
  };

  const recent = new RecentLanes();
  const run = async (task: Task, options: RunOptions = NO_OPTIONS): Promise<Outcome> => {
    mustBeOpen();
    const { signal } = options === NO_OPTIONS ? options : check(RunOptionsSchema, options);
    const lane = recent.laneOf(task) ?? recent.remember(task, laneOf(permitTask(permitter, task)));
    const input = checkInput(lane.permit, task.input);
    const { waiting } = dispatcher.counts();
    if (waiting >= queueMax) throw new LodgerError('ERR_QUEUE_FULL', [waiting]);
    return submit(lane, input, task.index ?? 0, {
      ...(signal && { signal }),
      moved: task.transfer === true && isWhole(input),
    });
  };

  const map = (job: Job, options: MapOptions = {}): AsyncIterableIterator<Outcome> => {
    mustBeOpen();
    const { signal, onProgress } = check(MapOptionsSchema, options);
    const lane = laneOf(permitJob(permitter, job));
    const control = new AbortController();
    const forward = () => control.abort(signal?.reason);
    if (signal?.aborted) forward();
    else signal?.addEventListener('abort', forward, { once: true });
    const progress = { done: 0, failed: 0, started: 0 };
    return inOrder<Uint8Array, Outcome>({
      // Values are encoded as they come, so that the window knows what they hold.
      inputs: lane.permit.kernel.payload ? checkInputs(lane.permit, job.inputs) : (job.inputs as Iterable<Uint8Array>),
      countMax: threadCount * POOL.batchTasksMax.default * 2,
      bytesMax: windowBytesMax,
      weigh: (value) =>
        value instanceof Uint8Array ? value.byteLength : value?.state === 'done' ? value.output.byteLength : 0,
      begin: async (input, index) => {
        mustBeOpen();
        checkInput(lane.permit, input);
        progress.started++;
        const outcome = await submit(lane, input, index, { signal: control.signal });
        progress[outcome.state]++;
        onProgress?.({ ...progress });
        return outcome;
      },
      abandon: () => {
        signal?.removeEventListener('abort', forward);
        control.abort();
      },
    });
  };

  return {
    run,
    map,
    stats: () => tally.read({ ...dispatcher.counts(), threadRestarts: threads.restarts() }),
    close: async (how = 'drain') => {
      open = false;
      if (how === 'end')
        for (const entry of [...live]) dispatcher.cancel(entry, new LodgerError('ERR_CLOSED', ['pool']));
      await dispatcher.idle();
      await threads.close();
    },
  };
}

const NO_OPTIONS: RunOptions = Object.freeze({});

function isWhole(input: Uint8Array): boolean {
  return input.buffer instanceof ArrayBuffer && input.byteLength === input.buffer.byteLength;
}

/**
 * Remembers the lane of the last plain task of a kernel, so that a stream of `run` calls with equal terms shares messages and is not
 * checked again and again. Tasks with grants or blobs are looked at each time: those objects could have changed.
 */
class RecentLanes {
  readonly #lanes = new WeakMap<Kernel, { readonly terms: string; readonly lane: Lane }>();

  laneOf(task: Task): Lane | undefined {
    if (typeof task?.kernel !== 'object' || task.kernel === null) return undefined;
    const known = this.#lanes.get(task.kernel);
    return known && known.terms === termsText(task) ? known.lane : undefined;
  }

  remember(task: Task, lane: Lane): Lane {
    if (termsText(task) !== undefined) this.#lanes.set(task.kernel, { terms: termsText(task) as string, lane });
    return lane;
  }
}

/** Equal for tasks whose terms are equal; undefined where that cannot be told cheaply. */
function termsText(task: Task): string | undefined {
  const { limits, grants, blobs, seed, digests, kernel, input, index, transfer, ...unknown } = task;
  for (const _ in unknown) return undefined;
  if (blobs !== undefined || !(grants === undefined || (Array.isArray(grants) && grants.length === 0)))
    return undefined;
  if (!(seed === undefined || typeof seed === 'number') || !(digests === undefined || typeof digests === 'boolean'))
    return undefined;
  if (index !== undefined && !(Number.isSafeInteger(index) && index >= 0)) return undefined;
  if (limits === undefined) return `${seed} ${digests}`;
  if (typeof limits !== 'object' || !Object.values(limits ?? {}).every(Number.isFinite)) return undefined;
  return `${seed} ${digests} ${JSON.stringify(limits)}`;
}
