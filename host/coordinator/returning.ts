// Hosts that leave, and that come again: what they had on lease goes on, goes back, or counts against the tasks that they were lost with.
import type { Fence, Holding } from '../wire/site.ts';
import { RETRIES } from './deliver.ts';
import type { Job } from './job.ts';
import { giveBack } from './opening.ts';
import { find, lose } from './settling.ts';
import type { Connection, Host, SiteLease, State } from './state.ts';

/** It is gone: its pulls with it. Its leases stay until they run out, since it may come again and go on with them. */
export function leave(state: State, connection: Connection): void {
  if (!connection.open) return;
  connection.open = false;
  connection.pulls.length = 0;
  state.wanting.delete(connection);
  const { host } = connection;
  if (host?.connection === connection) {
    host.connection = null;
    state.changed('host', host.id);
    state.changed('site', '');
  }
  if (state.leases.of(connection).size === 0) state.connections.delete(connection);
}

interface Coming {
  readonly host: Host;
  readonly connection: Connection;
  /** Its connection of before. */
  readonly before: Connection | null;
  /** What it says that it has. */
  readonly holds: readonly Holding[];
}

/**
 * A host comes again. In the same process it goes on with what it has of its leases; what it does not have never reached it, or went back
 * when nobody heard it. In another process it has nothing: the one of before ended with its tasks, which counts against them when their
 * time is over, and not before, so that nobody has tasks given up by coming again and again.
 */
export function comeAgain(state: State, { host, connection, before, holds }: Coming): void {
  countMissing(state, host, connection);
  if (before && before.session !== null) {
    if (before.session === connection.session) takeUp(state, { before, connection, holds });
    else if (before.ended === 'no') before.ended = 'broken';
  }
  for (const holding of holds) refuse(state, connection, holding);
}

function takeUp(
  state: State,
  { before, connection, holds }: Pick<Coming, 'connection' | 'holds'> & { before: Connection },
): void {
  const named = new Map(holds.map(([fence, tasks]) => [keyOf(fence), new Set(tasks)]));
  for (const lease of [...state.leases.of(before)]) {
    const has = named.get(keyOf(lease.fence));
    putBack(
      state,
      lease,
      [...lease.left].filter((task) => !has?.has(task)),
    );
    if (lease.left.size > 0) state.leases.move(lease, connection);
  }
  state.connections.delete(before);
}

const keyOf = ([start, number]: Fence): string => `${start}.${number}`;

/** Tells a host what it need not go on with. Of leases of an earlier start nobody knows; what it brings of them may still be of use. */
function refuse(state: State, connection: Connection, [fence, tasks]: Holding): void {
  if (fence[0] < state.epoch) return;
  const lease = state.leases.current(fence);
  const left = lease?.holder === connection ? lease.left : undefined;
  const over = tasks.filter((task) => !left?.has(task));
  if (over.length > 0) connection.send({ type: 'cancel', fence, tasks: over });
}

/** What ran out while it was away: it was counted where its connection broke, which is how a process ends, and not where it was only silent. */
function countMissing(state: State, host: Host, { session }: Connection): void {
  const { missing } = host;
  host.missing = null;
  const isSame = missing?.session === session;
  if (!missing || missing.counted !== isSame) return;
  for (const { job: id, tasks } of missing.leases) {
    const job = state.openJobs.get(id);
    if (job && isSame) find(state, job, { host: host.id, tasks });
    else if (job) blame(state, job, { host: host.id, tasks });
  }
}

function blame(state: State, job: Job, { host, tasks }: { host: string; tasks: readonly number[] }): void {
  lose(state, job, { host, tasks, retries: job.record.manifest.retries ?? RETRIES });
}

/** Tasks of a lease go to others. */
function putBack(state: State, lease: SiteLease, tasks: readonly number[], isBlamed = false): void {
  if (tasks.length === 0) return;
  for (const task of tasks) state.leases.drop(lease, task);
  const job = state.openJobs.get(lease.job);
  if (job && isBlamed) blame(state, job, { host: lease.holder.host?.id ?? '', tasks });
  if (job) giveBack(state, job, tasks);
}

/** Ends the leases of hosts that were silent for too long. Gives when to look again, by the clock that never goes back. */
export function expire(state: State): number {
  const now = state.with.now();
  let next = now + state.with.leaseMs;
  for (const connection of state.connections) {
    const until = connection.seen + state.with.leaseMs;
    if (until > now) {
      next = Math.min(next, until);
      continue;
    }
    giveUp(state, connection, 'silent for too long');
  }
  return next;
}

/** Its host is lost: what it had on lease goes to others. */
export function giveUp(state: State, connection: Connection, reason: string): void {
  const { host, session, ended } = connection;
  const counted = ended === 'broken';
  const leases: { job: string; tasks: number[] }[] = [];
  for (const lease of [...state.leases.of(connection)]) {
    const tasks = [...lease.left];
    if (tasks.length > 0) leases.push({ job: lease.job, tasks });
    putBack(state, lease, tasks, counted);
  }
  if (host && session !== null && ended !== 'goodbye' && leases.length > 0) host.missing = { session, counted, leases };
  if (connection.open) connection.close(reason);
  state.connections.delete(connection);
}
