// What a site says of itself, its jobs, tasks and hosts. Pure: reads the state, changes nothing.
import { VERSION } from '../platform/version.ts';
import { type HostStatus, type JobStatus, type SiteStatus, TASK_STATES, type TaskStatus } from '../wire/api.ts';
import { heldBy } from './dispatch.ts';
import { stops } from './ending.ts';
import { beliefOf, KEY, type SiteEvent, USE } from './events.ts';
import { type Job, runEventsOf } from './job.ts';
import { familyOf, levelOf } from './levels.ts';
import { deliveryOf } from './rows.ts';
import type { Host, State } from './state.ts';
import { whyHost, whyTask } from './why.ts';

export function jobStatus(state: State, job: Job): JobStatus {
  const { record, counts, tasks } = job;
  const rate = record.state === 'open' ? job.rate.perSecond(state.with.now()) : 0;
  const family = levelOf(job.id) === 0 ? familyOf(state, job) : [job];
  const sum = (of: (each: Job) => number) => family.reduce((total, each) => total + of(each), 0);
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
    reason: record.state === 'open' ? stops(state, job) : record.reason,
    sealed: record.sealed,
    tasks,
    counts: { ...counts },
    fuel: sum(({ fuel }) => fuel),
    runs: sum(({ runs }) => runs),
    checks: sum((each) => each.checks),
    audits: { count: sum(({ audits }) => audits.count), fuel: sum(({ audits }) => audits.fuel) },
    rate,
    msLeft: record.sealed && rate > 0 ? Math.round((1000 * left) / rate) : null,
    ...(record.manifest.merge && levelOf(job.id) === 0 && { merges: mergesOf(family.slice(1)) }),
  };
}

const mergesOf = (levels: readonly Job[]) => ({
  tasks: levels.reduce((sum, { tasks }) => sum + tasks, 0),
  done: levels.reduce((sum, { counts }) => sum + counts.done, 0),
});

export function taskStatus(state: State, job: Job, index: number): TaskStatus {
  const leases = [...state.leases.held(job.id)].filter((lease) => lease.left.has(index));
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
    runs: runsOf(state, job, index),
    confidence: confidenceOf(state, job, index),
    why: whyTask(state, job, index),
  };
}

const COUNTED: readonly (number | undefined)[] = [USE.first, USE.check, USE.givenUp];

/** Every run of a task that counted, whoever's: also of those that were found wrong. */
function runsOf(state: State, job: Job, index: number): TaskStatus['runs'] {
  const found: TaskStatus['runs'][number][] = [];
  for (const number of runEventsOf(job, index)) {
    if (number > job.shown) break;
    const event = state.with.store.get(KEY.event(job.id, number)) as SiteEvent;
    const row = event.type === 'run' ? event.tasks.indexOf(index) : -1;
    if (event.type !== 'run' || row < 0 || !COUNTED.includes(event.use[row])) continue;
    const { host, at, fuels, use } = event;
    const { answer } = deliveryOf(event, row);
    found.push({ host, at, answer, fuel: fuels[row] ?? null, check: use[row] === USE.check });
  }
  return found;
}

/** How surely a result was accepted; null before that is on disk, and where the task was given up. */
function confidenceOf(state: State, job: Job, index: number): number | null {
  const settledIn = job.detail.settledIn[index] ?? 0;
  if (settledIn === 0 || settledIn > job.shown) return null;
  const event = state.with.store.get(KEY.event(job.id, settledIn)) as SiteEvent;
  const givenUp =
    event.type === 'fail' || (event.type === 'run' && event.use[event.tasks.indexOf(index)] === USE.givenUp);
  return givenUp ? null : beliefOf(event, index).confidence;
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
    fuelPerSecond: host.view?.attributes.fuelPerSecond ?? 0,
    isolation: attributes?.isolation ?? [],
    engines: attributes?.engines ?? [],
    leased: connection ? heldBy(state, connection) : 0,
    tasksDone: record.tasksDone,
    fuel: record.fuel,
    agreed: Math.floor(record.agreed),
    disagreed: record.disagreed,
    policyVersion: host.policyVersion,
    why: whyHost(state, host),
  };
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
