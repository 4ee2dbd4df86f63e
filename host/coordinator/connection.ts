// One host's connection: it proves its key, then pulls, reports, beats. What an honest host does not say is a RangeError.
import { randomBytes } from 'node:crypto';
import { node } from '../platform/node.ts';
import { SITE } from '../wire/ceilings.ts';
import { hostName, proofBytes } from '../wire/ledger.ts';
import type { FromHost, ToHost } from '../wire/site.ts';
import type { Caller, HereConnection, SiteConnection } from './contracts.ts';
import { deliver } from './deliver.ts';
import { leaseAgain, leaseOn, serve } from './dispatch.ts';
import { type ImageRecord, KEY } from './events.ts';
import { describe, isStranger, meet } from './hosts.ts';
import { isSigned, publicKey } from './keys.ts';
import { giveBack } from './opening.ts';
import { partsBefore } from './parts.ts';
import { comeAgain, giveUp, leave } from './returning.ts';
import type { Connection, Host, State } from './state.ts';

/** A host in the site's own process. Its results are believed. */
export const HERE: Caller = { account: 'operator', role: 'operator', isHere: true };

/** Pulls that may wait for their lease at once. */
const PULLS_MAX = 2;

export function connect(
  state: State,
  caller: Caller,
  { send, close }: { readonly send: (message: ToHost) => void; readonly close: (reason: string) => void },
): SiteConnection & HereConnection {
  const connection: Connection = {
    caller,
    nonce: Uint8Array.from(randomBytes(32)),
    send,
    close: (reason) => {
      if (!connection.open) return;
      leave(state, connection);
      close(reason);
    },
    host: null,
    open: true,
    session: null,
    ended: 'no',
    seen: state.with.now(),
    pulls: [],
    told: new Set(),
  };
  state.connections.add(connection);
  send({ type: 'challenge', nonce: connection.nonce });
  return {
    hear: (message) => {
      if (!connection.open || state.over) return;
      connection.seen = state.with.now();
      hear(state, connection, message);
    },
    closed: (how) => {
      if (connection.open) connection.ended = how ?? 'broken';
      leave(state, connection);
    },
    inputDigest: (id, task) => {
      const job = state.openJobs.get(id);
      return job && task < job.tasks ? state.inputs.digest(id, job.starts, task) : undefined;
    },
    lease: (id, slots) => {
      const job = state.openJobs.get(id);
      return job !== undefined && leaseOn(state, connection, job, slots);
    },
    leaseOf: (fence) => leaseAgain(state, connection, fence),
    lost: () => giveUp(state, connection, 'it is lost'),
  };
}

function hear(state: State, connection: Connection, message: FromHost): void {
  if (message.type === 'hello') {
    hello(state, connection, message);
    return;
  }
  const { host } = connection;
  if (!host) throw new RangeError(`"${message.type}" comes before "hello"`);
  switch (message.type) {
    case 'attributes':
      describe(state, host, message.attributes, connection.caller);
      pulled(state, connection, 0);
      state.changed('host', host.id);
      return;
    case 'pull':
      pulled(state, connection, message.slots);
      return;
    case 'report':
      // The next lease first: the host is not to wait for signatures to be checked.
      pulled(state, connection, message.slots);
      deliver(state, connection, message);
      // It may have had too much on lease to get more.
      if (connection.pulls.length > 0) serve(state, connection);
      return;
    case 'beat':
      beat(state, connection, host, message);
      return;
    case 'release':
      release(state, connection, message);
      return;
    case 'image':
      keepImage(state, connection, message);
      return;
    case 'policy':
      host.policyVersion = message.version;
      state.changed('host', host.id);
      return;
    default:
      message satisfies never;
  }
}

function hello(state: State, connection: Connection, message: Extract<FromHost, { type: 'hello' }>): void {
  if (connection.host) throw new RangeError('"hello" comes twice');
  const { key, proof, attributes } = message;
  if (key.byteLength !== 32 || proof.byteLength !== 64) throw new RangeError('a key has 32 bytes, its proof 64');
  if (!isSigned(proofBytes(connection.nonce), proof, publicKey(key))) throw new RangeError('the key is not its own');
  const id = hostName(key, node.digest);
  const known = state.hosts.get(id);
  const denied = denial(connection.caller, known);
  if (denied !== '') {
    connection.send({ type: 'refused', code: 'ERR_ACCESS_DENIED', message: `access denied: ${denied}` });
    connection.close(denied);
    return;
  }
  // The one that went silent may not know yet that it is closed.
  known?.connection?.close('this host has connected anew');
  const host = meet(state, connection, { id, key, attributes });
  host.connection = connection;
  connection.host = host;
  const before = host.last;
  host.last = connection;
  const { name, leaseMs, beatMs, store } = state.with;
  const { version, policy } = state.policy;
  connection.send({ type: 'welcome', host: id, site: name, leaseMs, beatMs, policy, policyVersion: version });
  if (message.session !== undefined) {
    connection.session = message.session;
    comeAgain(state, { host, connection, before, holds: message.leases ?? [] });
  }
  const puts = isStranger(host) ? [] : [store.put(KEY.host(id), host.record)];
  void state.write(puts, () => state.changed('host', id));
  state.changed('site', '');
}

function denial({ account, role }: Caller, known: Host | undefined): string {
  if (role === 'submitter') return 'the token is not one of a host';
  if (known?.record.standing === 'banned') return 'this host is banned';
  return known && known.record.account !== account ? 'this host belongs to another account' : '';
}

/** A host wants so many tasks more; 0 for none. */
function pulled(state: State, connection: Connection, slots: number): void {
  if (slots > 0) {
    if (connection.pulls.length >= PULLS_MAX) throw new RangeError(`over ${PULLS_MAX} pulls wait already`);
    connection.pulls.push(Math.min(slots, SITE.batchTasks.max));
  }
  serve(state, connection);
}

function beat(state: State, connection: Connection, host: Host, message: Extract<FromHost, { type: 'beat' }>): void {
  const changed = host.paused !== message.paused;
  host.paused = message.paused;
  host.load = message.load;
  if (message.paused !== null) {
    connection.pulls.length = 0;
    state.wanting.delete(connection);
  }
  for (const [fence, task, share] of message.progress) {
    const lease = state.leases.find(fence);
    if (lease?.holder === connection && lease.left.has(task)) lease.progress.set(task, share);
  }
  if (changed) state.changed('host', host.id);
}

function release(state: State, connection: Connection, message: Extract<FromHost, { type: 'release' }>): void {
  const lease = state.leases.find(message.fence);
  if (lease?.holder !== connection) return;
  const job = state.openJobs.get(lease.job);
  const given = message.tasks.filter((task) => lease.left.has(task));
  for (const task of given) state.leases.drop(lease, task);
  if (job) giveBack(state, job, given);
}

/** An image counts once it is in the blobs and on disk: whoever gets the task then goes on from it. */
function keepImage(state: State, connection: Connection, message: Extract<FromHost, { type: 'image' }>): void {
  const { fence, task, image, parent, step, share, fuel } = message;
  const lease = state.leases.find(fence);
  const job = lease && state.openJobs.get(lease.job);
  if (!job || lease.holder !== connection || !lease.tasks.includes(task) || !connection.host) return;
  if (job.detail.settledIn[task] !== 0 || !hasImages(state, connection, message)) return;
  const { id, attributes } = connection.host;
  const parts = partsBefore(state, job, { host: id, message });
  if (!parts) return;
  const record: ImageRecord = {
    ...{ image, parent, host: id, step, share, fuel },
    ...(message.state !== undefined && { state: message.state }),
    ...(attributes && { rewriter: attributes.rewriter }),
    ...(parts.length > 0 && { parts }),
  };
  lease.progress.set(task, share);
  const { store, refs } = state.with;
  const named = refs.addImage(job, image, parent);
  // Nobody goes on from those of a run that checks another's result: its own result may be checked by them, no more.
  if (job.detail.firstIn[task] !== 0) return void state.write(named);
  void state.write([store.put(KEY.image(job.id, task), record), ...named], () => {
    if (job.detail.settledIn[task] === 0) job.images.set(task, record);
  });
}

/** Whoever gets the task next may read both, so whoever names them has to have them. */
function hasImages(
  { with: { blobs, mayRead } }: State,
  { caller }: Connection,
  { image, parent }: Extract<FromHost, { type: 'image' }>,
): boolean {
  return [image, ...(parent === null ? [] : [parent])].every((each) => blobs.has(each) && mayRead(caller, each));
}
