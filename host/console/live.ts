// What changes at the site, as it changes: one event stream for the whole console. How old it is can be told.
import type { HostStatus, JobStatus, SiteStatus } from '../wire/api.ts';
import { api } from './api.ts';

export interface Live {
  readonly site: SiteStatus | null;
  readonly jobs: ReadonlyMap<string, JobStatus>;
  readonly hosts: ReadonlyMap<string, HostStatus>;
  /** Fuel a second of the site, every second since the page was opened, the latest last. */
  readonly rates: readonly number[];
  /** In ms since 1970, of the last word from the site. */
  readonly heardAt: number;
  readonly isConnected: boolean;
}

const RATES_MAX = 900;
const LOOK_MS = 2_000;

/** Begins to watch. `hear` is called with all of it whenever something has changed, at most four times a second. */
export function watchSite(hear: (live: Live) => void): () => void {
  const jobs = new Map<string, JobStatus>();
  const hosts = new Map<string, HostStatus>();
  let site: SiteStatus | null = null;
  let heardAt = Date.now();
  let isConnected = false;
  let rates: readonly number[] = [];
  let isDirty = true;
  const refresh = async () => {
    const [status, allJobs, allHosts] = await Promise.all([api.site(), api.jobs(), api.hosts()]);
    site = status;
    for (const job of allJobs) jobs.set(job.id, job);
    for (const host of allHosts) hosts.set(host.host, host);
    heardAt = Date.now();
    isDirty = true;
  };
  const source = new EventSource('/api/1/events');
  const on = <T>(name: string, take: (data: T) => void) =>
    source.addEventListener(name, ({ data }: MessageEvent<string>) => {
      take(JSON.parse(data) as T);
      heardAt = Date.now();
      isDirty = true;
    });
  on<JobStatus>('job', (job) => jobs.set(job.id, job));
  on<HostStatus>('host', (host) => hosts.set(host.host, host));
  on<SiteStatus>('site', (status) => {
    site = status;
  });
  source.onopen = () => {
    isConnected = true;
    // What was missed before, or while the site was away.
    refresh().catch(() => undefined);
  };
  source.onerror = () => {
    isConnected = false;
    isDirty = true;
  };
  const second = setInterval(async () => {
    const status = await api.site().catch(() => undefined);
    if (!status) return;
    site = status;
    heardAt = Date.now();
    rates = [...rates, status.fuelPerSecond].slice(-RATES_MAX);
    isDirty = true;
  }, 1_000);
  // Why a host has no work changes with the jobs, too, which is no event of the host's.
  const look = setInterval(async () => {
    if (!location.hash.startsWith('#/hosts')) return;
    for (const host of await api.hosts().catch(() => [])) hosts.set(host.host, host);
    isDirty = true;
  }, LOOK_MS);
  const tick = setInterval(() => {
    if (!isDirty) return;
    isDirty = false;
    hear({ site, jobs: new Map(jobs), hosts: new Map(hosts), rates, heardAt, isConnected });
  }, 250);
  return () => {
    source.close();
    clearInterval(second);
    clearInterval(look);
    clearInterval(tick);
  };
}
