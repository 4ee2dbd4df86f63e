// The site itself: what its server, and a host in its own process, may ask of it. Checks who asks, and hands on.
import { LodgerError } from '../../runtime/base/errors.ts';
import { now } from '../platform/node.ts';
import { SITE } from '../wire/ceilings.ts';
import { connect, HERE } from './connection.ts';
import type { Caller, Site } from './contracts.ts';
import { openWork, serveAll } from './dispatch.ts';
import { end, endStopped, removeOld } from './ending.ts';
import { estimate } from './estimate.ts';
import { KEY } from './events.ts';
import type { Job } from './job.ts';
import { familyOf, levelOf } from './levels.ts';
import { loadState, replay } from './load.ts';
import { mergeAll, mergedOutcome, mergeMore } from './merging.ts';
import { outcomes, receipts } from './outcomes.ts';
import { placesOf } from './places.ts';
import { createRefs } from './refs.ts';
import { lookAtUse } from './resting.ts';
import { expire } from './returning.ts';
import { setPolicy, simulatePolicy } from './rules.ts';
import { setStanding } from './settling.ts';
import { fade, recall } from './shares.ts';
import type { Host, SiteOptions, State, Surroundings } from './state.ts';
import { hostStatus, jobStatus, siteStatus, taskStatus } from './status.ts';
import { addInputs, submit, tasksQueued } from './submit.ts';
import { createWatch, type Watch } from './watch.ts';
import { whyHost, whyTask } from './why.ts';

const TICK_MS = 1_000;
const REMOVE_EVERY_MS = 600_000;

/**
 * A site on its store and blobs, which the caller opens and closes. When something cannot be written, the site refuses with `ERR_FILE`,
 * hosts are sent away, and memory is made again from what is on disk as soon as there is room.
 */
export async function createSite(options: SiteOptions): Promise<Site> {
  const held = createHolder(filled(options));
  await held.load();
  return siteOf(held);
}

function filled(options: SiteOptions): Surroundings {
  return {
    name: 'lodger',
    now,
    clock: Date.now,
    leaseMs: SITE.leaseMs.default,
    beatMs: SITE.beatMs.default,
    quotas: () => ({}),
    fuelToday: () => 0,
    onFuel: () => undefined,
    refs: createRefs(options.store),
    mayRead: () => true,
    onOutput: () => undefined,
    kernelOf: () => undefined,
    log: () => undefined,
    onLog: () => undefined,
    ...options,
  };
}

/** The state of the moment: another one takes its place when something could not be written. */
interface Holder {
  load(): Promise<void>;
  /** Throws why there is none. */
  state(): State;
  readonly watch: Watch;
  close(): Promise<void>;
}

function createHolder(surroundings: Surroundings): Holder {
  let state: State | undefined;
  let refusal: LodgerError | undefined;
  let stirred: NodeJS.Immediate | undefined;
  let timers: NodeJS.Timeout[] = [];
  const current = () => {
    if (refusal) throw refusal;
    return state as State;
  };
  const watch = createWatch((caller, kind, id) => (refusal ? undefined : look(current(), caller, kind, id)));
  const doing = {
    stir: () => {
      stirred ??= setImmediate(() => {
        stirred = undefined;
        if (state && !state.over) serveAll(state);
      });
    },
    merge: mergeMore,
    changed: watch.changed,
    broke: (which: State, error: unknown) => {
      which.over = true;
      // One that is still being loaded: whoever loads it looks.
      if (which !== state) return;
      const cause =
        error instanceof LodgerError ? error : new LodgerError('ERR_FILE', ['write', 'the store', String(error)]);
      abandon(cause);
      surroundings.log('error', `nothing can be saved: ${cause.message}; the site waits until that is mended`);
      timers.push(setTimeout(recover, TICK_MS).unref());
    },
  };
  const abandon = (why: LodgerError) => {
    refusal = why;
    if (!state) return;
    state.over = true;
    for (const timer of timers) clearTimeout(timer);
    timers = [];
    for (const connection of [...state.connections]) connection.close(why.message);
    for (const job of state.jobs.values()) for (const hear of [...job.listeners]) hear();
  };
  const recover = async () => {
    try {
      await surroundings.store.put(KEY.probe, surroundings.clock());
      await load();
      surroundings.log('info', 'the site can save again, and goes on');
    } catch {
      if (refusal?.code !== 'ERR_CLOSED') timers.push(setTimeout(recover, TICK_MS).unref());
    }
  };
  const load = async () => {
    const loaded = await loadState(surroundings, doing);
    if (loaded.over) throw new LodgerError('ERR_FILE', ['write', 'the store', 'it fails as soon as it is opened']);
    state = loaded;
    refusal = undefined;
    mergeAll(loaded);
    const look = () => {
      if (loaded.over) return;
      const next = expire(loaded);
      timers[0] = setTimeout(look, Math.max(5, next - surroundings.now())).unref();
    };
    timers = [
      setTimeout(look, surroundings.leaseMs).unref(),
      setInterval(tick, TICK_MS, loaded).unref(),
      setInterval(removeOld, REMOVE_EVERY_MS, loaded).unref(),
    ];
    removeOld(loaded);
    lookAtUse(loaded);
    recall(loaded);
  };
  return {
    load,
    state: current,
    watch,
    close: async () => {
      const before = state;
      // What was begun is written, and nothing is begun any more.
      if (before && !before.over) await before.write([]).catch(() => undefined);
      abandon(new LodgerError('ERR_CLOSED', ['site']));
      if (stirred) clearImmediate(stirred);
      watch.close();
    },
  };
}

function tick(state: State): void {
  endStopped(state);
  lookAtUse(state);
  fade(state);
}

function look(state: State, caller: Caller, kind: 'job' | 'host' | 'site', id: string) {
  if (kind === 'site') return siteStatus(state);
  if (kind === 'host') {
    const host = state.hosts.get(id);
    return host && maySee(caller, host.record.account) ? hostStatus(state, host) : undefined;
  }
  const job = state.jobs.get(id);
  return job && maySee(caller, job.account) ? jobStatus(state, job) : undefined;
}

const maySee = ({ role, account }: Caller, owner: string) => role === 'operator' || account === owner;

function jobOf(state: State, caller: Caller, id: string): Job {
  const job = state.jobs.get(id);
  // To others it is not there: that it is belongs to its owner.
  if (!job || !maySee(caller, job.account)) throw new LodgerError('ERR_NOT_FOUND', ['job', id]);
  return job;
}

/** The same with its tasks: of a job that has ended they are made again when they are asked for. */
function tasksOf(state: State, caller: Caller, id: string): Job {
  const job = jobOf(state, caller, id);
  if (job.detail.states.length < job.tasks) replay(state, job);
  return job;
}

/** A host by its id, or by its name where no other one that the caller may see has it. */
function hostOf(state: State, caller: Caller, name: string): Host {
  const seen = [...state.hosts.values()].filter(({ record }) => maySee(caller, record.account));
  const host = seen.find(({ id }) => id === name);
  const [named, another] = host ? [host] : seen.filter(({ record }) => record.name === name);
  if (!named) throw new LodgerError('ERR_NOT_FOUND', ['host', name]);
  if (another) throw new LodgerError('ERR_OPTION_INVALID', ['host', 'an id: several hosts have this name']);
  return named;
}

function checkOperator({ role }: Caller, what: string): void {
  if (role !== 'operator') throw new LodgerError('ERR_ACCESS_DENIED', [`${what} is for operators`]);
}

function checkIndex(job: Job, index: number): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= job.tasks)
    throw new LodgerError('ERR_NOT_FOUND', ['task', `${job.id}/${index}`]);
}

function siteOf(held: Holder): Site {
  const { state, watch } = held;
  return {
    get name() {
      return state().with.name;
    },
    submit: async (caller, manifest, numbers) => {
      if (caller.role === 'host') throw new LodgerError('ERR_ACCESS_DENIED', ['jobs come from submitters']);
      const here = state();
      return jobStatus(here, await submit(here, caller, manifest, numbers));
    },
    addInputs: async (caller, id, from, inputs, last) => {
      const here = state();
      const job = jobOf(here, caller, id);
      await addInputs(here, job, { from, inputs, last });
      return jobStatus(here, job);
    },
    cancel: async (caller, id) => {
      const here = state();
      const job = jobOf(here, caller, id);
      if (job.record.state === 'open') await end(here, job, { state: 'cancelled', reason: '' });
      else await here.write([]);
      return jobStatus(here, job);
    },
    jobs: (caller, most) => {
      const here = state();
      return [...here.jobs.values()]
        .filter(({ id, account }) => levelOf(id) === 0 && maySee(caller, account))
        .sort((one, other) => other.submitted - one.submitted)
        .slice(0, most)
        .map((job) => jobStatus(here, job));
    },
    tasksQueued: () => tasksQueued(state()),
    job: (caller, id) => jobStatus(state(), jobOf(state(), caller, id)),
    task: (caller, id, index) => {
      const job = tasksOf(state(), caller, id);
      checkIndex(job, index);
      return taskStatus(state(), job, index);
    },
    states: (caller, id) => {
      const { detail, tasks } = tasksOf(state(), caller, id);
      return detail.states.slice(0, tasks);
    },
    places: (caller, id) => {
      const job = tasksOf(state(), caller, id);
      return placesOf(state(), job, (account) => maySee(caller, account));
    },
    outcomes: (caller, id, from, signal) => {
      const job = tasksOf(state(), caller, id);
      const isMerged = job.record.manifest.merge && levelOf(id) === 0;
      return (isMerged ? mergedOutcome : outcomes)(state(), job, { from, signal });
    },
    receipts: (caller, id, from) => {
      const job = tasksOf(state(), caller, id);
      const levels = levelOf(id) > 0 ? [job] : familyOf(state(), job);
      return receipts(
        state(),
        levels.map((each) => tasksOf(state(), caller, each.id)),
        from,
      );
    },
    hosts: (caller) => {
      const here = state();
      return [...here.hosts.values()]
        .filter(({ record }) => maySee(caller, record.account))
        .map((host) => hostStatus(here, host));
    },
    why: (caller, what) => {
      if ('host' in what) return whyHost(state(), hostOf(state(), caller, what.host)) || 'it has work';
      const job = tasksOf(state(), caller, what.job);
      checkIndex(job, what.task);
      return whyTask(state(), job, what.task);
    },
    status: () => siteStatus(state()),
    watch: (caller, hear) => watch.add(caller, hear),
    policy: () => state().policy,
    setPolicy: async (caller, policy) => {
      checkOperator(caller, 'the policy');
      return setPolicy(state(), policy);
    },
    simulatePolicy: (caller, policy) => {
      checkOperator(caller, 'the policy');
      return simulatePolicy(state(), policy);
    },
    setStanding: async (caller, id, standing) => {
      checkOperator(caller, 'the standing of hosts');
      await setStanding(state(), hostOf(state(), caller, id), standing);
    },
    estimate: (caller, manifest, tasks) => estimate(state(), caller, manifest, tasks),
    connect: (caller, send, close) => connect(state(), caller, { send, close }),
    connectHere: (send, close) => connect(state(), HERE, { send, close }),
    connectSite: (caller, send, close) => connect(state(), caller, { send, close }),
    work: () => openWork(state()),
    close: held.close,
  };
}
