// What becomes final without a batch: results that were held, tasks of hosts that were convicted or lost, images that nobody goes on from.
import type { TaskState } from '../wire/api.ts';
import type { HostStanding } from '../wire/routes.ts';
import { verdictOf } from './belief.ts';
import { endIfDone, tell } from './ending.ts';
import {
  type FailEvent,
  KEY,
  type LostEvent,
  nothingSettled,
  type Settled,
  type SettleEvent,
  type SiteEvent,
} from './events.ts';
import { apply, countShown, type Job, type Kept, show } from './job.ts';
import { reopen } from './opening.ts';
import type { Host, State } from './state.ts';

/** Looks at what is held near a job's end. */
const SWEEPS = 3;

/** Makes an answer final, and says what is shown of the task. */
export function accept(
  settled: Settled,
  task: number,
  runs: readonly Kept[],
  { answer, wrong }: { readonly answer: string; readonly wrong: number },
): 'done' | 'failed' {
  const from = runs.find((run) => run.answer === answer)?.event ?? 0;
  const failed = answer.startsWith('ERR_');
  settleAs(settled, task, { from, wrong, runs: runs.length, failed });
  return failed ? 'failed' : 'done';
}

interface Settling {
  readonly from: number;
  readonly wrong: number;
  readonly runs: number;
  readonly failed: boolean;
}

export function settleAs(settled: Settled, task: number, { from, wrong, runs, failed }: Settling): void {
  settled.tasks.push(task);
  settled.from.push(from);
  settled.wrong.push(wrong);
  settled.runs.push(runs);
  settled.failed.push(failed ? 1 : 0);
}

/** An event settles so many tasks at most: whoever reads an outcome reads the events that made it. */
const SETTLED_MAX = 1_024;

/** What was decided of many tasks, as events of a size that is read at once. Who is convicted stands in the first. */
function settleAll(
  state: State,
  job: Job,
  { settled, states, convicted }: Pick<Weighed, 'settled' | 'states'> & { readonly convicted: readonly string[] },
): void {
  const at = state.with.clock();
  const final = new Set(settled.tasks);
  const shown = new Map(states);
  for (let from = 0; from === 0 || from < settled.tasks.length; from += SETTLED_MAX) {
    const part = partOf(settled, from, from + SETTLED_MAX);
    const event: SettleEvent = { type: 'settle', at, settled: part, convicted: from === 0 ? convicted : [] };
    const others = from === 0 ? states.filter(([task]) => !final.has(task)) : [];
    const these = part.tasks.map((task) => [task, shown.get(task) as TaskState] as const);
    happen(state, job, event, [...others, ...these]);
  }
}

function partOf({ tasks, from, wrong, runs, failed }: Settled, start: number, end: number): Settled {
  return {
    tasks: tasks.slice(start, end),
    from: from.slice(start, end),
    wrong: wrong.slice(start, end),
    runs: runs.slice(start, end),
    failed: failed.slice(start, end),
  };
}

/** Applies an event that is no batch, writes it, and shows it when it is on disk. */
function happen(state: State, job: Job, event: SiteEvent, states: readonly (readonly [number, TaskState])[]): void {
  const number = job.events + 1;
  apply(job, number, event);
  void state.write([state.with.store.put(KEY.event(job.id, number), event)], () => {
    countShown(job, number, event);
    for (const [task, to] of states) show(job, task, to);
    tell(state, job);
    endIfDone(state, job);
  });
}

/** A host has lied: it gets no more work, and what rests on its word alone is open again, in every job. */
export function convict(state: State, id: string): void {
  const host = state.hosts.get(id);
  if (!host || host.record.standing === 'banned') return;
  host.record = { ...host.record, standing: 'banned' };
  void state.write([state.with.store.put(KEY.host(id), host.record)]);
  state.with.log('warn', `host ${id} is banned: its results were wrong`);
  for (const job of state.openJobs.values()) takeBack(state, job, id);
  host.connection?.close('this host is banned: its results were wrong');
}

/** What an operator says of a host. One that is banned loses what rests on its word alone, like one that was found to lie. */
export async function setStanding(state: State, host: Host, standing: HostStanding): Promise<void> {
  if (standing === 'banned') convict(state, host.id);
  else host.record = { ...host.record, standing };
  await state.write([state.with.store.put(KEY.host(host.id), host.record)], () => state.changed('host', host.id));
}

function takeBack(state: State, job: Job, id: string): void {
  const affected = [...job.detail.runs].filter(([, runs]) => runs.some(({ host }) => host === id));
  if (affected.length === 0) return;
  const settled = nothingSettled();
  const again: number[] = [];
  const states: [number, TaskState][] = [];
  for (const [task, runs] of affected) {
    const others = runs.filter(({ host }) => host !== id);
    job.held.delete(task);
    if (others.length === 0) states.push([task, 'waiting']);
    if (others.length === 0 || weigh(state, job, { task, runs: others, settled, states }) === 'again') again.push(task);
  }
  settleAll(state, job, { settled, states, convicted: [id] });
  reopen(
    state,
    job,
    again.filter((task) => !onLease(state, job, task)),
  );
}

/** Somebody has it already: the task is not opened twice. */
function onLease(state: State, job: Job, task: number): boolean {
  for (const lease of state.leases.held(job.id)) if (lease.left.has(task)) return true;
  return false;
}

interface Weighed {
  readonly task: number;
  readonly runs: readonly Kept[];
  readonly settled: Settled;
  readonly states: [number, TaskState][];
}

/** What the runs of a task say now: it is run again, held, or final. */
function weigh(state: State, job: Job, { task, runs, settled, states }: Weighed): 'again' | 'held' | 'final' {
  const verdict = verdictOf(state, job, task, runs);
  switch (verdict.do) {
    case 'run':
    case 'replicate':
      states.push([task, runs.some(({ answer }) => answer !== runs[0]?.answer) ? 'disputed' : 'checking']);
      return 'again';
    case 'hold':
      job.held.add(task);
      states.push([task, 'provisional']);
      return 'held';
    case 'accept':
      states.push([task, accept(settled, task, runs, verdict)]);
      return 'final';
    default:
      return verdict satisfies never;
  }
}

/** Once everything is final or held, draws what is missing of checks, and in the end believes what is held. */
export function sweepIfLast(state: State, job: Job): void {
  if (!job.record.sealed || job.record.state !== 'open' || job.held.size === 0) return;
  if (job.settled + job.held.size < job.tasks) return;
  job.sweeps++;
  const settled = nothingSettled();
  const states: [number, TaskState][] = [];
  const again: number[] = [];
  for (const task of [...job.held]) {
    const runs = job.detail.runs.get(task) ?? [];
    const verdict = verdictOf(state, job, task, runs, Math.min(job.sweeps, SWEEPS));
    if (verdict.do === 'accept') states.push([task, accept(settled, task, runs, verdict)]);
    else if (verdict.do !== 'hold') {
      job.held.delete(task);
      again.push(task);
      states.push([task, 'checking']);
    }
  }
  if (states.length > 0) settleAll(state, job, { settled, states, convicted: [] });
  reopen(state, job, again);
}

/** Looks at all runs again, as after a start of the site. */
export function reconsider(state: State, job: Job): number[] {
  const settled = nothingSettled();
  const states: [number, TaskState][] = [];
  const again: number[] = [];
  for (const [task, runs] of job.detail.runs)
    if (weigh(state, job, { task, runs, settled, states }) === 'again') again.push(task);
  if (settled.tasks.length > 0) settleAll(state, job, { settled, states, convicted: [] });
  else for (const [task, to] of states) show(job, task, to);
  return again;
}

/** A host was lost with these tasks. Those that hosts are lost with again and again are given up, and their submitter is told. */
export function lose(
  state: State,
  job: Job,
  { host, tasks }: { readonly host: string; readonly tasks: readonly number[] },
): void {
  const open = tasks.filter((task) => job.detail.settledIn[task] === 0);
  if (open.length === 0) return;
  const event: LostEvent = { type: 'lost', at: state.with.clock(), host, tasks: open, alone: tasks.length === 1 };
  happen(state, job, event, []);
  const max = job.record.manifest.retries ?? 5;
  const given = open.filter((task) => (job.detail.lost.get(task) ?? 0) > max && !job.detail.runs.has(task));
  if (given.length === 0) return;
  const settled = nothingSettled();
  for (const task of given) settleAs(settled, task, { from: 0, wrong: 0, runs: 0, failed: true });
  const message = `${max + 1} hosts were lost with this task, the last one with nothing else: it is not given to another`;
  const fail: FailEvent = { type: 'fail', at: state.with.clock(), code: 'ERR_HOST_FAULT', message, settled };
  happen(
    state,
    job,
    fail,
    given.map((task) => [task, 'failed'] as const),
  );
  state.with.log('warn', `job ${job.id}: ${given.length} tasks are given up: ${message}`);
}
