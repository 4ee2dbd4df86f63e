// Gives batches to threads and settles their tasks: the part of the pool that knows about lost threads, deadlines and retries.
import { threadId } from 'node:worker_threads';
import { describe, type FailureCode, LodgerError } from '../../runtime/base/errors.ts';
import { POOL } from '../../runtime/base/limits.ts';
import type { Engine, Ready } from '../../runtime/engine/engine.ts';
import { faultOf, type Outcome } from '../../runtime/job/outcome.ts';
import { receiptHead } from '../../runtime/sandbox/execute.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import { now } from '../platform/node.ts';
import { type Compiled, type Entry, type Flight, type Lane, learn, takeBatch } from './lane.ts';
import { CONTROL, HEAD_MISSING, packBatch, reported, unpackReport } from './message.ts';
import type { Threads } from './threads.ts';

export interface Dispatcher {
  /** A lane for the tasks of one permit. If `ready` fails, so do they all. */
  open(permit: Permit, ready: Promise<Ready>): Lane;
  /** Puts a task at the end of its lane. */
  submit(entry: Entry): void;
  /** Takes a task back, wherever it is. Its `settle` gets `reason` once nothing of it runs any more. */
  cancel(entry: Entry, reason: LodgerError): void;
  counts(): { readonly running: number; readonly waiting: number };
  /** Resolves when nothing is waiting or running. */
  idle(): Promise<void>;
}

export interface DispatcherOptions {
  readonly threads: Threads;
  readonly threadCount: number;
  readonly engine: Engine;
}

/** The number of the next task, unique in the process: pools can be in several of its threads. */
let nextJob = threadId * 2 ** 40 + 1;

export function createDispatcher({ threads, threadCount, engine }: DispatcherOptions): Dispatcher {
  /** Lanes with waiting tasks, in the order in which they are served. */
  const lanes: Lane[] = [];
  /** Control words of flights that landed, for the next ones. */
  const controls: Int32Array[] = [];
  let inFlight = 0;
  let lanesOpened = 0;
  let waiting = 0;
  let pumping = false;
  let idleWaiters: (() => void)[] = [];

  /** All submissions of one turn are seen together, so that they can share a message. */
  const schedule = () => {
    if (pumping) return;
    pumping = true;
    queueMicrotask(() => {
      pumping = false;
      pump();
    });
  };

  const pump = () => {
    for (let tried = 0; inFlight < threadCount && tried < lanes.length; ) {
      const lane = lanes.shift() as Lane;
      if (!lane.compiled) {
        lanes.push(lane);
        tried++;
        continue;
      }
      const entries = takeBatch(lane, threadCount);
      if (lane.waiting.length > 0) lanes.push(lane);
      waiting -= entries.length;
      send(lane.compiled, lane, entries);
      tried = 0;
    }
    if (inFlight === 0 && waiting === 0) {
      const waiters = idleWaiters;
      idleWaiters = [];
      for (const wake of waiters) wake();
    }
  };

  const send = (compiled: Compiled, lane: Lane, entries: readonly Entry[]) => {
    const job = nextJob;
    nextJob += entries.length;
    const control = controls.pop() ?? newControl();
    control.fill(0);
    control[CONTROL.current] = -1;
    // A moved input cannot be sent a second time, so its message is complete; other threads ask if they were not told.
    const told = lane.headsSent > threadCount && !entries[0]?.alone;
    if (!told) lane.headsSent++;
    const { limits, blobs, seed, digests } = lane.permit;
    const head = told ? {} : { head: { ...compiled.shared, engine: engine.name, limits, blobs, seed, digests } };
    const { transfer, ...batch } = packBatch({ lane: lane.number, control, job, ...head }, entries);
    const lease = threads.lease(batch, transfer);
    const flight: Flight = {
      entries,
      control,
      lease,
      sentAt: now(),
      job,
      ending: undefined,
      landed: false,
      timer: undefined,
    };
    inFlight++;
    for (const entry of entries) {
      entry.flight = flight;
    }
    watch(flight, lane);
    lease.report.then(
      (report) => {
        if (!land(flight)) return;
        controls.push(flight.control);
        if (report === HEAD_MISSING) {
          lane.headsSent = 0;
          send(
            compiled,
            lane,
            entries.filter((entry) => !entry.settled),
          );
          return;
        }
        const count = reported(report);
        learn(lane, now() - flight.sentAt, report.ms, count);
        unpackReport(compiled.receiptHead, entries, report, (place, outcome) => {
          if (outcome) settle(entries[place] as Entry, outcome);
        });
        if (flight.ending) settle(flight.ending.entry, flight.ending.result);
        for (const entry of entries) if (entry.withdrawn) settle(entry, entry.withdrawn);
        // A task was stopped, and those after it were not begun.
        for (const entry of entries.slice(count).reverse()) if (!entry.settled) enqueue(entry, 'first');
        schedule();
      },
      (error: unknown) => {
        if (!flight.lease.isEnding()) lost(flight, error);
      },
    );
  };

  /** A flight is over once: with its report, or with its thread. */
  const land = (flight: Flight): boolean => {
    if (flight.landed) return false;
    flight.landed = true;
    clearTimeout(flight.timer);
    // A task that had ended by itself does not answer to its cancel any more.
    if (flight.ending) engine.stopper?.forget(jobOf(flight, flight.ending.entry));
    inFlight--;
    for (const entry of flight.entries) entry.flight = undefined;
    return true;
  };

  const settle = (entry: Entry, result: Outcome | LodgerError) => {
    if (entry.settled) return;
    entry.settled = true;
    entry.settle(result);
  };

  /** Looks at the running task of a flight when its wall time may be over. */
  const watch = (flight: Flight, lane: Lane) => {
    const { wallMsMax } = lane.permit.limits;
    if (wallMsMax === undefined) return;
    // An engine that keeps the limit by itself tells more of the task than can be told here.
    const lookMs = wallMsMax + (engine.stopper ? POOL.stopMsMax.default : 0);
    const look = () => {
      const place = Atomics.load(flight.control, CONTROL.current);
      const entry = flight.entries[place];
      const elapsed = entry ? ((now() | 0) - Atomics.load(flight.control, CONTROL.startedAt)) | 0 : 0;
      if (!entry || elapsed < lookMs) {
        flight.timer = setTimeout(look, Math.max(1, lookMs - elapsed));
        return;
      }
      end(flight, entry, failed(lane, entry, 'ERR_WALL_SPENT', describe('ERR_WALL_SPENT', wallMsMax), elapsed));
    };
    // A timer cannot wait longer than 2^31 - 1 ms; limits stay below that.
    flight.timer = setTimeout(look, lookMs);
  };

  /**
   * Ends a task that runs. An engine that can stop it is told to, and the report then comes soon. Without one, or where it does not
   * help in time, the thread is ended, and the other tasks, which are innocent, run again, each alone, once.
   */
  const end = (flight: Flight, entry: Entry, result: Outcome | LodgerError) => {
    if (flight.ending) return;
    flight.ending = { entry, result };
    if (!engine.stopper) {
      endThread(flight);
      return;
    }
    Atomics.store(flight.control, CONTROL.unwanted + flight.entries.indexOf(entry), 1);
    engine.stopper.cancel(jobOf(flight, entry));
    clearTimeout(flight.timer);
    flight.timer = setTimeout(endThread, POOL.stopMsMax.default, flight);
  };

  const endThread = (flight: Flight) => {
    const { entry, result } = flight.ending as NonNullable<Flight['ending']>;
    flight.lease.end().then(() => {
      if (!land(flight)) return;
      again(flight, entry);
      settle(entry, result);
      schedule();
    });
  };

  /** A thread died by itself. The task that ran then is held responsible, once; the others run again. */
  const lost = (flight: Flight, error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    const culprit = flight.entries[Math.max(0, Atomics.load(flight.control, CONTROL.current))] as Entry;
    land(flight);
    again(flight, culprit);
    settle(
      culprit,
      culprit.withdrawn ??
        failed(culprit.lane, culprit, 'ERR_HOST_FAULT', describe('ERR_HOST_FAULT', reason), now() - flight.sentAt),
    );
    schedule();
  };

  const again = (flight: Flight, culprit: Entry) => {
    for (const entry of [...flight.entries].reverse()) {
      if (entry === culprit || entry.settled) continue;
      if (entry.withdrawn) {
        settle(entry, entry.withdrawn);
        continue;
      }
      entry.attempts++;
      entry.alone = true;
      enqueue(entry, 'first');
    }
  };

  const enqueue = (entry: Entry, place: 'first' | 'last') => {
    const { lane } = entry;
    if (lane.waiting.length === 0) lanes.push(lane);
    if (place === 'first') lane.waiting.unshift(entry);
    else lane.waiting.push(entry);
    waiting++;
  };

  const failed = (lane: Lane, entry: Entry, code: FailureCode, message: string, wallMs: number): Outcome => ({
    state: 'failed',
    code,
    fault: faultOf(code),
    message,
    log: { lines: [], linesDropped: 0 },
    receipt: {
      ...(lane.compiled as Compiled).receiptHead,
      wallMs,
      bytesIn: entry.input.byteLength,
      bytesOut: 0,
      calls: {},
      attempts: entry.attempts,
    },
  });

  const open = (permit: Permit, ready: Promise<Ready>): Lane => {
    const lane: Lane = {
      number: ++lanesOpened,
      permit,
      compiled: undefined,
      waiting: [],
      headsSent: 0,
      taskMs: undefined,
      runMs: undefined,
    };
    ready.then(
      (compiled) => {
        lane.compiled = {
          ready: compiled,
          shared: { ...compiled, compiled: engine.share(compiled.compiled) },
          receiptHead: receiptHead(compiled.facts, engine),
        };
        schedule();
      },
      (error: unknown) => {
        const reason = error instanceof LodgerError ? error : new LodgerError('ERR_HOST_FAULT', [String(error)]);
        for (const entry of [...lane.waiting]) cancel(entry, reason);
      },
    );
    return lane;
  };

  const cancel = (entry: Entry, reason: LodgerError) => {
    if (entry.settled) return;
    const { flight } = entry;
    if (!flight) {
      const { waiting: line } = entry.lane;
      line.splice(line.indexOf(entry), 1);
      if (line.length === 0) lanes.splice(lanes.indexOf(entry.lane), 1);
      waiting--;
      settle(entry, reason);
      schedule();
      return;
    }
    const place = flight.entries.indexOf(entry);
    Atomics.store(flight.control, CONTROL.unwanted + place, 1);
    if (Atomics.load(flight.control, CONTROL.current) !== place) {
      settle(entry, reason);
      return;
    }
    // The thread may be ending already because of a task before this one.
    entry.withdrawn = reason;
    end(flight, entry, reason);
  };

  return {
    open,
    submit: (entry) => {
      enqueue(entry, 'last');
      schedule();
    },
    cancel,
    counts: () => ({ running: inFlight, waiting }),
    idle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        schedule();
      }),
  };
}

function jobOf({ job, entries }: Flight, entry: Entry): number {
  return job + entries.indexOf(entry);
}

function newControl(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * (CONTROL.unwanted + POOL.batchTasksMax.default)));
}
