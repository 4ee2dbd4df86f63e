// Makes the message of a batch, with what its tasks need beside it.
import type { MessagePort } from 'node:worker_threads';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { EngineName } from '../../runtime/job/outcome.ts';
import { type Desk, openDesk } from './asks.ts';
import { reasonOf } from './flight.ts';
import { type Entry, type Lane, tellHead } from './lane.ts';
import { type Batch, packBatch } from './message.ts';
import { boardThread } from './steps.ts';

/** What is known of a batch beside its tasks. */
export interface BatchTerms {
  readonly lane: Lane;
  readonly control: Int32Array;
  readonly job: number;
  readonly engine: EngineName;
  readonly threadCount: number;
  /** Whether threads ask for files, too, instead of opening them. */
  readonly asksFiles: boolean;
}

/** A batch that can be sent. */
export interface Loaded {
  readonly batch: Batch;
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  /** Answers what its tasks ask of the outside. */
  readonly desk: Desk | undefined;
}

/** Why it cannot go, if the image that a stepper goes on from cannot be read. */
export function load(entries: readonly Entry[], terms: BatchTerms): Loaded | LodgerError {
  const { lane, control, job, engine, threadCount, asksFiles } = terms;
  const first = entries[0] as Entry;
  // A moved input cannot be sent a second time, so its message is complete; other threads ask if they were not told.
  const head = tellHead(lane, engine, threadCount, first.alone);
  const steps = boardOn(first, control);
  if (steps instanceof LodgerError) return steps;
  const desk = deskFor(entries, control, asksFiles);
  const orders = { ...(steps && { steps }), ...(desk && { asks: desk.order }) };
  return { ...packBatch({ lane: lane.number, control, job, ...head, ...orders }, entries), desk };
}

/** What goes with a stepper's task that is sent to a thread; why it cannot go, if the image that it goes on from cannot be read. */
function boardOn({ steps }: Entry, control: Int32Array): Batch['steps'] | LodgerError {
  try {
    return steps && boardThread(steps, control);
  } catch (error) {
    return reasonOf(error);
  }
}

/** Answers what tasks of a batch ask of the outside, where they may ask anything. */
function deskFor(entries: readonly Entry[], control: Int32Array, asksFiles: boolean): Desk | undefined {
  if (!entries.some(({ session }) => session)) return undefined;
  return openDesk({ sessionOf: (place) => entries[place]?.session, control, files: asksFiles });
}
