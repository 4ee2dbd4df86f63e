// What a site says of itself, its jobs, tasks and hosts. Pure: reads the state, changes nothing.
import { VERSION } from '../platform/version.ts';
import { type HostStatus, type JobStatus, type SiteStatus, TASK_STATES, type TaskStatus } from '../wire/api.ts';
import { heldBy } from './dispatch.ts';
import { stops } from './ending.ts';
import { KEY, type RunEvent, type SiteEvent } from './events.ts';
import { refusal } from './fits.ts';
import { deliveryOf, eventsOf, type Job } from './job.ts';
import type { Host, State } from './state.ts';

export function jobStatus(state: State, job: Job): JobStatus {
  const { record, counts, tasks } = job;
  const rate = record.state === 'open' ? job.rate.perSecond(state.with.now()) : 0;
  const left = tasks - counts.done - counts.failed - counts.cancelled;
  return {
    id: job.id,
    account: job.account,
    name: record.manifest.name ?? job.id,
    // Done is shown once that is on disk: the summary is made then.
    state: record.summary ? record.state : 'open',
    manifest: record.manifest,
    submitted: record.submitted,
    ended: record.summary ? record.ended : null,
    sealed: record.sealed,
    tasks,
    counts: { ...counts },
    fuel: job.fuel,
    runs: job.runs,
    checks: job.checks,
    rate,
    msLeft: record.sealed && rate > 0 ? Math.round((1000 * left) / rate) : null,
  };
}

export function taskStatus(state: State, job: Job, index: number): TaskStatus {
  const leases = [...state.leases.held(job.id)].filter((lease) => lease.left.has(index));
  const events = runsOf(state, job, index);
  const input = state.inputs.get(job.id, job.starts, index);
  const now = state.with.now();
  return {
    index,
    state: TASK_STATES[job.detail.states[index] as number] as TaskStatus['state'],
    input: {
      digest: typeof input === 'string' ? input : null,
      bytes: typeof input === 'string' ? 0 : input.byteLength,
    },
    leases: leases.map(({ holder, since, progress }) => ({
      host: holder.host?.id ?? '',
      since: state.with.clock() - (now - since),
      share: progress.get(index) ?? null,
    })),
    runs: events
      .filter((number) => number <= job.shown)
      .map((number, place) => runStatus(state, job, { number, index, check: place > 0 })),
    confidence: null,
    why: whyTask(state, job, index),
  };
}

/** Events that have runs of a task. Of one that is final, those that have its answer and that settled it: others are not kept in memory. */
function runsOf({ with: { store } }: State, job: Job, index: number): number[] {
  const { settledIn, answerIn } = job.detail;
  if (settledIn[index] === 0) return eventsOf(job, index);
  const both = new Set([answerIn[index] as number, settledIn[index] as number]);
  return [...both].filter((number) => {
    const event = store.get(KEY.event(job.id, number)) as SiteEvent | undefined;
    return event?.type === 'run' && event.tasks.includes(index);
  });
}

function runStatus(
  state: State,
  job: Job,
  { number, index, check }: { readonly number: number; readonly index: number; readonly check: boolean },
): TaskStatus['runs'][number] {
  const event = state.with.store.get(KEY.event(job.id, number)) as RunEvent;
  const row = event.tasks.indexOf(index);
  const { host, at } = event;
  return { host, at, answer: deliveryOf(event, row).answer, fuel: event.fuels[row] ?? null, check };
}

/** Why a task stands where it stands, and what ends that. */
export function whyTask(state: State, job: Job, index: number): string {
  const is = TASK_STATES[job.detail.states[index] as number] as TaskStatus['state'];
  const stopped = stops(state, job);
  switch (is) {
    case 'done':
    case 'failed':
      return `it is ${is}: its outcome is there`;
    case 'cancelled':
      return job.record.reason === '' ? 'the job was cancelled' : `the job has ended: ${job.record.reason}`;
    case 'leased':
      return 'a host has it on lease';
    case 'provisional':
      return 'there is a result on the word of one host; it is believed when the job ends, unless that host is found to lie';
    case 'checking':
    case 'disputed': {
      const what =
        is === 'disputed' ? 'results of two hosts differ' : 'there is a result that another host has to confirm';
      return `${what}; ${whoMay(state, job, index)}`;
    }
    case 'waiting':
      return stopped === '' ? whoMay(state, job, index) : `nothing more of this job is begun: ${stopped}`;
    default:
      return is satisfies never;
  }
}

function whoMay(state: State, job: Job, index: number): string {
  const not = new Set(job.replicas.runsOf(index).map(({ owner }) => owner));
  const connected = [...state.hosts.values()].filter(({ connection }) => connection !== null);
  if (connected.length === 0) return 'no host is connected';
  if (connected.every(({ record }) => not.has(record.account)))
    return `every host that is connected belongs to an owner that has run it: ${[...not].join(', ')}`;
  const paused = connected.filter((host) => host.paused !== null);
  if (paused.length === connected.length) return `every host is paused: ${paused[0]?.paused}`;
  return 'it waits for a host with a free slot that may have it';
}

export function hostStatus(state: State, host: Host): HostStatus {
  const { record, attributes, connection } = host;
  return {
    host: host.id,
    account: record.account,
    name: record.name,
    kind: record.kind,
    connected: connection !== null,
    since: record.since,
    seen: connection ? state.with.clock() - (state.with.now() - connection.seen) : record.seen,
    trusted: host.own || record.standing === 'trusted',
    banned: record.standing === 'banned',
    paused: host.paused,
    threads: attributes?.threads ?? 0,
    fuelPerSecond: attributes?.fuelPerSecond ?? 0,
    isolation: attributes?.isolation ?? [],
    engines: attributes?.engines ?? [],
    leased: connection ? heldBy(state, connection) : 0,
    tasksDone: record.tasksDone,
    fuel: record.fuel,
    agreed: record.agreed,
    disagreed: record.disagreed,
    policyVersion: host.policyVersion,
    why: whyHost(state, host),
  };
}

/** Why a host has no work; empty where it has. */
export function whyHost(state: State, host: Host): string {
  const { connection, record, paused } = host;
  if (record.standing === 'banned') return 'it is banned';
  if (!connection) return 'it is not connected';
  if (heldBy(state, connection) > 0) return '';
  if (paused !== null) return `it is paused: ${paused}`;
  if (state.openJobs.size === 0) return 'there are no jobs';
  const open = [...state.openJobs.values()].filter((job) => job.open.length > 0);
  if (open.length === 0) return 'every task is done or with another host';
  if (connection.pulls.length === 0) return 'it has not asked for work';
  const { view } = host;
  const reasons = view ? open.map((job) => refusal(job, view, state.with.clock())) : [];
  const [first] = reasons.filter((reason) => reason !== undefined);
  return first === undefined ? 'what is open has to be run by another owner' : `the host ${first}`;
}

export function siteStatus(state: State): SiteStatus {
  const now = state.with.now();
  return {
    name: state.with.name,
    version: VERSION,
    key: state.key.public,
    started: state.started,
    hosts: [...state.hosts.values()].filter(({ connection }) => connection !== null).length,
    jobsOpen: state.openJobs.size,
    tasksPerSecond: state.tasksRate.perSecond(now),
    fuelPerSecond: state.fuelRate.perSecond(now),
    policyVersion: state.policy.version,
  };
}
