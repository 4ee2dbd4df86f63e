// A site's memory from its store: what it is after a start, and after something could not be written.
import { type Policy, parsePolicy } from '../../runtime/policy/policy.ts';
import type { Store } from './contracts.ts';
import { endIfDone } from './ending.ts';
import { type ImageRecord, type JobRecord, KEY, type SiteEvent } from './events.ts';
import { hostOf } from './hosts.ts';
import { createInputs } from './inputs.ts';
import { apply, countShown, grow, type Job, newJob, noCounts, noDetail, show } from './job.ts';
import { openSiteKey } from './keys.ts';
import { createLeases } from './leases.ts';
import { reopen } from './opening.ts';
import { createRate } from './rate.ts';
import { CHAIN_START } from './receipts.ts';
import { reconsider, sweepIfLast } from './settling.ts';
import type { Connection, HostRecord, State, Surroundings } from './state.ts';

/** What a site allows that has not been told otherwise: every grant that its hosts can give, and the defaults as ceilings. */
const OPEN_POLICY: Policy = parsePolicy({
  version: 1,
  grants: [{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }, { kind: 'blobs' }],
});

/** What the state cannot do itself. */
export type Doing = Pick<State, 'stir' | 'changed'> & { readonly broke: (error: unknown) => void };

/** Loads it. The start is counted on disk before any lease is given, so that fences never come twice. */
export async function loadState(surroundings: Surroundings, doing: Doing): Promise<State> {
  const { store } = surroundings;
  const epoch = ((store.get(KEY.epoch) as number | undefined) ?? 0) + 1;
  const key = await openSiteKey(store);
  await store.put(KEY.epoch, epoch);
  const state = emptyState(surroundings, doing, { epoch, key, policy: policyIn(store) });
  for (const {
    key: [, id],
    value,
  } of store.range(...KEY.hosts))
    state.hosts.set(id as string, hostOf(id as string, value as HostRecord));
  for (const {
    key: [, id],
    value,
  } of store.range(...KEY.jobs))
    loadJob(state, id as string, value as JobRecord);
  return state;
}

function emptyState(
  surroundings: Surroundings,
  { stir, changed, broke }: Doing,
  { epoch, key, policy }: Pick<State, 'epoch' | 'key' | 'policy'>,
): State {
  let tail: Promise<unknown> = Promise.resolve();
  const state: State = {
    with: surroundings,
    key,
    inputs: createInputs(surroundings.store),
    epoch,
    started: surroundings.clock(),
    jobs: new Map(),
    openJobs: new Map(),
    hosts: new Map(),
    connections: new Set<Connection>(),
    wanting: new Set<Connection>(),
    leases: createLeases<Connection>(epoch),
    chain: (surroundings.store.get(KEY.chain) as string | undefined) ?? CHAIN_START,
    policy,
    tasksRate: createRate(),
    fuelRate: createRate(),
    over: false,
    write: (puts, shown) => {
      const before = tail;
      // Looked at now, since one that fails before its turn would count as failed unseen.
      const safe = Promise.all(puts);
      safe.catch(() => undefined);
      const done = before.then(async () => {
        await safe;
        if (!state.over) shown?.();
      });
      tail = done.catch((error: unknown) => {
        if (!state.over) broke(error);
      });
      // A caller that waits is told; for the others the site itself has heard.
      done.catch(() => undefined);
      return done;
    },
    stir,
    changed,
  };
  return state;
}

function policyIn(store: Store): State['policy'] {
  const kept = store.get(KEY.policy) as State['policy'] | undefined;
  return kept ? { version: kept.version, policy: parsePolicy(kept.policy) } : { version: 1, policy: OPEN_POLICY };
}

function loadJob(state: State, id: string, record: JobRecord): void {
  const job = newJob(id, record);
  state.jobs.set(id, job);
  if (record.state !== 'open' && record.summary) {
    const { tasks, counts, fuel, runs, checks } = record.summary;
    Object.assign(job, { tasks, received: tasks, fuel, runs, checks, counts: { ...noCounts(), ...counts } });
    return;
  }
  replay(state, job);
  if (record.state !== 'open') return;
  state.openJobs.set(id, job);
  for (const { key, value } of state.with.store.range(...KEY.images(id)))
    job.images.set(key[2] as number, value as ImageRecord);
  const again = reconsider(state, job);
  const waiting: number[] = [];
  const { settledIn, runs } = job.detail;
  if (job.events === 0) job.open = job.tasks === 0 ? [] : [{ from: 0, to: job.tasks, not: [], check: false }];
  else for (let task = 0; task < job.tasks; task++) if (settledIn[task] === 0 && !runs.has(task)) waiting.push(task);
  reopen(state, job, waiting.concat(again));
  sweepIfLast(state, job);
  endIfDone(state, job);
}

/** Makes a job's tasks from its inputs and events. Of one that has ended, this is done when somebody asks for them. */
export function replay(state: State, job: Job): void {
  const { starts, count } = state.inputs.found(job.id);
  Object.assign(job, { starts, tasks: 0, settled: 0, events: 0, shown: 0, fuel: 0, runs: 0, checks: 0 });
  Object.assign(job, { detail: noDetail(), counts: noCounts(), mean: { fuel: 0, runs: 0 } });
  grow(job, count);
  job.received = count;
  for (const { key, value } of state.with.store.range(...KEY.events(job.id))) {
    const event = value as SiteEvent;
    apply(job, key[2] as number, event);
    countShown(job, key[2] as number, event);
    if ('settled' in event)
      for (const [at, task] of event.settled.tasks.entries())
        show(job, task, event.settled.failed[at] === 1 ? 'failed' : 'done');
  }
  if (job.record.state === 'open') return;
  for (let task = 0; task < job.tasks; task++) if (job.detail.settledIn[task] === 0) show(job, task, 'cancelled');
}
