// What the replicas decide becomes events, and what happens without a batch: tasks come in, hosts are banned, or lost with what they had.
import type { TaskState } from '../wire/api.ts';
import type { HostStanding } from '../wire/routes.ts';
import { kindOf } from './belief.ts';
import type { Range } from './contracts.ts';
import type { Effects } from './delivery.ts';
import { endIfDone, tell } from './ending.ts';
import { KEY, nothingSettled, type Settled, type SiteEvent, type StandEvent } from './events.ts';
import { countShown, eventsOf, fuelOf, hold, type Job, note, release, show } from './job.ts';
import { drop } from './open.ts';
import { giveBack, openWanted } from './opening.ts';
import { isBounded } from './purses.ts';
import { noteUse } from './resting.ts';
import type { Host, State } from './state.ts';

/** An event settles so many tasks at most: whoever reads an outcome reads the event that made it final. */
const SETTLED_MAX = 1_024;

/** What was decided in one go, ready to be written, opened and shown. */
export interface Decided {
  readonly settled: Settled;
  readonly states: Map<number, TaskState>;
  readonly wanted: Range[];
  readonly convicted: string[];
  /** Checks that hosts passed, and shares of some, by host. */
  readonly passed: Map<string, number>;
  /** Fuel of runs that were believed, by host. */
  readonly earned: Map<string, number>;
}

export const nothingDecided = (): Decided => ({
  settled: nothingSettled(),
  states: new Map(),
  wanted: [],
  convicted: [],
  passed: new Map(),
  earned: new Map(),
});

/** Gathers what followed from a run. `event` is the number of the event that has runs which memory does not know yet, and `host` whose. */
export function gather(job: Job, decided: Decided, effects: Effects, here?: { event: number; host: string }): void {
  for (const task of effects.held) decided.states.set(task, 'provisional');
  for (const range of effects.wanted) {
    decided.wanted.push(range);
    if (range.to - range.from === 1) decided.states.set(range.from, job.replicas.stateOf(range.from));
  }
  // Behind the others: the last task of a job is held and made final in one go.
  for (const { task, answer, wrong, host, hosts, audited = 0 } of effects.accepted) {
    const before = eventsOf(job, task).find((event) => job.eventHosts[event] === host);
    const failed = answer.includes('ERR_');
    const [runs, fuel] = [hosts.length, fuelOf(job, answer)];
    settleAs(decided.settled, task, {
      from: before ?? here?.event ?? 0,
      wrong,
      runs,
      fuel: runs * fuel + audited,
      failed,
    });
    for (const each of hosts) addTo(decided.earned, each, fuel);
    decided.states.set(task, failed ? 'failed' : 'done');
  }
  for (const { host, fuel } of effects.audited) addTo(decided.earned, host, fuel);
  for (const host of effects.convicted) decided.convicted.push(host);
  for (const { host, share } of effects.passed) addTo(decided.passed, host, share);
}

function addTo(sums: Map<string, number>, host: string, more: number): void {
  sums.set(host, (sums.get(host) ?? 0) + more);
}

interface Settling {
  readonly from: number;
  readonly wrong: number;
  readonly runs: number;
  readonly fuel: number;
  readonly failed: boolean;
}

export function settleAs(settled: Settled, task: number, { from, wrong, runs, fuel, failed }: Settling): void {
  settled.tasks.push(task);
  settled.from.push(from);
  settled.wrong.push(wrong);
  settled.runs.push(runs);
  settled.fuel.push(fuel);
  settled.failed.push(failed ? 1 : 0);
}

export interface Happening {
  readonly decided: Decided;
  /** What is written beside the event. */
  readonly puts?: readonly Promise<void>[];
  readonly shown?: () => void;
}

/**
 * An event with what was decided on it: memory is changed, then it is written, and shown when it is on disk. What is over the ceiling of
 * one event is settled by those behind it.
 */
export function happen(state: State, job: Job, event: SiteEvent, { decided, puts = [], shown }: Happening): void {
  const { store } = state.with;
  const { settled, states } = decided;
  const all: [number, SiteEvent][] = [];
  for (let from = 0; from === 0 || from < settled.tasks.length; from += SETTLED_MAX) {
    const part = settled.tasks.length <= SETTLED_MAX ? settled : partOf(settled, from, from + SETTLED_MAX);
    const isWhole = !('settled' in event) || event.settled === part;
    const each: SiteEvent =
      from > 0 ? { type: 'settle', settled: part } : isWhole ? event : { ...event, settled: part };
    const number = job.events + 1;
    note(job, number, each);
    all.push([number, each]);
  }
  for (const [id, share] of decided.passed) countPassed(state, id, share);
  for (const [id, fuel] of decided.earned) countEarned(state, id, fuel);
  const hosts = new Set([...decided.passed.keys(), ...decided.earned.keys()]);
  if (event.type === 'run') hosts.add(event.host);
  openWanted(state, job, decided.wanted);
  const written = all.map(([number, each]) => store.put(KEY.event(job.id, number), each));
  for (const id of hosts) {
    const host = state.hosts.get(id);
    if (host) written.push(store.put(KEY.host(id), host.record));
  }
  void state.write([...written, ...puts], () => {
    const before = job.fuel;
    for (const [number, each] of all) countShown(job, number, each);
    for (const [task, to] of states) showLater(state, job, task, to);
    charge(state, job, { fuel: job.fuel - before, tasks: settled.tasks.length });
    shown?.();
    tell(state, job);
    state.merge(job);
    endIfDone(state, job);
  });
  for (const id of decided.convicted) ban(state, id, job);
}

/** Between a decision and its flush, somebody may have got the task, or made it final: that is shown then, or will be. */
function showLater(state: State, job: Job, task: number, to: TaskState): void {
  const isFinal = to === 'done' || to === 'failed';
  if (!isFinal && job.detail.settledIn[task] !== 0) return;
  if (to === 'provisional') hold(job, task);
  else release(job, task);
  show(job, task, to === 'waiting' && state.leases.isOut(job.id, task) ? 'leased' : to);
}

/** Accounts pay for what is believed: for what turns out to be a lie, they get it back. */
function charge(state: State, job: Job, { fuel, tasks }: { readonly fuel: number; readonly tasks: number }): void {
  const now = state.with.now();
  job.rate.add(tasks, now);
  state.tasksRate.add(tasks, now);
  state.fuelRate.add(fuel, now);
  state.used.set(job.account, (state.used.get(job.account) ?? 0) + fuel);
  state.with.onFuel(job.account, fuel);
  noteUse(state, job.account);
  // What was taken to cost more may leave room for others.
  if (isBounded(state, job)) state.stir();
}

function partOf({ tasks, from, wrong, runs, fuel, failed }: Settled, start: number, end: number): Settled {
  return {
    tasks: tasks.slice(start, end),
    from: from.slice(start, end),
    wrong: wrong.slice(start, end),
    runs: runs.slice(start, end),
    fuel: fuel.slice(start, end),
    failed: failed.slice(start, end),
  };
}

function countPassed(state: State, id: string, share: number): void {
  const host = state.hosts.get(id);
  if (host) host.record = { ...host.record, agreed: host.record.agreed + share };
}

function countEarned(state: State, id: string, fuel: number): void {
  const host = state.hosts.get(id);
  if (host) host.record = { ...host.record, fuel: host.record.fuel + fuel };
}

/** A host has lied, or an operator says so: it gets no more work, and what rests on its word alone is open again, in every other job. */
export function ban(state: State, id: string, where?: Job): void {
  const host = state.hosts.get(id);
  if (!host || host.record.standing === 'banned') return;
  const disagreed = host.record.disagreed + (where ? 1 : 0);
  host.record = { ...host.record, standing: 'banned', disagreed };
  void state.write([state.with.store.put(KEY.host(id), host.record)]);
  state.with.log('warn', `host ${id} is banned${where ? `: its results of job ${where.id} were wrong` : ''}`);
  for (const job of [...state.openJobs.values()]) {
    if (job !== where) stand(state, job, id, 'banned');
  }
  takeFrom(state, host);
  host.connection?.close('this host is banned');
}

/** What a host has on lease goes to others at once. */
function takeFrom(state: State, host: Host): void {
  for (const connection of state.connections) {
    if (connection.host !== host) continue;
    for (const lease of [...state.leases.of(connection)]) {
      const tasks = state.leases.end(lease);
      const job = state.openJobs.get(lease.job);
      if (job) giveBack(state, job, tasks);
    }
  }
}

/** A host that has delivered to a job is believed in another way there from now on. */
function stand(state: State, job: Job, host: string, to: StandEvent['to']): void {
  if (!job.replicas.standingOf(host)) return;
  const decided = nothingDecided();
  gather(job, decided, job.replicas.stand(host, to));
  // What was open is decided anew.
  const singles = decided.wanted.filter((range) => range.to - range.from === 1).map(({ from }) => from);
  for (const task of [...decided.settled.tasks, ...singles]) job.open = drop(job.open, task, task + 1);
  happen(state, job, { type: 'stand', host, to, settled: decided.settled }, { decided });
}

/** What an operator says of a host, also for what it has delivered to jobs that go on. */
export async function setStanding(state: State, host: Host, standing: HostStanding): Promise<void> {
  if (standing === 'banned') ban(state, host.id);
  else {
    host.record = { ...host.record, standing };
    for (const job of [...state.openJobs.values()]) stand(state, job, host.id, kindOf(host));
  }
  await state.write([state.with.store.put(KEY.host(host.id), host.record)], () => state.changed('host', host.id));
}

/** Inputs are on disk: there are so many tasks now. */
export function growTo(state: State, job: Job, tasks: number, sealed: boolean): void {
  const decided = nothingDecided();
  gather(job, decided, job.replicas.grow(tasks, sealed));
  happen(state, job, { type: 'grow', tasks, sealed, settled: decided.settled }, { decided });
}

/** A host was lost with these tasks. Those that hosts are lost with again and again are given up, and their submitter is told. */
export function lose(
  state: State,
  job: Job,
  { host, tasks, retries }: { readonly host: string; readonly tasks: readonly number[]; readonly retries: number },
): void {
  const open = tasks.filter((task) => job.detail.settledIn[task] === 0);
  if (open.length === 0) return;
  const at = state.with.clock();
  const alone = tasks.length === 1;
  happen(state, job, { type: 'lost', at, host, tasks: open, alone }, { decided: nothingDecided() });
  const given = open.filter((task) => (job.detail.lost.get(task) ?? 0) > retries);
  if (given.length > 0) giveUp(state, job, given, retries + 1);
}

/** It was not the host's end, nor the task's doing: it was cut off. */
export function find(
  state: State,
  job: Job,
  { host, tasks }: { readonly host: string; readonly tasks: readonly number[] },
): void {
  const open = tasks.filter((task) => job.detail.settledIn[task] === 0);
  if (open.length === 0) return;
  const at = state.with.clock();
  const alone = tasks.length === 1;
  happen(state, job, { type: 'found', at, host, tasks: open, alone }, { decided: nothingDecided() });
}

function giveUp(state: State, job: Job, tasks: readonly number[], hosts: number): void {
  const message = `${hosts} hosts were lost with this task, and with nothing else: it is given to no other`;
  const decided = nothingDecided();
  for (const task of tasks) {
    settleAs(decided.settled, task, { from: 0, wrong: 0, runs: 0, fuel: 0, failed: true });
    decided.states.set(task, 'failed');
    gather(job, decided, job.replicas.abandon(task));
  }
  const at = state.with.clock();
  happen(
    state,
    job,
    { type: 'fail', at, code: 'ERR_HOST_FAULT', message, tasks, settled: decided.settled },
    { decided },
  );
  state.with.log('warn', `job ${job.id}: ${tasks.length} tasks are given up: ${message}`);
}
