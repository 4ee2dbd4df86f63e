// The pool behind a wall: the same runner as the pool of threads, with the threads in another process that can reach nothing.
import { totalmem } from 'node:os';
import process from 'node:process';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { check } from '../../runtime/base/schema.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import {
  type Job,
  type MapOptions,
  MapOptionsSchema,
  type RunOptions,
  RunOptionsSchema,
  type Task,
} from '../../runtime/job/task.ts';
import { mapMerged } from '../../runtime/sandbox/merged.ts';
import { checkInput, type Permitter, permitJob, permitTask } from '../../runtime/sandbox/permit.ts';
import { HOLDER } from '../grants/holder.ts';
import { sessionForCell, withReport } from '../grants/session.ts';
import { nodeEngine } from '../platform/engines.ts';
import { node, now } from '../platform/node.ts';
import { aborted, createCancels } from '../pool/cancels.ts';
import { mapJob } from '../pool/mapping.ts';
import { type FilledOptions, mustShare, type Pool } from '../pool/options.ts';
import { createShelf } from '../pool/share.ts';
import { createStarter, type OneTask } from '../pool/start.ts';
import { createTally } from '../pool/stats.ts';
import type { Boarding } from '../pool/steps.ts';
import { CELL } from './ceilings.ts';
import { createContracts } from './contracts.ts';
import { startCrew } from './crew.ts';
import type { Contract, Entry } from './entry.ts';
import type { Strictness, Wall } from './walls.ts';

export interface CellPoolOptions extends FilledOptions {
  readonly strict: Strictness;
  /** Bytes that a cell may hold; half of the machine's by default. */
  readonly memoryBytesMax?: number;
}

/** What a pool of cells has beside what every pool has. */
export interface CellPool extends Pool {
  /** The walls that hold around its cells. */
  readonly isolation: readonly Wall[];
  /** The processes of its cells, for whoever looks after them. */
  pids(): readonly number[];
}

/** What the caller gives with one task. */
interface Submission extends OneTask {
  readonly steps?: Boarding;
  readonly moved?: boolean;
}

/** Starts a pool in a process of its own. Throws `ERR_ISOLATION_MISSING`, and `ERR_HOST_FAULT` if no cell starts. */
export async function createCellPool(options: CellPoolOptions): Promise<CellPool> {
  const { engine: choice, threads, queueMax, windowBytesMax, kernelsKept, policy, metered, cpuShare, strict } = options;
  const { memoryBytesMax = halfOfMemory() } = options;
  const { name, version } = nodeEngine(choice);
  const crew = await startCrew({
    order: { engine: name, threads, metered, cpuShare, kernelsKept, windowBytesMax },
    engine: { name, version, metered },
    memoryBytesMax,
    kernelsKept,
    strict,
  });
  const permitter: Permitter = {
    platform: node,
    metered,
    wallMsDefault: TASK.wallMsMax.default,
    holder: HOLDER,
    ...(policy && { policy }),
  };
  const tally = createTally();
  const contracts = createContracts(kernelsKept, crew.forget);
  const cancels = createCancels(crew.cancel);
  const live = new Set<Entry>();
  const shelf = createShelf(windowBytesMax);
  let open = true;
  let tasks = 0;

  const mustBeOpen = () => {
    if (!open) throw new LodgerError('ERR_CLOSED', ['pool']);
  };

  /** One task into the crew; it holds its contract until it is settled. */
  const submit = (contract: Contract, given: Submission) => {
    const { input, index, signal, moved = false, steps, identity } = given;
    if (signal?.aborted) throw aborted(signal);
    contracts.hold(contract);
    const { outside } = contract.permit;
    const session = sessionForCell(outside);
    let settle: Entry['settle'] = () => undefined;
    const outcome = new Promise<Outcome>((resolve, reject) => {
      settle = (result) => (result instanceof LodgerError ? reject(result) : resolve(result));
    });
    const entry: Entry = {
      task: ++tasks,
      contract,
      index,
      ...(steps && { steps }),
      ...(identity && { identity }),
      // The caller may use its buffer again at once, and a cell may have to be given the task twice.
      input: moved ? new Uint8Array(structuredClone(input.buffer, { transfer: [input.buffer] })) : shelf.own(input),
      submittedAt: now(),
      ...(session && { session }),
      attempts: 1,
      stage: 'fresh',
      withdrawn: undefined,
      settled: false,
      settle: (result) => {
        if (signal) cancels.remove(signal, entry);
        live.delete(entry);
        // An outcome has come from the cell, so it was all sent.
        if (!moved && !(result instanceof LodgerError) && entry.attempts === 1) shelf.giveBack(entry.input);
        contracts.release(contract);
        tally.count(result, now() - entry.submittedAt);
        session?.close();
        settle(outside ? withReport(result, outside, session?.report()) : result);
      },
    };
    if (signal) cancels.add(signal, entry);
    live.add(entry);
    crew.submit(entry);
    return { entry, outcome };
  };
  const mustHaveRoom = () => {
    mustBeOpen();
    // Which of the tasks in a cell wait there is not known here.
    if (live.size >= queueMax) throw new LodgerError('ERR_QUEUE_FULL', [live.size]);
  };
  const starter = createStarter<Entry>(permitter, {
    submit: (permit, given) => {
      mustHaveRoom();
      const contract = contracts.open(permit);
      try {
        return submit(contract, given);
      } finally {
        contracts.release(contract);
      }
    },
    cancel: crew.cancel,
    pause: (entry) => {
      if (!crew.has(entry)) crew.cancel(entry, new LodgerError('ERR_ABORTED'));
    },
  });

  const run = async (task: Task, runOptions: RunOptions = {}): Promise<Outcome> => {
    mustBeOpen();
    const { signal, ...spoken } = check(RunOptionsSchema, runOptions) as RunOptions;
    if (spoken.checkpoint ?? spoken.onProgress) return starter.run(task, runOptions);
    const contract = contracts.ofTask(task, () => permitTask(permitter, task));
    try {
      const input = checkInput(contract.permit, task.input, shelf.room);
      mustHaveRoom();
      const moved = task.transfer === true && isWhole(input);
      return await submit(contract, { input, index: task.index ?? 0, moved, ...(signal && { signal }) }).outcome;
    } finally {
      contracts.release(contract);
    }
  };

  const map = mapMerged((job: Job, mapOptions: MapOptions): AsyncIterableIterator<Outcome> => {
    mustBeOpen();
    const spoken = check(MapOptionsSchema, mapOptions) as MapOptions;
    const contract = contracts.open(permitJob(permitter, job));
    return mapJob(job.inputs, {
      ...spoken,
      permit: contract.permit,
      threads,
      windowBytesMax,
      room: shelf.room,
      submit: async (given) => {
        mustBeOpen();
        return submit(contract, given).outcome;
      },
      release: () => contracts.release(contract),
    });
  });

  return {
    isolation: crew.walls,
    pids: crew.pids,
    run,
    start: starter.start,
    resume: starter.resume,
    map,
    stats: () => {
      const { lost, ...counts } = crew.counts();
      return tally.read({ ...counts, threadRestarts: lost });
    },
    setCpuShare: (share) => crew.setCpuShare(mustShare(share, metered)),
    close: async (how = 'drain') => {
      open = false;
      if (how === 'end') for (const entry of [...live]) crew.cancel(entry, new LodgerError('ERR_CLOSED', ['pool']));
      await crew.idle();
      await starter.idle();
      await crew.close();
    },
  };
}

function halfOfMemory(): number {
  const limit = process.constrainedMemory();
  const total = limit !== undefined && limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.min(Math.floor(total / 2), CELL.memoryBytesMax.max);
}

function isWhole(input: Uint8Array): boolean {
  return input.buffer instanceof ArrayBuffer && input.byteLength === input.buffer.byteLength;
}
