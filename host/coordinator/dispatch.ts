// Carries plans out: what `schedule` chose for a host goes on lease to it, in one frame that answers one pull.
import { MARKS_MAX } from '../../runtime/snapshot/marks.ts';
import { HERE, SITE } from '../wire/ceilings.ts';
import type { Audit, Datum, Fence, Lease as LeaseFrame, WireTerms } from '../wire/site.ts';
import { isSite } from './belief.ts';
import { within } from './budget.ts';
import type { HostView, JobView, OpenWork, Take } from './contracts.ts';
import type { Crowd } from './crowd.ts';
import { stops } from './ending.ts';
import { refusal } from './fits.ts';
import { auditOf } from './intervals.ts';
import { type Job, show } from './job.ts';
import { take } from './open.ts';
import { beginningOf } from './parts.ts';
import { roomsIn } from './purses.ts';
import { canAudit, inTurn, type Moment, schedule } from './schedule.ts';
import { usedBy } from './shares.ts';
import type { Connection, Host, State } from './state.ts';

/** Tasks that one host may have on lease: more would lie with it that others could do. */
const HELD_MAX = 8 * SITE.batchTasks.max;

/** How much further apart the marks of tabs are: a power of two, so that they are marks of all others, too. */
const TABS_APART = 8;

/** Answers pulls with leases, as far as there is work: one of each host before the second of any. */
export function serveAll(state: State): void {
  let waiting = inTurn(state.wanting, (connection) => ({
    busy: state.leases.of(connection).size > 0,
    fuelPerSecond: connection.host?.view?.attributes.fuelPerSecond ?? 0,
  }));
  while (waiting.length > 0) waiting = waiting.filter((connection) => serveOne(state, connection));
}

/** Answers the pulls of one connection. */
export function serve(state: State, connection: Connection): void {
  while (serveOne(state, connection));
}

/** Answers a connection's first pull, if there is work for it. Whether it was, so that the next may be. */
function serveOne(state: State, connection: Connection): boolean {
  const { host, pulls } = connection;
  const slots = Math.min(pulls[0] ?? 0, HELD_MAX - heldBy(state, connection));
  const isServed =
    host !== null &&
    connection.open &&
    !state.over &&
    slots > 0 &&
    leaseTo(state, connection, { host, slots, jobs: ready(state) });
  if (isServed) pulls.shift();
  if (pulls.length > 0 && connection.open) state.wanting.add(connection);
  else state.wanting.delete(connection);
  return isServed;
}

export function heldBy(state: State, connection: Connection): number {
  let held = 0;
  for (const lease of state.leases.of(connection)) held += lease.left.size;
  return held;
}

/** Gives a connection up to so many tasks of one job, though it has not asked; false where there are none for it. */
export function leaseOn(state: State, connection: Connection, job: Job, most: number): boolean {
  const { host } = connection;
  const slots = Math.min(most, SITE.batchTasks.max, HELD_MAX - heldBy(state, connection));
  if (!host || !connection.open || state.over) return false;
  return leaseTo(state, connection, { host, slots, jobs: ready(state, [job]) });
}

/** A lease that is not over, as it was sent first, with its terms. */
export function leaseAgain(state: State, connection: Connection, fence: Fence): LeaseFrame | undefined {
  const lease = state.leases.find(fence);
  const job = lease && state.openJobs.get(lease.job);
  if (!job || lease.left.size === 0 || lease.holder.host !== connection.host) return undefined;
  const tasks = [...lease.tasks];
  const inputs = tasks.map((task) => state.inputs.get(job.id, job.starts, task));
  return { type: 'lease', fence, job: job.id, terms: termsOf(job, connection), tasks, inputs };
}

interface Wanting {
  readonly host: Host;
  readonly slots: number;
  readonly jobs: readonly Ready[];
}

/** A job that goes on, with what of it may be begun; `places` where that is less than what is open. */
interface Ready {
  readonly job: Job;
  readonly view: JobView;
  readonly places?: readonly number[];
}

function leaseTo(state: State, connection: Connection, { host, slots, jobs }: Wanting): boolean {
  const { view } = host;
  if (!view || host.paused !== null || host.record.standing === 'banned') return false;
  const seen = jobs.map((each) => each.view);
  const scheduled = schedule(seen, view, slots, momentOf(state));
  const ready = jobs.find(({ job: { id } }) => id === scheduled[0]?.job);
  if (!ready) return false;
  const { job, places } = ready;
  const takes = scheduled.filter((each) => each.job === job.id);
  const plan = places ? takes.map((each) => ({ ...each, range: places[each.range] as number })) : takes;
  const chosen = fit(state, {
    job,
    plan,
    bytesMax: (connection.caller.isHere ? HERE.batchBytes : SITE.batchBytes).default,
  });
  if (chosen.tasks.length === 0) return false;
  job.open = take(job.open, chosen.takes);
  const lease = state.leases.grant(connection, job.id, chosen.tasks, state.with.now());
  for (const task of chosen.tasks) if (job.detail.firstIn[task] === 0) show(job, task, 'leased');
  const images = job.images.size > 0 ? imagesOf(state, job, { connection, host, tasks: chosen.tasks }) : undefined;
  connection.send(frameOf(connection, job, { fence: lease.fence, ...chosen, ...images }));
  state.changed('job', job.id);
  state.changed('host', host.id);
  return true;
}

export function momentOf(state: State): Moment {
  let hosts = 0;
  // Other sites are given what their speed says, and take nothing from hosts.
  for (const { open, host, caller } of state.connections) if (open && host && !isSite(caller.account)) hosts++;
  const now = state.with.clock();
  return { now, used: usedBy(state), hosts, awake: () => awake(state), crowd: (job) => crowdOf(state, job, now) };
}

function crowdOf(state: State, job: JobView, now: number): Crowd {
  const [owners, ownersAtIt] = [new Set<string>(), new Set<string>()];
  let [hosts, atIt, fuelPerSecond] = [0, 0, 0];
  for (const connection of state.connections) {
    const { open, host } = connection;
    if (!open || !host?.view || host.paused !== null || refusal(job, host.view, now) !== undefined) continue;
    const { owner, attributes } = host.view;
    const standing = host.view.standing(job.id);
    if (standing.kind === 'anonymous' || isSite(owner)) continue;
    hosts += 1;
    owners.add(owner);
    const isAtIt = standing.results > 0 || [...state.leases.of(connection)].some((lease) => lease.job === job.id);
    if (!isAtIt) continue;
    atIt += 1;
    ownersAtIt.add(owner);
    fuelPerSecond += attributes.threads * attributes.fuelPerSecond;
  }
  return { hosts, owners: owners.size, atIt, ownersAtIt: ownersAtIt.size, fuelPerSecond };
}

function* awake({ connections }: State): Generator<HostView> {
  for (const { open, host } of connections) if (open && host?.view && host.paused === null) yield host.view;
}

/** Jobs that have something open and go on. */
function ready(state: State, jobs: Iterable<Job> = state.openJobs.values()): Ready[] {
  const found: Ready[] = [];
  const roomOf = roomsIn(state);
  for (const job of jobs) {
    if (job.open.length === 0 || state.resting.has(job.account) || stops(state, job) !== '') continue;
    const room = roomOf(job);
    if (room >= job.tasks) found.push({ job, view: job });
    else {
      const { open, places } = within(job.open, room);
      if (open.length > 0) found.push({ job, view: { ...job, open }, places });
    }
  }
  return found;
}

/** Jobs that other sites may run, and whether a host of this one has nothing to do. */
export function openWork(state: State): OpenWork {
  const jobs = ready(state).flatMap(({ view }) => (view.sites === undefined ? [] : [view]));
  const idle = [...state.wanting].some(({ open, host, caller }) => open && host !== null && !isSite(caller.account));
  return { jobs, idle };
}

interface Chosen {
  readonly takes: Take[];
  readonly tasks: number[];
  readonly inputs: Datum[];
}

interface Fitting {
  readonly job: Job;
  readonly plan: readonly Take[];
  readonly bytesMax: number;
}

/**
 * As many tasks of a plan as fit into a frame, or as a host without frames gets. One that a host was lost with goes alone: if it is not
 * the task's doing, those that were lost with it are not blamed again.
 */
function fit(state: State, { job, plan, bytesMax }: Fitting): Chosen {
  const chosen: Chosen = { takes: [], tasks: [], inputs: [] };
  const { lost } = job.detail;
  let bytes = 0;
  for (const take of plan) {
    let to = take.from;
    for (; to < take.to; to++) {
      const alone = lost.size > 0 && lost.has(to);
      if (alone && chosen.tasks.length > 0) break;
      const input = state.inputs.get(job.id, job.starts, to);
      bytes += typeof input === 'string' ? 64 : input.byteLength;
      if (chosen.tasks.length > 0 && bytes > bytesMax) break;
      chosen.tasks.push(to);
      chosen.inputs.push(input);
      if (!alone) continue;
      chosen.takes.push({ ...take, to: to + 1 });
      return chosen;
    }
    if (to > take.from) chosen.takes.push({ ...take, to });
    if (to < take.to) break;
  }
  return chosen;
}

function frameOf(
  connection: Connection,
  job: Job,
  { fence, tasks, inputs, images, said }: Pick<LeaseFrame, 'fence' | 'tasks' | 'inputs' | 'images' | 'said'>,
): LeaseFrame {
  const first = !connection.told.has(job.id);
  connection.told.add(job.id);
  const audits = auditsOf(job, connection, tasks);
  const { numbers } = job.record;
  return {
    type: 'lease',
    fence,
    job: job.id,
    ...(first && { terms: termsOf(job, connection) }),
    tasks,
    inputs,
    ...(numbers && { numbers: tasks.map((task) => numbers[task] ?? task) }),
    ...(images && { images }),
    ...(said && { said }),
    ...(audits && { audits }),
  };
}

/** The images that tasks are gone on with, where there are some. */
function imagesOf(
  state: State,
  job: Job,
  {
    connection,
    host,
    tasks,
  }: { readonly connection: Connection; readonly host: Host; readonly tasks: readonly number[] },
): Pick<LeaseFrame, 'images' | 'said'> {
  const goesOn = { host, marks: marksOf(job, connection) !== undefined, isChecked: isChecked(job) };
  const beginnings = tasks.map((task) => beginningOf(state, job, task, goesOn));
  const [images, said] = [beginnings.map(({ image }) => image), beginnings.map((each) => each.said)];
  return {
    ...(images.some((image) => image !== null) && { images }),
    ...(said.some((mark) => mark !== null) && { said }),
  };
}

/** Of results that are checked in parts, which part, for hosts that can run one. */
function auditsOf(job: Job, { host }: Connection, tasks: readonly number[]): (Audit | null)[] | undefined {
  const audits = tasks.map((task) => {
    const question = job.replicas.auditOf(task);
    return question && host?.view && canAudit(host.view, job.id, question.rewriter) ? auditOf(question) : null;
  });
  return audits.some((audit) => audit !== null) ? audits : undefined;
}

const isChecked = (job: Job): boolean => job.deterministic && job.confidence !== 'trusted';

/**
 * Results of trusted hosts are not checked; other sites say nothing of what their hosts do on the way. Of tabs that nobody answers for all is
 * checked, and marks tell but where two results part: they send fewer of them.
 */
function marksOf(job: Job, { host, caller }: Connection): number | undefined {
  if (!isChecked(job) || isSite(caller.account)) return undefined;
  const kind = host?.view?.standing(job.id).kind;
  if (kind === undefined || kind === 'trusted') return undefined;
  const least = (job.record.manifest.markFuel ?? SITE.markFuel.default) * (kind === 'anonymous' ? TABS_APART : 1);
  // Where a task's fuel is known, there are not many more images than marks.
  const doublings = Math.ceil(Math.log2(Math.max(1, (job.fuelPerTask ?? 0) / MARKS_MAX / least)));
  return Math.min(SITE.markFuel.max, least * 2 ** doublings);
}

function termsOf(job: Job, connection: Connection): WireTerms {
  const markFuel = marksOf(job, connection);
  const { manifest } = job.record;
  return {
    kernel: job.kernel,
    account: job.account,
    limits: manifest.limits ?? {},
    grants: manifest.grants ?? [],
    blobs: manifest.blobs ?? {},
    ...(manifest.args !== undefined && { args: manifest.args }),
    seed: manifest.seed ?? 0,
    deterministic: manifest.deterministic ?? true,
    ...(manifest.requirements?.priceMax !== undefined && { priceMax: manifest.requirements.priceMax }),
    ...(manifest.everyMs !== undefined && { everyMs: manifest.everyMs }),
    ...(markFuel !== undefined && { markFuel }),
  };
}
