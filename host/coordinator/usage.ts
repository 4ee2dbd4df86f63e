// What accounts use, held against their quotas: tasks that wait, bytes of blobs, fuel of the day. Also whose a blob is.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { JobStatus } from '../wire/api.ts';
import type { Accounts } from './accounts.ts';
import type { Caller, Site, Store } from './contracts.ts';

const DAY_MS = 86_400_000;
/** Fuel that was used since the last write is lost to the account when the site is killed. */
const WRITE_MS = 5_000;

export interface Usage {
  /** Whether an account has sent or was sent a blob. */
  owns(account: string, digest: Digest): boolean;
  /** Notes that it has, and how many bytes that costs it. */
  own(account: string, digest: Digest, bytes: number): Promise<void>;
  /** Throws `ERR_QUOTA_SPENT` where an account would store more than it may. */
  mayStore(account: string, bytes: number): void;
  /** Throws `ERR_QUOTA_SPENT` where an account would have more tasks waiting than it may, or has used its fuel of the day. */
  mayQueue(caller: Caller, tasks: number): void;
  read(account: string): { readonly tasksQueued: number; readonly storedBytes: number; readonly fuelPerDay: number };
  close(): Promise<void>;
}

const OPERATOR: Caller = { account: 'operator', role: 'operator' };

/** `now` gives ms since 1970. */
export function createUsage(store: Store, site: Site, accounts: Accounts, now: () => number): Usage {
  const stored = new Map<string, number>();
  for (const { key, value } of store.range(['owned', ''], ['owned', '~'])) add(stored, String(key[1]), Number(value));
  const fuel = createFuel(store, site, now);

  const queued = (account: string) => {
    let tasks = 0;
    for (const job of site.jobs({ account, role: 'submitter' })) tasks += waitingOf(job);
    return tasks;
  };
  return {
    owns: (account, digest) => store.get(['owned', account, digest]) !== undefined,
    own: async (account, digest, bytes) => {
      if (store.get(['owned', account, digest]) !== undefined) return;
      add(stored, account, bytes);
      await store.put(['owned', account, digest], bytes);
    },
    mayStore: (account, bytes) => {
      const { storedBytes } = accounts.quotas(account);
      if ((stored.get(account) ?? 0) + bytes <= storedBytes) return;
      throw new LodgerError('ERR_QUOTA_SPENT', ['storedBytes', formatSize(storedBytes), 'ask the operator for more']);
    },
    mayQueue: ({ account }, tasks) => {
      const { tasksQueued, fuelPerDay } = accounts.quotas(account);
      if (fuel.today(account) >= fuelPerDay)
        throw new LodgerError('ERR_QUOTA_SPENT', ['fuelPerDay', fuelPerDay, 'it is renewed at midnight UTC']);
      if (tasks > 0 && queued(account) + tasks > tasksQueued)
        throw new LodgerError('ERR_QUOTA_SPENT', ['tasksQueued', tasksQueued, 'send more when some are done']);
    },
    read: (account) => ({
      tasksQueued: queued(account),
      storedBytes: stored.get(account) ?? 0,
      fuelPerDay: fuel.today(account),
    }),
    close: fuel.close,
  };
}

/** Tasks of a job that are not over. */
function waitingOf({ state, tasks, counts }: JobStatus): number {
  return state === 'open' ? tasks - counts.done - counts.failed - counts.cancelled : 0;
}

function createFuel(store: Store, site: Site, now: () => number) {
  const day = () => Math.floor(now() / DAY_MS);
  let today = day();
  const used = new Map<string, number>();
  const unwritten = new Set<string>();
  /** Fuel of each open job when it was last heard of. */
  const seen = new Map<string, number>();
  for (const job of site.jobs(OPERATOR)) if (job.state === 'open') seen.set(job.id, job.fuel);
  for (const { key, value } of store.range(['day', ''], ['day', '~']))
    if (key[2] === today) used.set(String(key[1]), Number(value));

  const turn = () => {
    if (day() === today) return;
    for (const account of used.keys()) void store.remove(['day', account, today]);
    today = day();
    used.clear();
    unwritten.clear();
  };
  const hear = ({ id, account, state, fuel }: JobStatus) => {
    turn();
    const added = fuel - (seen.get(id) ?? 0);
    if (state === 'open') seen.set(id, fuel);
    else seen.delete(id);
    if (added <= 0) return;
    add(used, account, added);
    unwritten.add(account);
  };
  const write = async () => {
    const names = [...unwritten];
    unwritten.clear();
    await Promise.all(names.map((account) => store.put(['day', account, today], used.get(account) ?? 0)));
  };
  const unwatch = site.watch(OPERATOR, (event, data) => {
    if (event === 'job') hear(data as JobStatus);
  });
  // What cannot be written now is written with the next.
  const timer = setInterval(() => void write().catch(() => undefined), WRITE_MS);
  timer.unref();
  return {
    today: (account: string) => {
      turn();
      return used.get(account) ?? 0;
    },
    close: async () => {
      clearInterval(timer);
      unwatch();
      await write();
    },
  };
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}
