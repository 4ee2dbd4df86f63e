// A site's memory from its store: what it is after a start, and after something could not be written.

import { TASK } from '../../runtime/base/limits.ts';
import { type Policy, parsePolicy } from '../../runtime/policy/policy.ts';
import { replicasOf } from './belief.ts';
import type { Store } from './contracts.ts';
import { end, endIfDone } from './ending.ts';
import { type ImageRecord, type JobRecord, KEY, type SiteEvent, USE } from './events.ts';
import { hostOf } from './hosts.ts';
import { createInputs } from './inputs.ts';
import { countShown, grow, hold, type Job, newJob, noCounts, noDetail, note, show } from './job.ts';
import { openSiteKey } from './keys.ts';
import { createLeases } from './leases.ts';
import { openAll } from './opening.ts';
import { createRate } from './rate.ts';
import { CHAIN_START } from './receipts.ts';
import { deliveryOf, intervalAt } from './rows.ts';
import { growTo } from './settling.ts';
import type { Connection, HostRecord, State, Surroundings } from './state.ts';

/** What a site allows that has not been told otherwise: every grant that its hosts can give, and all that a task may ask for. Owners narrow it. */
const OPEN_POLICY: Policy = parsePolicy({
  version: 1,
  limits: Object.fromEntries(Object.entries(TASK).map(([limit, { max }]) => [limit, max])),
  grants: [
    ...[{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }, { kind: 'blobs' }],
    { kind: 'files', pinned: true },
  ],
});

/** What the state cannot do itself. */
export type Doing = Pick<State, 'stir' | 'changed'> & {
  readonly merge: (state: State, job: Job) => void;
  readonly broke: (state: State, error: unknown) => void;
};

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
  { stir, changed, merge, broke }: Doing,
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
    used: new Map(),
    faded: surroundings.now(),
    resting: new Set(),
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
        if (!state.over) broke(state, error);
      });
      // A caller that waits is told; for the others the site itself has heard.
      done.catch(() => undefined);
      return done;
    },
    stir,
    merge: (job) => merge(state, job),
    changed,
  };
  return state;
}

function policyIn(store: Store): State['policy'] {
  const kept = store.get(KEY.policy) as State['policy'] | undefined;
  return kept ? { version: kept.version, policy: parsePolicy(kept.policy) } : { version: 1, policy: OPEN_POLICY };
}

function loadJob(state: State, id: string, record: JobRecord): void {
  const job = newJob(id, record, replicasOf(state.key, id, record));
  state.jobs.set(id, job);
  if (record.state !== 'open' && record.summary) {
    const { tasks, counts, audits = job.audits, ...sums } = record.summary;
    Object.assign(job, { tasks, received: tasks, ...sums, audits, counts: { ...noCounts(), ...counts } });
    return;
  }
  const { count, grown, sealed } = replay(state, job);
  if (record.state !== 'open') {
    void end(state, job, { state: record.state, reason: record.reason });
    return;
  }
  state.openJobs.set(id, job);
  for (const { key, value } of state.with.store.range(...KEY.images(id)))
    job.images.set(key[2] as number, value as ImageRecord);
  openAll(state, job);
  // Inputs that were safe on disk before anything else was said of them.
  if (count > grown || job.record.sealed !== sealed) {
    grow(job, count);
    growTo(state, job, count, job.record.sealed);
  }
  endIfDone(state, job);
}

/** Makes a job's tasks from its inputs and events. Of one that has ended, this is done when somebody asks for them. */
export function replay(
  state: State,
  job: Job,
): { readonly count: number; readonly grown: number; readonly sealed: boolean } {
  const starts = state.inputs.found(job.id);
  const count = starts.at(-1) ?? 0;
  const { total } = job.record;
  // The end of the list was written, and some of the list was not: its sender was refused, and sends it again.
  if (job.record.state === 'open' && total !== null && total > count)
    job.record = { ...job.record, sealed: false, total: null };
  Object.assign(job, { starts, tasks: 0, settled: 0, events: 0, shown: 0, fuel: 0, runs: 0, checks: 0 });
  job.audits = { count: 0, fuel: 0 };
  Object.assign(job, { detail: noDetail(), counts: noCounts(), mean: { fuel: 0, parts: 0, runs: 0 } });
  job.replicas = replicasOf(state.key, job.id, job.record);
  job.received = count;
  let [grown, sealed] = [0, false];
  for (const { key, value } of state.with.store.range(...KEY.events(job.id))) {
    const event = value as SiteEvent;
    // Behind a gap is what was written after something that could not be: nobody was told of it, and it is not counted.
    if (key[2] !== job.events + 1) {
      cutOff(state, job);
      break;
    }
    if (event.type === 'grow') {
      grow(job, event.tasks);
      grown = event.tasks;
      sealed ||= event.sealed;
    }
    fold(job, event);
    note(job, key[2] as number, event);
    countShown(job, key[2] as number, event);
    if ('settled' in event)
      for (const [at, task] of event.settled.tasks.entries())
        show(job, task, event.settled.failed[at] === 1 ? 'failed' : 'done');
  }
  const isOpen = job.record.state === 'open';
  for (let task = 0; task < job.tasks; task++) {
    if (job.detail.settledIn[task] !== 0) continue;
    const to = isOpen ? job.replicas.stateOf(task) : 'cancelled';
    show(job, task, to);
    if (to === 'provisional') hold(job, task);
  }
  if (job.record.summary) job.fuel = job.record.summary.fuel;
  return { count, grown, sealed };
}

/** Takes the events behind the last one out of the store. */
function cutOff(state: State, { id, events }: Job): void {
  const { store } = state.with;
  const gone = [...store.keys(...KEY.events(id, events + 1)), ...store.keys(...KEY.allOutputs(id, events + 1))];
  void state.write(gone.map((key) => store.remove(key)));
}

/** Tells the replicas what they were told. What they decide is decided already: it stands in the events. */
function fold({ replicas }: Job, event: SiteEvent): void {
  switch (event.type) {
    case 'run':
      for (const [row, task] of event.tasks.entries()) {
        const use = event.use[row];
        if (use === USE.first || use === USE.check) replicas.deliver(task, deliveryOf(event, row));
        else if (use === USE.audit) replicas.audit(task, intervalAt(event, row), deliveryOf(event, row));
        else if (use === USE.unable) replicas.audit(task, intervalAt(event, row), null);
        else if (use === USE.givenUp) replicas.abandon(task);
      }
      return;
    case 'grow':
      replicas.grow(event.tasks, event.sealed);
      return;
    case 'stand':
      replicas.stand(event.host, event.to);
      return;
    case 'fail':
      for (const task of event.tasks) replicas.abandon(task);
      return;
    case 'settle':
    case 'lost':
    case 'found':
      return;
    default:
      event satisfies never;
  }
}
