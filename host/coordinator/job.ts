// A job in memory: what its events have made of it. Only `apply` changes what events tell; leases change what is open.
import { TASK } from '../../runtime/base/limits.ts';
import { toHex } from '../../runtime/base/platform.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { TASK_STATES, type TaskState } from '../wire/api.ts';
import type { JobView, Range, Run, Standing } from './contracts.ts';
import { type ImageRecord, type JobRecord, type RunEvent, type Settled, type SiteEvent, USE } from './events.ts';
import { createRate, type Rate } from './rate.ts';

/** A run of a task that is not final: who delivered what, in which event. */
export interface Kept {
  readonly host: string;
  readonly owner: string;
  readonly answer: string;
  readonly fuel: number | null;
  readonly at: number;
  readonly event: number;
  readonly check: boolean;
}

/** What is known of each task. Dropped when a job has ended, made again from its events when somebody asks. */
export interface Detail {
  /** By task: the event that made it final, and the one that has its answer; 0 where there is none. */
  settledIn: Uint32Array;
  answerIn: Uint32Array;
  /** What is shown of each task: numbers that index `TASK_STATES`. */
  states: Uint8Array;
  /** Runs of tasks that are not final. */
  readonly runs: Map<number, Kept[]>;
  /** How many hosts were lost with a task, and how often it failed for its host's doing. */
  readonly lost: Map<number, number>;
  readonly faults: Map<number, number>;
}

/** A job, as choosing sees it and as its events have made it. */
export interface Job extends JobView {
  readonly id: string;
  record: JobRecord;
  open: readonly Range[];
  fuelPerTask: number | null;
  /** Places of the chunks of inputs. */
  readonly starts: number[];
  /** Inputs that are safe on disk, and those that are on their way there. */
  tasks: number;
  received: number;
  /** Tasks that are final, whether or not that is on disk. */
  settled: number;
  /** Number of the last event, and of the last that is safe on disk: nothing behind it is shown. */
  events: number;
  shown: number;
  detail: Detail;
  /** Tasks whose answer is believed for now: nothing of them is open. */
  readonly held: Set<number>;
  /** How often what is held was looked at again near the job's end. */
  sweeps: number;
  /** What is shown: of events that are on disk alone. */
  counts: Record<TaskState, number>;
  fuel: number;
  runs: number;
  checks: number;
  /** Fuel of exact runs, and how many those are. */
  readonly mean: { fuel: number; runs: number };
  readonly rate: Rate;
  readonly standings: Map<string, Standing>;
  readonly images: Map<number, ImageRecord>;
  /** Told whenever something more is shown. */
  readonly listeners: Set<() => void>;
}

export const STATE = Object.fromEntries(TASK_STATES.map((state, index) => [state, index])) as Record<TaskState, number>;

/** Grants whose answers differ from run to run. */
const UNSTEADY: readonly Grant['kind'][] = ['clock', 'files', 'http'];

/** A job before its first event. */
export function newJob(id: string, record: JobRecord): Job {
  const { manifest, account, submitted } = record;
  const grants = manifest.grants ?? [];
  return {
    id,
    record,
    account,
    priority: manifest.priority ?? 0,
    deadline: manifest.deadline ?? null,
    submitted,
    requirements: manifest.requirements ?? {},
    confidence: manifest.confidence ?? 0.999,
    kernel: manifest.kernel,
    blobs: Object.values(manifest.blobs ?? {}),
    memoryBytes: manifest.limits?.memoryBytesMax ?? TASK.memoryBytesMax.default,
    grants,
    deterministic: manifest.deterministic !== false && !grants.some(({ kind }) => UNSTEADY.includes(kind)),
    fuelPerTask: null,
    open: [],
    starts: [],
    tasks: 0,
    received: 0,
    settled: 0,
    events: 0,
    shown: 0,
    detail: noDetail(),
    held: new Set(),
    sweeps: 0,
    counts: noCounts(),
    fuel: 0,
    runs: 0,
    checks: 0,
    mean: { fuel: 0, runs: 0 },
    rate: createRate(),
    standings: new Map(),
    images: new Map(),
    listeners: new Set(),
  };
}

export function noDetail(): Detail {
  return {
    settledIn: new Uint32Array(0),
    answerIn: new Uint32Array(0),
    states: new Uint8Array(0),
    runs: new Map(),
    lost: new Map(),
    faults: new Map(),
  };
}

export const noCounts = () => Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as Record<TaskState, number>;

/** Makes room for so many tasks, all of them waiting. */
export function grow(job: Job, tasks: number): void {
  const { detail } = job;
  if (tasks > detail.states.length) {
    const room = Math.max(tasks, Math.min(2 * detail.states.length, detail.states.length + 2 ** 20));
    detail.states = larger(detail.states, new Uint8Array(room));
    detail.settledIn = larger(detail.settledIn, new Uint32Array(room));
    detail.answerIn = larger(detail.answerIn, new Uint32Array(room));
  }
  job.counts.waiting += tasks - job.tasks;
  job.tasks = tasks;
}

function larger<T extends Uint8Array | Uint32Array>(old: T, room: T): T {
  room.set(old);
  return room;
}

/** What an event has made final and counted. Called once an event, in their order: when it happens, and when the site starts again. */
export function apply(job: Job, number: number, event: SiteEvent): void {
  job.events = number;
  switch (event.type) {
    case 'run':
      applyRun(job, number, event);
      settle(job, number, event.settled);
      return;
    case 'settle':
      for (const host of event.convicted) forget(job, host);
      settle(job, number, event.settled);
      return;
    case 'fail':
      settle(job, number, event.settled);
      return;
    case 'lost':
      for (const task of event.tasks) {
        const lost = job.detail.lost.get(task) ?? 0;
        job.detail.lost.set(task, event.alone ? lost + 1 : Math.max(lost, 1));
      }
      return;
    default:
      event satisfies never;
  }
}

function applyRun(job: Job, number: number, event: RunEvent): void {
  const { runs, faults } = job.detail;
  for (const [row, task] of event.tasks.entries()) {
    const use = event.use[row];
    if (use === USE.fault) faults.set(task, (faults.get(task) ?? 0) + 1);
    if (use !== USE.first && use !== USE.check) continue;
    const kept = keptOf(event, number, row);
    const others = runs.get(task);
    if (others) others.push(kept);
    else runs.set(task, [kept]);
    if (kept.fuel === null) continue;
    job.mean.fuel += kept.fuel;
    job.mean.runs++;
  }
  if (job.mean.runs > 0) job.fuelPerTask = job.mean.fuel / job.mean.runs;
}

function settle(job: Job, number: number, { tasks, from }: Settled): void {
  const { settledIn, answerIn, runs, lost, faults } = job.detail;
  for (const [row, task] of tasks.entries()) {
    if (settledIn[task] === 0) job.settled++;
    settledIn[task] = number;
    answerIn[task] = from[row] || number;
    runs.delete(task);
    job.held.delete(task);
    if (lost.size > 0) lost.delete(task);
    if (faults.size > 0) faults.delete(task);
  }
}

/** What a convicted host has said counts for nothing. */
function forget(job: Job, host: string): void {
  for (const [task, kept] of job.detail.runs) {
    const others = kept.filter((run) => run.host !== host);
    if (others.length === kept.length) continue;
    job.held.delete(task);
    if (others.length > 0) job.detail.runs.set(task, others);
    else job.detail.runs.delete(task);
  }
}

/** The run in a row of an event. */
export function keptOf(event: RunEvent, number: number, row: number): Kept {
  const fuel = event.fuels[row] ?? null;
  return {
    host: event.host,
    owner: event.owner,
    answer: answerOf(event, row),
    fuel,
    at: event.at,
    event: number,
    check: event.use[row] === USE.check,
  };
}

/** Digest of the output and the fuel; of a failure its code and the rewriter, which decides which of two failures comes first. */
function answerOf({ codes, digests, fuels, rewriter }: RunEvent, row: number): string {
  const code = codes[row];
  return code ? `${code}@${rewriter}` : `${hexAt(digests, row)}:${fuels[row]}`;
}

export function hexAt(digests: Uint8Array, row: number): string {
  return toHex(digests.subarray(32 * row, 32 * row + 32));
}

/** What is shown of a task from now on. */
export function show(job: Job, task: number, state: TaskState): void {
  const { states } = job.detail;
  const before = TASK_STATES[states[task] as number] as TaskState;
  if (before === state) return;
  job.counts[before]--;
  job.counts[state]++;
  states[task] = STATE[state];
}

/** Counts an event that is on disk. Gives the fuel of its runs. */
export function countShown(job: Job, number: number, event: SiteEvent): number {
  job.shown = number;
  if (event.type !== 'run') return 0;
  let fuel = 0;
  for (const [row, use] of event.use.entries()) {
    if (use === USE.dropped) continue;
    fuel += event.fuels[row] ?? 0;
    if (use === USE.fault) continue;
    job.runs++;
    if (use === USE.check) job.checks++;
  }
  job.fuel += fuel;
  return fuel;
}

/** A kept run with how far its host is believed now. */
export function believed({ host, owner, answer, fuel }: Kept, standing: Standing): Run {
  return { host, owner, answer, fuel, standing };
}
