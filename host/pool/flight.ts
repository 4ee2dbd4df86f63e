// A flight: a batch that a thread has, until its report comes or its thread is gone.
import { describe, type FailureCode, LodgerError } from '../../runtime/base/errors.ts';
import { POOL } from '../../runtime/base/limits.ts';
import { faultOf, type Outcome } from '../../runtime/job/outcome.ts';
import { now } from '../platform/node.ts';
import { type Desk, openDesk } from './asks.ts';
import { CONTROL } from './control.ts';
import type { Compiled, Entry } from './lane.ts';
import type { Batch } from './message.ts';
import { boardThread } from './steps.ts';
import type { Lease } from './threads.ts';

/** A batch on a thread. */
export interface Flight {
  readonly entries: readonly Entry[];
  readonly control: Int32Array;
  readonly lease: Lease;
  readonly sentAt: number;
  /** The number of its first task, by which the engine can cancel it. */
  readonly job: number;
  /** Why one of its tasks is being stopped, and the thread with it where that cannot be helped. */
  ending: { readonly entry: Entry; readonly result: Outcome | LodgerError } | undefined;
  /** Of tasks that may ask for something outside. */
  readonly desk: Desk | undefined;
  landed: boolean;
  timer: NodeJS.Timeout | undefined;
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
export function failedBy(
  { lane, input, attempts }: Entry,
  code: FailureCode,
  message: string,
  wallMs: number,
): Outcome {
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

/** What goes with a stepper's task that is sent to a thread; why it cannot go, if the image that it goes on from cannot be read. */
export function boardOn({ steps }: Entry, control: Int32Array): Batch['steps'] | LodgerError {
  try {
    return steps && boardThread(steps, control);
  } catch (error) {
    return reasonOf(error);
  }
}

/** Answers what tasks of a batch ask of the outside, where they may ask anything. */
export function deskFor(entries: readonly Entry[], control: Int32Array, asksFiles: boolean): Desk | undefined {
  if (!entries.some(({ session }) => session)) return undefined;
  return openDesk({ sessionOf: (place) => entries[place]?.session, control, files: asksFiles });
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
      onHold(place);
    }
    flight.timer = setTimeout(look, Math.max(1, nextMs - elapsed));
  };
  // A timer cannot wait longer than 2^31 - 1 ms; limits stay below that.
  flight.timer = setTimeout(look, nextMs);
}
