// What this site tells the others of itself, from what its hosts and jobs are now.

import { isSite } from '../coordinator/belief.ts';
import type { Caller, Site } from '../coordinator/contracts.ts';
import type { HostStatus } from '../wire/api.ts';
import type { Attributes } from '../wire/site.ts';
import type { SiteRecord } from './record.ts';

export const OPERATOR: Caller = { account: 'operator', role: 'operator' };
/** Fuel a second of a thread that has not run anything yet. */
const THREAD_GUESS = 1e8;
/** Fuel of a task of which no other has run. */
const TASK_GUESS = 1e9;

/** What the operator says of the site. */
export interface Offered {
  readonly name: string;
  readonly key: string;
  readonly url: string | null;
  /** In units for 10^9 fuel. */
  readonly price: number;
  readonly deadlineMs: number;
}

/** Hosts of its own that work. */
function working(site: Site): HostStatus[] {
  return site
    .hosts(OPERATOR)
    .filter(({ connected, paused, banned, account }) => connected && paused === null && !banned && !isSite(account));
}

const fuelOf = ({ threads, fuelPerSecond }: HostStatus): number => threads * (fuelPerSecond || THREAD_GUESS);

export function recordOf(site: Site, offered: Offered): SiteRecord {
  const hosts = working(site);
  const [first, ...others] = hosts;
  return {
    version: 1,
    ...offered,
    hosts: hosts.length,
    threads: sum(hosts.map(({ threads }) => threads)),
    fuelPerSecond: sum(hosts.map(fuelOf)),
    queuedFuel: queuedOf(site),
    confidence: sureOf(hosts),
    policy: site.policy().policy,
    isolation: first ? first.isolation.filter((wall) => others.every(({ isolation }) => isolation.includes(wall))) : [],
  };
}

/** How sure its hosts can be of a result: without a trusted one it takes two owners, since no two replicas go to one. All tabs of nobody are one. */
export function sureOf(hosts: readonly Pick<HostStatus, 'account' | 'trusted'>[]): SiteRecord['confidence'] {
  const trusted = hosts.filter((host) => host.trusted).length;
  if (trusted > 0 && trusted === hosts.length) return 'trusted';
  const owners = new Set(hosts.map(({ account }) => account)).size;
  return trusted > 0 || owners !== 1 ? 0.999999 : 0.5;
}

/** Fuel of what waits or runs here: tasks of a job that nobody has run count as those of the others. */
function queuedOf(site: Site): number {
  const jobs = site.jobs(OPERATOR);
  const runs = sum(jobs.map((job) => job.runs));
  const mean = runs > 0 ? sum(jobs.map(({ fuel }) => fuel)) / runs : TASK_GUESS;
  const open = jobs.filter(({ state }) => state === 'open');
  return sum(
    open.map(({ counts, ...job }) => (counts.waiting + counts.leased) * (job.runs > 0 ? job.fuel / job.runs : mean)),
  );
}

/** The site as a host of another: all of its threads, at their mean, and what all of its hosts have. */
export function attributesOf(site: Site, record: SiteRecord): Attributes {
  const hosts = working(site);
  const engines = hosts.flatMap((host) => host.engines.map(({ name }) => name));
  const common = (['v8', 'wasmtime'] as const).filter((name) => engines.includes(name));
  return {
    name: record.name,
    kind: 'node',
    program: 'site',
    engines: common.map((name) => ({ name, version: '' })),
    ...{ rewriter: 0, tariff: 0 },
    threads: Math.max(1, Math.min(1_024, record.threads)),
    memoryBytes: Number.MAX_SAFE_INTEGER,
    fuelPerSecond: record.threads > 0 ? record.fuelPerSecond / record.threads : 0,
    isolation: record.isolation,
    policy: record.policy,
    ...{ kernels: { refused: [] }, accounts: { refused: [] }, priceFloor: record.price, holds: [] },
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
