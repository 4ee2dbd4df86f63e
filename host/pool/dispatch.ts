// Gives batches to threads and settles their tasks: the part of the pool that knows about lost threads, deadlines and retries.
import { threadId } from 'node:worker_threads';
import { LodgerError } from '../../runtime/base/errors.ts';
import { POOL } from '../../runtime/base/limits.ts';
import type { Engine, Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import { located } from '../../runtime/sandbox/trace.ts';
import { now } from '../platform/node.ts';
import { CONTROL, clear, NOBODY, newControl, setShare, withdraw } from './control.ts';
import {
  type Flight,
  isHeld,
  isUnderWay,
  jobOf,
  keepsWork,
  leaderFor,
  lostWith,
  openFlight,
  reasonOf,
  settle,
  watch,
  working,
} from './flight.ts';
import { type Compiled, compiledFor, type Entry, isForOne, type Lane, learn, openLane } from './lane.ts';
import { load } from './loading.ts';
import { HEAD_MISSING, type Report, reported, unpackReport } from './message.ts';
import { createQueue, type Departure } from './queue.ts';
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
  /** Changes the share of one core that each thread may have, at once. */
  setCpuShare(share: number): void;
}

export interface DispatcherOptions {
  readonly threads: Threads;
  readonly threadCount: number;
  readonly engine: Engine;
  /** Whether the kernels count their fuel. */
  readonly metered: boolean;
  /** The share of one core that each thread may have at first. */
  readonly cpuShare: number;
  /** Whether threads ask for files, too, instead of opening them. */
  readonly asksFiles?: boolean;
  /** How much work a message to a thread should hold, in ms. */
  readonly batchMsTarget?: number;
}

/** The number of the next task, unique in the process: pools can be in several of its threads. */
let nextJob = threadId * 2 ** 40 + 1;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { threads, threadCount, engine, asksFiles = false, batchMsTarget = POOL.batchMsTarget.default } = options;
  const stopper = options.metered ? undefined : engine.stopper;
  const canStop = options.metered || stopper !== undefined;
  const flights = new Set<Flight>();
  let { cpuShare } = options;
  const queue = createQueue({ threadCount, batchMsTarget });
  /** Control words of flights that landed, for the next ones. */
  const controls: Int32Array[] = [];
  let lanesOpened = 0;
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
    const isFree = () => working(flights) < threadCount;
    const may = (lane: Lane) => leaderFor(flights, lane) !== undefined || (isFree() && !isUnderWay(flights, lane));
    for (let lane = queue.next(may); lane; lane = queue.next(may)) {
      const ahead = isFree() && !isForOne(lane) ? undefined : leaderFor(flights, lane);
      send(queue.take(lane), ahead);
    }
    if (flights.size === 0 && queue.size === 0) {
      const waiters = idleWaiters;
      idleWaiters = [];
      for (const wake of waiters) wake();
    }
  };

  /** `ahead`: the flight whose thread is to take it next. */
  const send = ({ lane, entries }: Departure, ahead?: Flight) => {
    const job = nextJob;
    nextJob += entries.length;
    const control = clear(controls.pop() ?? newControl(), cpuShare);
    const loaded = load(entries, { lane, control, job, engine: engine.name, threadCount, asksFiles });
    if (loaded instanceof LodgerError) return settle(entries[0] as Entry, loaded);
    const { batch, transfer, desk } = loaded;
    const lease = threads.lease(batch, transfer, ahead?.lease);
    const flight = openFlight({ entries, control, lease, job, desk, isFollower: ahead !== undefined });
    if (ahead) ahead.behind = flight;
    flights.add(flight);
    const { wallMsMax } = lane.permit.limits;
    if (wallMsMax !== undefined) {
      watch(flight, {
        wallMsMax,
        graceMs: canStop ? POOL.stopMsMax.default : 0,
        onHold: (place) => {
          giveBack(flight, place);
          if (flight.behind) giveBack(flight.behind, NOBODY.before);
        },
        onLate: (entry, outcome) => end(flight, entry, outcome),
      });
    }
    lease.report.then(
      (report) => {
        if (land(flight)) arrived(flight, lane, report);
      },
      (error: unknown) => {
        if (!lease.isEnding()) lost(flight, error);
      },
    );
  };

  /** A flight is over once: with its report, or with its thread. */
  const land = (flight: Flight): boolean => {
    if (flight.landed) return false;
    flight.landed = true;
    (flight.entries[0] as Entry).lane.away -= flight.entries.length;
    if (flight.behind) flight.behind.isQueued = false;
    flight.behind = undefined;
    clearTimeout(flight.timer);
    flight.desk?.leave();
    // A task that had ended by itself does not answer to its cancel any more.
    if (flight.ending) stopper?.forget(jobOf(flight, flight.ending.entry));
    flights.delete(flight);
    return true;
  };

  const arrived = (flight: Flight, lane: Lane, report: Report | typeof HEAD_MISSING) => {
    const { entries, ending } = flight;
    controls.push(flight.control);
    if (report === HEAD_MISSING) lane.headsSent = 0;
    else {
      learn(lane, now() - flight.sentAt, report.ms, reported(report));
      const compiled = lane.compiled as Compiled;
      unpackReport(compiled.receiptHead, entries, report, (place, outcome) => {
        const entry = entries[place] as Entry;
        if (outcome && isHeld(flight, entry)) settle(entry, located(compiled.ready, outcome));
      });
    }
    if (ending) settle(ending.entry, ending.result);
    // What the thread did not begin waits again.
    for (const entry of entries.filter((each) => isHeld(flight, each)).reverse()) {
      if (entry.withdrawn ?? entry.steps?.stops) settle(entry, entry.withdrawn ?? new LodgerError('ERR_ABORTED'));
      else queue.add(entry, 'first');
    }
    schedule();
  };

  /** The answers of a batch come together, so a task that takes long, or for ever, gives the others back: they run elsewhere. */
  const giveBack = (flight: Flight, current: number) => {
    for (let place = flight.entries.length - 1; place >= 0; place--) {
      const entry = flight.entries[place] as Entry;
      if (place === current || !isHeld(flight, entry)) continue;
      withdraw(flight.control, place);
      if (place < current) entry.attempts++;
      queue.add(entry, 'first');
    }
    schedule();
  };

  /**
   * Ends a task that runs. One that is metered hears of it when it asks for fuel, and an engine that can stop it is told to; the report
   * then comes soon. Without either, or where it does not help in time, the thread is ended, and the other tasks, which are innocent, run
   * again, each alone, once.
   */
  const end = (flight: Flight, entry: Entry, result: Outcome | LodgerError) => {
    if (flight.ending) return;
    flight.ending = { entry, result };
    if (!canStop) {
      endThread(flight);
      return;
    }
    const place = flight.entries.indexOf(entry);
    withdraw(flight.control, place);
    flight.desk?.leave(place);
    stopper?.cancel(jobOf(flight, entry));
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
    const current = Atomics.load(flight.control, CONTROL.current);
    land(flight);
    // The batch before it may have taken the thread with it.
    const isBegun = !flight.isFollower || current !== NOBODY.before;
    const culprit = isBegun ? (flight.entries[Math.max(0, current)] as Entry) : undefined;
    again(flight, culprit);
    if (culprit && keepsWork(culprit)) {
      culprit.attempts++;
      queue.add(culprit, 'first');
    } else if (culprit) settle(culprit, culprit.withdrawn ?? lostWith(culprit, error, flight));
    schedule();
  };

  /** Without a culprit none of them was begun. */
  const again = (flight: Flight, culprit?: Entry) => {
    for (const entry of [...flight.entries].reverse()) {
      if (entry === culprit || !isHeld(flight, entry)) continue;
      if (entry.withdrawn) {
        settle(entry, entry.withdrawn);
        continue;
      }
      if (culprit) entry.attempts++;
      entry.alone = true;
      queue.add(entry, 'first');
    }
  };

  const open = (permit: Permit, ready: Promise<Ready>): Lane => {
    const lane = openLane(++lanesOpened, permit);
    ready.then(
      (compiled) => {
        lane.compiled = compiledFor(engine, compiled, permit);
        schedule();
      },
      (error: unknown) => {
        lane.failed = reasonOf(error);
        for (const entry of [...lane.waiting]) cancel(entry, lane.failed);
      },
    );
    return lane;
  };

  const cancel = (entry: Entry, reason: LodgerError) => {
    if (entry.settled) return;
    const { flight } = entry;
    if (!flight) {
      queue.remove(entry);
      settle(entry, reason);
      schedule();
      return;
    }
    const place = flight.entries.indexOf(entry);
    withdraw(flight.control, place);
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
      if (entry.lane.failed) {
        settle(entry, entry.lane.failed);
        return;
      }
      queue.add(entry, 'last');
      schedule();
    },
    cancel,
    counts: () => ({ running: working(flights), waiting: queue.size }),
    idle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        schedule();
      }),
    setCpuShare: (share) => {
      cpuShare = share;
      for (const { control } of flights) setShare(control, share);
    },
  };
}
