// Every ceiling of a site's door, by name, with the reason for it: accounts, requests, connections.
import type { Ceiling } from '../../runtime/base/limits.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const MOST = Number.MAX_SAFE_INTEGER;

/** What an account may use unless its operator says otherwise. */
export const ACCOUNT = {
  tasksQueued: { default: 20_000_000, max: MOST, unit: 'tasks', reason: 'each takes a byte of memory, and its input' },
  storedBytes: { default: 64 * GiB, max: MOST, unit: 'bytes of blobs', reason: 'they share one disk' },
  fuelPerDay: { default: MOST, max: MOST, unit: 'fuel', reason: 'bounds what an account may cost' },
  accounts: { default: 10_000, max: 10_000, unit: 'accounts', reason: 'each is kept in memory' },
  tokens: { default: 1_000, max: 1_000, unit: 'tokens of an account', reason: 'each is kept in memory' },
  tokenBytes: { default: 32, max: 32, unit: 'random bytes of a token', reason: 'nobody guesses them' },
} as const satisfies Record<string, Ceiling>;

/** What the server takes of anybody. */
export const DOOR = {
  connections: { default: 20_000, max: 20_000, unit: 'connections', reason: 'each takes memory and a descriptor' },
  connectionsOfAddress: {
    default: 5_000,
    max: 5_000,
    unit: 'connections of an address',
    reason: 'one machine must not take those of all others',
  },
  visitorSockets: {
    default: 256,
    max: 256,
    unit: 'connected tabs of an address that nobody answers for',
    reason: 'a visit costs nothing, and a room full of tabs has one address',
  },
  messagesVisitor: {
    default: 2_000,
    max: 2_000,
    unit: 'messages of such a tab in 10 s',
    reason: 'each is parsed and acted on; whoever sends more is read slower',
  },
  messagesHost: {
    default: 200_000,
    max: 200_000,
    unit: 'messages of a host in 10 s',
    reason: 'callers share one thread',
  },
  headersMs: { default: 10_000, max: 10_000, unit: 'ms', reason: 'a request that trickles in holds a connection' },
  requestMs: { default: 300_000, max: 300_000, unit: 'ms', reason: 'the same for its body; blobs come in pieces' },
  checkMs: { default: 1_000, max: 1_000, unit: 'ms', reason: 'how often slow requests are looked for' },
  helloMs: { default: 10_000, max: 10_000, unit: 'ms', reason: 'a host that says nothing holds a connection' },
  hostBufferBytes: { default: 16 * MiB, max: 16 * MiB, unit: 'bytes', reason: 'a host that does not read is let go' },
  turnMs: {
    default: 1,
    max: 1,
    unit: 'ms',
    reason: 'so long at a time are results taken in, and given: leases wait meanwhile',
  },
  waitingBytes: {
    default: 16 * MiB,
    max: 16 * MiB,
    unit: 'bytes of reports',
    reason: 'those that wait their turn are kept in memory',
  },
  eventBufferBytes: { default: MiB, max: MiB, unit: 'bytes', reason: 'a follower that does not read is let go' },
  followers: { default: 1_000, max: 1_000, unit: 'followers of events', reason: 'each is told of every change' },
  requestsAnonymous: {
    default: 300,
    max: 300,
    unit: 'requests an address in 10 s',
    reason: 'they cost, and guess tokens',
  },
  requestsVisitors: {
    default: 6_000,
    max: 6_000,
    unit: 'requests of all visitors of an address in 10 s',
    reason: 'a visit costs nothing, and a room full of tabs has one address',
  },
  requestsKnown: { default: 60_000, max: 60_000, unit: 'requests a token in 10 s', reason: 'callers share one thread' },
  addresses: { default: 20_000, max: 20_000, unit: 'addresses and tokens counted', reason: 'each is kept in memory' },
  embedders: { default: 64, max: 64, unit: 'origins whose pages lend tabs', reason: 'they stand in a header' },
  sessions: { default: 10_000, max: 10_000, unit: 'sessions of pages', reason: 'each is kept in memory' },
  sessionMs: { default: 43_200_000, max: 43_200_000, unit: 'ms', reason: 'somebody else may sit down at the machine' },
  digestsShown: {
    default: 100_000,
    max: 100_000,
    unit: 'digests that strangers may read',
    reason: 'each is kept in memory',
  },
  tickets: { default: 10_000, max: 10_000, unit: 'tickets', reason: 'each is kept in memory' },
  ticketMs: { default: 60_000, max: 60_000, unit: 'ms', reason: 'addresses, which hold them, end up in logs' },
  neighbours: { default: 10_000, max: 10_000, unit: 'hosts that give blobs', reason: 'each is kept in memory' },
  neighbourMs: { default: 60_000, max: 60_000, unit: 'ms', reason: 'who is gone is not asked for long' },
  jobsListed: { default: 1_000, max: 100_000, unit: 'jobs in a list', reason: 'an answer is made whole' },
  quietMs: { default: 15_000, max: 15_000, unit: 'ms', reason: 'proxies end answers in which nothing comes' },
} as const satisfies Record<string, Ceiling>;

/** Kernels that a site prepares for tabs. */
export const PREPARING = {
  waiting: { default: 64, max: 64, unit: 'kernels', reason: 'those that wait their turn are kept in memory' },
  kept: { default: 1_000, max: 1_000, unit: 'kernels', reason: 'what admission found of each is kept in memory' },
  ms: { default: 20_000, max: 20_000, unit: 'ms', reason: 'others wait; what admission lets through takes a second' },
  heapMiB: { default: 1_024, max: 1_024, unit: 'MiB', reason: 'a kernel must not end its site' },
  idleMs: { default: 30_000, max: 30_000, unit: 'ms', reason: 'a thread that has nothing to do holds memory' },
} as const satisfies Record<string, Ceiling>;
