// What is written of a job, and under which keys: the job itself, its inputs, and an event for each batch that was delivered and each
// thing that happened. A job's state is what its events make, so whatever is shown can be made again.
import type { Digest } from '../../runtime/base/platform.ts';
import type { JobState, Manifest, TaskState } from '../wire/api.ts';
import type { Datum, Fence, Report } from '../wire/site.ts';
import type { Key, Standing } from './contracts.ts';
import type { Part } from './delivery.ts';
import type { Signed } from './receipts.ts';

/** A job as it is kept; `summary` once it has ended. Times in ms since 1970. */
export interface JobRecord {
  readonly account: string;
  readonly manifest: Manifest;
  /** Of a part of another site's job: the numbers of its tasks there. */
  readonly numbers?: readonly number[];
  readonly submitted: number;
  readonly sealed: boolean;
  /** How many inputs there are, once no more will come. */
  readonly total: number | null;
  readonly state: JobState;
  readonly ended: number | null;
  /** Whether the site had a trusted host when it came: what is asked of other hosts depends on it. */
  readonly trustedHosts: boolean;
  /** Why it ended before it was done. */
  readonly reason: string;
  readonly summary: Summary | null;
}

/** What is told of a job that has ended, without a look at its events. */
export interface Summary {
  readonly tasks: number;
  readonly counts: Readonly<Record<TaskState, number>>;
  readonly fuel: number;
  readonly runs: number;
  readonly checks: number;
  readonly audits?: { readonly count: number; readonly fuel: number };
}

/**
 * What became of a row of a batch. A host's fault is no answer: the task is tried elsewhere, and given up after some tries. An audit is a part
 * of a task that was run again, or that its host was unable to run.
 */
export const USE = { dropped: 0, first: 1, check: 2, fault: 3, givenUp: 4, audit: 5, unable: 6 } as const;

/** Tasks that an event made final, as columns. `from` is the event that has the answer; 0 stands for the event itself. */
export interface Settled {
  readonly tasks: number[];
  readonly from: number[];
  /** Probability that the answer is wrong. */
  readonly wrong: number[];
  readonly runs: number[];
  /** Fuel of all the runs that were believed. */
  readonly fuel: number[];
  /** 1 where the answer is a failure. */
  readonly failed: (0 | 1)[];
}

/** A delivered batch: a row a task, as columns. Outputs and logs are kept apart, since only those who ask for results read them. */
export interface RunEvent
  extends Pick<Report, 'tasks' | 'codes' | 'fuels' | 'wallMs' | 'memoryBytesPeak' | 'intervals' | 'marks'> {
  readonly type: 'run';
  readonly at: number;
  readonly host: string;
  readonly owner: string;
  /** How far the host was believed: see `Delivery`. */
  readonly kind: Standing['kind'];
  readonly late: boolean;
  readonly before: number;
  readonly fence: Fence;
  readonly engine: Report['engine'];
  readonly rewriter: number;
  readonly tariff: number;
  readonly deterministic: boolean;
  /** What became of each row: one of `USE`. */
  readonly use: readonly number[];
  /** 32 bytes a row: the digest of the output; zeros where the task failed. */
  readonly digests: Uint8Array;
  readonly signed: Signed;
  /** Rows with marks whose images were not all here: they count as results without marks. */
  readonly unserved?: readonly number[];
  /** Of rows that went on from images of others: what those had made. */
  readonly parts?: readonly (readonly Part[] | null)[];
  readonly settled: Settled;
}

/** There are so many tasks now. */
export interface GrowEvent {
  readonly type: 'grow';
  readonly tasks: number;
  readonly sealed: boolean;
  readonly settled: Settled;
}

/** A host was banned, for what it did in another job or by an operator, or is believed in another way from now on. */
export interface StandEvent {
  readonly type: 'stand';
  readonly host: string;
  readonly to: Standing['kind'] | 'banned';
  readonly settled: Settled;
}

/** What the event before settled over those that one event holds. */
export interface SettleEvent {
  readonly type: 'settle';
  readonly settled: Settled;
}

/** Tasks that are given up: their hosts were lost again and again, say. */
export interface FailEvent {
  readonly type: 'fail';
  readonly at: number;
  readonly code: string;
  readonly message: string;
  readonly tasks: readonly number[];
  readonly settled: Settled;
}

/** A host was lost with these tasks. */
export interface LostEvent {
  readonly type: 'lost';
  readonly at: number;
  readonly host: string;
  readonly tasks: readonly number[];
  /** Whether it had nothing else: then it is the task's doing. */
  readonly alone: boolean;
}

/** It is there again, and was only cut off: what was counted is taken back. */
export interface FoundEvent extends Omit<LostEvent, 'type'> {
  readonly type: 'found';
}

export type SiteEvent = RunEvent | GrowEvent | StandEvent | SettleEvent | FailEvent | LostEvent | FoundEvent;

/** Outputs, or the messages of tasks that failed, and logs: a row a task of the event of the same number. */
export interface Outputs {
  readonly outputs: readonly Datum[];
  readonly logs: Report['logs'];
}

/** A stepper's newest image. */
export interface ImageRecord {
  readonly image: Digest;
  readonly parent: Digest | null;
  readonly host: string;
  readonly step: number;
  readonly share: number;
  readonly fuel: number;
  /** Digest of the state, as its host says, and the version of that host's rewriter. */
  readonly state?: Digest;
  readonly rewriter?: number;
  /** What others had made before its host went on. */
  readonly parts?: readonly Part[];
}

const END = Number.MAX_SAFE_INTEGER;

/** Keys of the store. Accounts and tokens are the server's: it has others. */
export const KEY = {
  epoch: ['site', 'epoch'],
  chain: ['site', 'chain'],
  policy: ['site', 'policy'],
  probe: ['site', 'probe'],
  job: (job: string): Key => ['j', job],
  jobs: [['j'], ['j', '\uffff']],
  event: (job: string, seq: number): Key => ['d', job, seq],
  events: (job: string, from = 0): [Key, Key] => [
    ['d', job, from],
    ['d', job, END],
  ],
  outputs: (job: string, seq: number): Key => ['o', job, seq],
  allOutputs: (job: string, from = 0): [Key, Key] => [
    ['o', job, from],
    ['o', job, END],
  ],
  image: (job: string, task: number): Key => ['img', job, task],
  images: (job: string): [Key, Key] => [
    ['img', job],
    ['img', job, END],
  ],
  host: (host: string): Key => ['h', host],
  hosts: [['h'], ['h', '\uffff']],
} as const satisfies Record<string, unknown>;

export const nothingSettled = (): Settled => ({ tasks: [], from: [], wrong: [], runs: [], fuel: [], failed: [] });

/** With how many runs, and how surely, a task was accepted by the event that made it final. Zero runs where it was given up. */
export function beliefOf(event: SiteEvent, task: number): { readonly runs: number; readonly confidence: number } {
  const settled = 'settled' in event ? event.settled : undefined;
  const at = settled?.tasks.indexOf(task) ?? -1;
  return { runs: settled?.runs[at] ?? 0, confidence: 1 - (settled?.wrong[at] ?? 0) };
}
