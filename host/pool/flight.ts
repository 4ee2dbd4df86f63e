// A flight: a batch that a thread has, until its report comes or its thread is gone.
import { describe, type FailureCode, LodgerError } from '../../runtime/base/errors.ts';
import { POOL } from '../../runtime/base/limits.ts';
import { faultOf, type Outcome } from '../../runtime/job/outcome.ts';
import { now } from '../platform/node.ts';
import type { Desk } from './asks.ts';
import { CONTROL } from './control.ts';
import { type Compiled, type Entry, isBrief, isForOne, type Lane } from './lane.ts';
import type { Lease } from './threads.ts';

/** A batch on a thread. */
export interface Flight {
  readonly entries: readonly Entry[];
  readonly control: Int32Array;
  readonly lease: Lease;
  readonly sentAt: number;
  /** The number of its first task, by which the engine can cancel it. */
  readonly job: number;
  /** Whether it was sent behind another one, and whether the thread still has that. */
  readonly isFollower: boolean;
  isQueued: boolean;
  /** What the thread takes next. */
  behind: Flight | undefined;
  /** Whether one of its tasks takes so long that nothing may wait for it. */
  isHolding: boolean;
  /** Why one of its tasks is being stopped, and the thread with it where that cannot be helped. */
  ending: { readonly entry: Entry; readonly result: Outcome | LodgerError } | undefined;
  /** Of tasks that may ask for something outside. */
  readonly desk: Desk | undefined;
  landed: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** A batch that a thread was just given; its tasks know it from now on. */
export function openFlight(
  given: Pick<Flight, 'entries' | 'control' | 'lease' | 'job' | 'desk' | 'isFollower'>,
): Flight {
  const flight: Flight = {
    ...given,
    ...{ sentAt: now(), isQueued: given.isFollower, behind: undefined, isHolding: false },
    ...{ ending: undefined, landed: false, timer: undefined },
  };
  for (const entry of flight.entries) {
    entry.flight = flight;
    entry.lane.away++;
  }
  return flight;
}

/** How many threads have work: of two flights of one, the second waits. */
export function working(flights: Iterable<Flight>): number {
  let count = 0;
  for (const { isQueued } of flights) if (!isQueued) count++;
  return count;
}

/** The flight behind which another batch of a lane may go, if its thread is to have one more already. */
export function leaderFor(flights: Iterable<Flight>, lane: Lane): Flight | undefined {
  const { limits, outside } = lane.permit;
  // Whoever waits behind a task that takes long has to be taken back.
  if (limits.wallMsMax === undefined || outside || lane.waiting[0]?.alone || !isBrief(lane)) return undefined;
  for (const flight of flights) {
    const { entries, behind, ending, isHolding, isQueued } = flight;
    // One of a single task has no timer that would see how long it takes.
    if (entries[0]?.lane !== lane || entries.length === 1 || behind || ending || isHolding || isQueued) continue;
    return flight;
  }
  return undefined;
}

/**
 * Whether a lane had better wait for the half of its little work that comes back next: a third batch on another thread would make all
 * of them smaller from then on, and each message costs as much as many tasks.
 */
export function isUnderWay(flights: Iterable<Flight>, lane: Lane): boolean {
  if (!isForOne(lane) || lane.waiting[0]?.alone) return false;
  for (const { entries, behind, ending, isHolding } of flights) {
    if (entries[0]?.lane === lane && behind && !ending && !isHolding) return true;
  }
  return false;
}

/** Whether a task is a flight's to settle: it may have been settled, or given back, before the flight ends. */
export function isHeld(flight: Flight, entry: Entry): boolean {
  return entry.flight === flight && !entry.settled;
}

/** The number by which the engine knows a task of a flight. */
export function jobOf({ job, entries }: Flight, entry: Entry): number {
  return job + entries.indexOf(entry);
}

/** The outcome of a task of which no thread can tell any more. */
function failedBy({ lane, input, attempts }: Entry, code: FailureCode, message: string, wallMs: number): Outcome {
  return {
    state: 'failed',
    code,
    fault: faultOf(code),
    message,
    log: { lines: [], linesDropped: 0 },
    receipt: {
      ...(lane.compiled as Compiled).receiptHead,
      wallMs,
      bytesIn: input.byteLength,
      bytesOut: 0,
      calls: {},
      attempts,
    },
  };
}

/** The outcome of a task whose thread died with it. */
export function lostWith(entry: Entry, error: unknown, { sentAt }: Flight): Outcome {
  const reason = error instanceof Error ? error.message : String(error);
  return failedBy(entry, 'ERR_HOST_FAULT', describe('ERR_HOST_FAULT', reason), now() - sentAt);
}

/** Ends a task, once. */
export function settle(entry: Entry, result: Outcome | LodgerError): void {
  if (entry.settled) return;
  entry.settled = true;
  entry.settle(result);
}

/** Whether a task whose thread was lost goes on from its last image: once. */
export function keepsWork({ attempts, withdrawn, steps }: Entry): boolean {
  return attempts === 1 && !withdrawn && steps?.hasImage === true;
}

/** What was thrown, as an error of ours. */
export function reasonOf(error: unknown): LodgerError {
  return error instanceof LodgerError ? error : new LodgerError('ERR_HOST_FAULT', [String(error)]);
}

/** What is done about tasks that take long. */
export interface Watch {
  /** After so long a task is late. */
  readonly wallMsMax: number;
  /** How much longer it may take to say so by itself, and better than can be said here. */
  readonly graceMs: number;
  /** The task at that place holds up the others of its batch. */
  onHold(place: number): void;
  onLate(entry: Entry, outcome: Outcome): void;
}

/** Looks at the running task of a flight when it may hold up the others, and when its wall time may be over. */
export function watch(flight: Flight, { wallMsMax, graceMs, onHold, onLate }: Watch): void {
  const lateMs = wallMsMax + graceMs;
  let nextMs = flight.entries.length > 1 ? Math.min(POOL.holdMsMax.default, lateMs) : lateMs;
  const look = () => {
    const place = Atomics.load(flight.control, CONTROL.current);
    const entry = flight.entries[place];
    const elapsed = entry ? ((now() | 0) - Atomics.load(flight.control, CONTROL.startedAt)) | 0 : 0;
    if (entry && elapsed >= lateMs) {
      onLate(entry, failedBy(entry, 'ERR_WALL_SPENT', describe('ERR_WALL_SPENT', wallMsMax), elapsed));
      return;
    }
    if (entry && elapsed >= nextMs) {
      nextMs = lateMs;
      flight.isHolding = true;
      onHold(place);
    }
    flight.timer = setTimeout(look, Math.max(1, nextMs - elapsed));
  };
  // A timer cannot wait longer than 2^31 - 1 ms; limits stay below that.
  flight.timer = setTimeout(look, nextMs);
}
