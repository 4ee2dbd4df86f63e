// A lane: the waiting tasks of one permit, in order. Only such tasks can share a message, and each lane learns how long its tasks take.
import type { LodgerError } from '../../runtime/base/errors.ts';
import { BATCH, POOL } from '../../runtime/base/limits.ts';
import type { Engine, Ready } from '../../runtime/engine/engine.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import { type ReceiptHead, receiptHead } from '../../runtime/sandbox/running.ts';
import type { Session } from '../grants/session.ts';
import type { Flight } from './flight.ts';
import type { Head, Parcel } from './message.ts';
import type { Boarding } from './steps.ts';

/** One task in the pool, from its submission to its end. */
export interface Entry extends Parcel {
  readonly lane: Lane;
  settled: boolean;
  /** The batch that a thread has it in; without it, a task that is not settled waits. */
  flight: Flight | undefined;
  /** How often it was begun: more than once after its batch was lost with its thread, or held up by another task. */
  attempts: number;
  /** Runs in a batch of its own: its first batch was lost, or its input was moved away from the caller. */
  alone: boolean;
  /** Of a stepper's task that can be spoken to. */
  readonly steps?: Boarding;
  /** Answers what it asks of the outside, where it may ask anything. */
  readonly session?: Session;
  /** Why its caller took it back while a thread had it. */
  withdrawn?: LodgerError;
  readonly submittedAt: number;
  /** Called once, with the outcome or with the reason why there is none. */
  readonly settle: (result: Outcome | LodgerError) => void;
}

/** A lane's kernel, ready for the threads. */
export interface Compiled {
  /** Held for as long as threads may use what is shared of it. */
  readonly ready: Ready;
  readonly shared: Ready;
  readonly receiptHead: ReceiptHead;
}

export interface Lane {
  readonly number: number;
  readonly permit: Permit;
  /** Set when the kernel is compiled. */
  compiled: Compiled | undefined;
  /** Why it never will be. */
  failed?: LodgerError;
  readonly waiting: Entry[];
  /** How many tasks are with threads. */
  away: number;
  /** How many messages carried what the lane's tasks have in common; enough of them, and every thread knows it. */
  headsSent: number;
  /** Moving average of a task's share of its batch's way there and back, in ms; undefined until the first report. */
  taskMs: number | undefined;
  /** The same of what the thread took for it. */
  runMs: number | undefined;
}

/** A lane whose kernel is not compiled yet. */
export function openLane(number: number, permit: Permit): Lane {
  return {
    number,
    permit,
    compiled: undefined,
    waiting: [],
    away: 0,
    headsSent: 0,
    taskMs: undefined,
    runMs: undefined,
  };
}

export function compiledFor(engine: Engine, ready: Ready, { outside }: Permit): Compiled {
  const shared = { ...ready, compiled: engine.share(ready.compiled) };
  return { ready, shared, receiptHead: receiptHead(ready, engine, outside) };
}

/** What the threads are told of a lane, until all know it. `mustBeWhole`: a message that cannot be sent a second time. */
export function tellHead(
  lane: Lane,
  engine: EngineName,
  threads: number,
  mustBeWhole: boolean,
): { readonly head?: Head } {
  if (lane.headsSent > threads && !mustBeWhole) return {};
  lane.headsSent++;
  return { head: headOf(lane as Lane & { readonly compiled: Compiled }, engine) };
}

function headOf({ compiled, permit }: Lane & { readonly compiled: Compiled }, engine: EngineName): Head {
  const { limits, blobs, args, seed, digests, outside } = permit;
  const some = { ...(args && { args }), ...(outside && { outside }) };
  return { ...compiled.shared, engine, limits, blobs, seed, digests, ...some };
}

/** How the tasks of a lane are shared out. */
export interface Sharing {
  readonly threadCount: number;
  /** How much work a message should hold, in ms. */
  readonly batchMsTarget: number;
}

/** Whether so many tasks are so little work that waking a thread for a share of it takes longer. */
function isLittle({ runMs }: Lane, tasks: number): boolean {
  return runMs !== undefined && tasks * runMs < POOL.shareMsMin.default;
}

/** Whether a whole message of its tasks is so little work: then the way there takes longer, and the next one had better be there before. */
export function isBrief(lane: Lane): boolean {
  return isLittle(lane, BATCH.tasksMax.default);
}

/** Whether all its tasks are for one thread. */
export function isForOne(lane: Lane): boolean {
  return isLittle(lane, lane.waiting.length + lane.away);
}

/**
 * How many tasks the next message takes: enough for `batchMsTarget` of work, and no more than an equal share for each thread, unless
 * the work is for one. Of brief tasks that has half, and the other half is on its way there or back.
 */
function batchSize(lane: Lane, { threadCount, batchMsTarget }: Sharing): number {
  const { taskMs, waiting, away } = lane;
  const byTime = taskMs === undefined ? 4 : batchMsTarget / Math.max(taskMs, 1e-3);
  const forOne = isBrief(lane) ? Math.ceil((waiting.length + away) / 2) : waiting.length;
  const byShare = isForOne(lane) ? forOne : Math.ceil(waiting.length / threadCount);
  return Math.max(1, Math.min(BATCH.tasksMax.default, Math.floor(byTime), byShare));
}

/** Takes the next batch off a lane: the first task alone if it must be, else as many as fit. */
export function takeBatch(lane: Lane, sharing: Sharing): Entry[] {
  const { waiting } = lane;
  let count = waiting[0]?.alone ? 1 : Math.min(waiting.length, batchSize(lane, sharing));
  for (let place = 1; place < count; place++) if (waiting[place]?.alone) count = place;
  return waiting.splice(0, count);
}

/** Learns from a finished batch: how long it was away, and how long the thread worked. */
export function learn(lane: Lane, batchMs: number, threadMs: number, tasks: number): void {
  const average = (known: number | undefined, latest: number) =>
    known === undefined ? latest : known * 0.7 + latest * 0.3;
  lane.taskMs = average(lane.taskMs, batchMs / tasks);
  lane.runMs = average(lane.runMs, threadMs / tasks);
}
