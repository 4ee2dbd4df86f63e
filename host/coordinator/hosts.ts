// Hosts of a site: what is kept of each, and what a connection's attributes say of it.
import type { Attributes } from '../wire/site.ts';
import { ANONYMOUS, standingOf } from './belief.ts';
import type { Caller } from './contracts.ts';
import { type RunEvent, USE } from './events.ts';
import { publicKey } from './keys.ts';
import { type Came, createSpeed } from './speed.ts';
import type { Connection, Host, HostRecord, State } from './state.ts';

/** A host from what is kept of it. */
export function hostOf(id: string, record: HostRecord): Host {
  return {
    id,
    record,
    key: publicKey(record.key),
    connection: null,
    last: null,
    missing: null,
    attributes: null,
    view: null,
    speed: createSpeed(),
    paused: null,
    load: null,
    policyVersion: 0,
    own: false,
  };
}

/** The host of a connection that has shown its key: a new one, or the one that it was. */
export function meet(
  state: State,
  connection: Connection,
  { id, key, attributes }: { readonly id: string; readonly key: Uint8Array; readonly attributes: Attributes },
): Host {
  const { caller } = connection;
  const now = state.with.clock();
  let host = state.hosts.get(id);
  if (!host) {
    host = hostOf(id, {
      key: Uint8Array.from(key),
      account: caller.account,
      name: attributes.name,
      kind: attributes.kind,
      since: now,
      seen: now,
      standing: 'known',
      tasksDone: 0,
      fuel: 0,
      agreed: 0,
      disagreed: 0,
    });
    state.hosts.set(id, host);
    if (caller.account === ANONYMOUS) forgetStrangers(state);
  }
  host.record = { ...host.record, name: attributes.name, kind: attributes.kind, seen: now };
  host.own = caller.role === 'operator';
  host.paused = null;
  describe(state, host, attributes, caller);
  return host;
}

/** Keys cost nothing: of hosts that nobody answers for, those that have done nothing are not written down, and forgotten where there are many. */
const STRANGERS_MAX = 1_000;

export function isStranger({ record: { account, tasksDone, standing } }: Host): boolean {
  return account === ANONYMOUS && tasksDone === 0 && standing === 'known';
}

function forgetStrangers(state: State): void {
  const strangers = [...state.hosts.values()].filter(isStranger);
  if (strangers.length <= STRANGERS_MAX) return;
  // Those that are here, or have something on lease, stay.
  const known = new Set([...state.connections].map(({ host }) => host));
  const gone = strangers.slice(0, -1).filter((host) => !known.has(host));
  for (const { id } of gone.slice(0, strangers.length - STRANGERS_MAX)) state.hosts.delete(id);
}

/** What a host says of itself, as choosing sees it. */
export function describe(state: State, host: Host, attributes: Attributes, { account }: Caller): void {
  host.attributes = attributes;
  host.view = {
    id: host.id,
    owner: account,
    attributes: asMeasured(host, attributes),
    holds: new Set(attributes.holds.map((digest) => state.with.kernelOf(digest) ?? digest)),
    standing: (id) => {
      const job = state.jobs.get(id);
      if (!job) throw new RangeError(`there is no job ${id}`);
      return standingOf(job, host);
    },
  };
}

/** Its speed is what its results show, once they do. */
function asMeasured({ speed }: Host, attributes: Attributes): Attributes {
  return { ...attributes, fuelPerSecond: speed.of(attributes.fuelPerSecond) };
}

/** Counts what a host has brought of a lease, and how fast. */
export function measure(host: Host, came: Omit<Came, 'threads'>): void {
  const { attributes, view, speed } = host;
  if (!attributes || !view || !speed.count({ ...came, threads: attributes.threads })) return;
  host.view = { ...view, attributes: asMeasured(host, attributes) };
}

/** Counts what a host has delivered, for as long as it is known; what it took counts when it is believed. */
export function countDelivered(state: State, host: Host, event: RunEvent): void {
  const { record } = host;
  let tasks = 0;
  for (const use of event.use) if (use === USE.first || use === USE.check) tasks++;
  host.record = {
    ...record,
    seen: state.with.clock(),
    tasksDone: record.tasksDone + tasks,
  };
}
