// A job in memory: what its events have made of it. Only `note` changes what events tell; leases change what is open.
import { TASK } from '../../runtime/base/limits.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { type Manifest, TASK_STATES, type TaskState } from '../wire/api.ts';
import type { JobView, Range } from './contracts.ts';
import { type ImageRecord, type JobRecord, type RunEvent, type Settled, type SiteEvent, USE } from './events.ts';
import { countFound, countLost } from './losses.ts';
import { createRate, type Rate } from './rate.ts';
import type { Replicas } from './replicas.ts';
import { fuelIn } from './trust.ts';

/** What is known of each task. Dropped when a job has ended, made again from its events when somebody asks. */
export interface Detail {
  /** By task: the event that made it final, and the one that has its answer; 0 where there is none. */
  settledIn: Uint32Array;
  answerIn: Uint32Array;
  /** What is shown of each task: numbers that index `TASK_STATES`. */
  states: Uint8Array;
  /** By task that is not final: the event of its first run, and those of further ones. */
  firstIn: Uint32Array;
  readonly moreIn: Map<number, number[]>;
  /** By task that is final: events of its runs besides `settledIn` and `answerIn`, for the few that have any. */
  readonly othersIn: Map<number, number[]>;
  /** How many hosts were lost with a task, and how often it failed for its host's doing. */
  readonly lost: Map<number, number>;
  readonly faults: Map<number, number>;
  /** Fuel that is counted of a task while its result is held. */
  held: Float32Array;
}

/** A job, as choosing sees it and as its events have made it. */
export interface Job extends JobView {
  readonly id: string;
  record: JobRecord;
  open: readonly Range[];
  fuelPerTask: number | null;
  progress: number;
  anonymous: number;
  /** Places of the chunks of inputs, and behind the last of them how many inputs there are. */
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
  /** The life of its tasks: whom to believe, what is wanted. */
  replicas: Replicas;
  /** By number of an event the host that delivered it. */
  readonly eventHosts: string[];
  /** What is shown: of events that are on disk alone. */
  counts: Record<TaskState, number>;
  fuel: number;
  runs: number;
  checks: number;
  /** Intervals of results that were run again, and the fuel of those. */
  audits: { count: number; fuel: number };
  /** Fuel of exact runs, in how many parts they can be checked, and how many those are. */
  readonly mean: { fuel: number; parts: number; runs: number };
  readonly rate: Rate;
  readonly images: Map<number, ImageRecord>;
  /** Whether results are being made into inputs of the level above. */
  merging: boolean;
  /** Told whenever something more is shown. */
  readonly listeners: Set<() => void>;
}

export const STATE = Object.fromEntries(TASK_STATES.map((state, index) => [state, index])) as Record<TaskState, number>;

/** Grants whose answers differ from run to run. */
const UNSTEADY: readonly Grant['kind'][] = ['clock', 'files', 'http'];

/** Confidence where a job does not say. */
export const CONFIDENCE = 0.999;

/** Whether every run of a job's task gives the same answer. */
export function isSteady({ deterministic, grants = [] }: Manifest): boolean {
  return deterministic !== false && !grants.some(({ kind }) => UNSTEADY.includes(kind));
}

/** A job before its first event. */
export function newJob(id: string, record: JobRecord, replicas: Replicas): Job {
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
    confidence: manifest.confidence ?? CONFIDENCE,
    wait: manifest.wait ?? true,
    ...(manifest.sites && { sites: manifest.sites }),
    kernel: manifest.kernel,
    blobs: Object.values(manifest.blobs ?? {}),
    memoryBytes: manifest.limits?.memoryBytesMax ?? TASK.memoryBytesMax.default,
    grants,
    deterministic: isSteady(manifest),
    fuelPerTask: null,
    progress: 0,
    anonymous: 0,
    open: [],
    starts: [0],
    tasks: 0,
    received: 0,
    settled: 0,
    events: 0,
    shown: 0,
    detail: noDetail(),
    replicas,
    eventHosts: [],
    counts: noCounts(),
    fuel: 0,
    runs: 0,
    checks: 0,
    audits: { count: 0, fuel: 0 },
    mean: { fuel: 0, parts: 0, runs: 0 },
    rate: createRate(),
    images: new Map(),
    merging: false,
    listeners: new Set(),
  };
}

export function noDetail(): Detail {
  return {
    settledIn: new Uint32Array(0),
    answerIn: new Uint32Array(0),
    states: new Uint8Array(0),
    firstIn: new Uint32Array(0),
    moreIn: new Map(),
    othersIn: new Map(),
    lost: new Map(),
    faults: new Map(),
    held: new Float32Array(0),
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
    detail.firstIn = larger(detail.firstIn, new Uint32Array(room));
    detail.held = larger(detail.held, new Float32Array(room));
  }
  job.counts.waiting += tasks - job.tasks;
  job.tasks = tasks;
}

function larger<T extends Uint8Array | Uint32Array | Float32Array>(old: T, room: T): T {
  room.set(old);
  return room;
}

/** Where what an event says stands in memory. What it decides is in `replicas`, and in what it says is settled. */
export function note(job: Job, number: number, event: SiteEvent): void {
  job.events = number;
  if (event.type === 'run') noteRun(job, number, event);
  else if (event.type === 'lost') countLost(job.detail.lost, event);
  else if (event.type === 'found') countFound(job.detail.lost, event);
  if ('settled' in event) noteSettled(job, number, event.settled);
}

function noteRun(job: Job, number: number, event: RunEvent): void {
  const { firstIn, moreIn, faults } = job.detail;
  job.eventHosts[number] = event.host;
  for (const [row, task] of event.tasks.entries()) {
    const use = event.use[row];
    if (use === USE.fault) faults.set(task, (faults.get(task) ?? 0) + 1);
    if (use !== USE.first && use !== USE.check) continue;
    if (firstIn[task] === 0) firstIn[task] = number;
    else moreIn.set(task, [...(moreIn.get(task) ?? []), number]);
    const fuel = event.fuels[row] ?? null;
    if (fuel === null) continue;
    job.mean.fuel += fuel;
    job.mean.parts += 1 + (event.marks?.[row]?.length ?? 0);
    job.mean.runs++;
  }
  if (job.mean.runs > 0) job.fuelPerTask = job.mean.fuel / job.mean.runs;
  job.progress = job.replicas.terms().progress;
  job.anonymous = job.replicas.anonymous();
}

function noteSettled(job: Job, number: number, { tasks, from }: Settled): void {
  const { settledIn, answerIn, firstIn, moreIn, lost, faults } = job.detail;
  for (const [row, task] of tasks.entries()) {
    if (settledIn[task] === 0) job.settled++;
    settledIn[task] = number;
    answerIn[task] = from[row] || number;
    keepOthers(job, task);
    firstIn[task] = 0;
    if (moreIn.size > 0) moreIn.delete(task);
    if (lost.size > 0) lost.delete(task);
    if (faults.size > 0) faults.delete(task);
  }
}

/** What would be forgotten of a task's runs: it is made final by two events at most. */
function keepOthers(job: Job, task: number): void {
  const { firstIn, moreIn, settledIn, answerIn, othersIn } = job.detail;
  if (firstIn[task] === answerIn[task] && !moreIn.has(task)) return;
  const others = eventsOf(job, task).filter((event) => event !== settledIn[task] && event !== answerIn[task]);
  if (others.length > 0) othersIn.set(task, others);
}

/** Events that may have runs of a task, final or not, in their order: a run is there where the event has a row that counts. */
export function runEventsOf(job: Job, task: number): number[] {
  const { settledIn, answerIn, othersIn } = job.detail;
  const settled = settledIn[task] ?? 0;
  if (settled === 0) return eventsOf(job, task);
  const all = new Set([settled, answerIn[task] as number, ...(othersIn.get(task) ?? [])]);
  return [...all].sort((a, b) => a - b);
}

/** Events that have runs of a task that is not final, in their order. */
export function eventsOf({ detail: { firstIn, moreIn } }: Job, task: number): number[] {
  const first = firstIn[task] ?? 0;
  return first === 0 ? [] : [first, ...(moreIn.get(task) ?? [])];
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

/** Counts an event that is on disk. */
export function countShown(job: Job, number: number, event: SiteEvent): void {
  job.shown = number;
  if ('settled' in event) {
    for (const fuel of event.settled.fuel) job.fuel += fuel;
    for (const task of event.settled.tasks) release(job, task);
  }
  if (event.type !== 'run') return;
  for (const use of event.use) {
    if (use === USE.first || use === USE.check) job.runs++;
    if (use === USE.check) job.checks++;
  }
  for (const [row, use] of event.use.entries()) {
    if (use !== USE.audit) continue;
    job.audits.count++;
    job.audits.fuel += event.fuels[row] ?? 0;
  }
}

/** Fuel of a run that gave an answer, as far as others agree on it. */
export function fuelOf(job: Job, answer: string): number {
  return fuelIn(answer, job.record.manifest.limits?.fuelMax ?? TASK.fuelMax.default);
}

/** A result is held: what its runs took counts, and no more if they turn out to be wrong. What a run claims that is to be checked counts not. */
export function hold(job: Job, task: number): void {
  release(job, task);
  const { held } = job.detail;
  for (const { answer, standing } of job.replicas.runsOf(task))
    if (!standing.banned) held[task] = (held[task] as number) + fuelOf(job, answer);
  job.fuel += held[task] as number;
}

/** It is not held any more. */
export function release(job: Job, task: number): void {
  const { held } = job.detail;
  job.fuel -= held[task] ?? 0;
  held[task] = 0;
}
