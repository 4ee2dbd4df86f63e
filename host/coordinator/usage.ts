// What accounts use, held against their quotas: bytes of blobs, fuel of the day. Also whose a blob is. Tasks that wait are the site's to count.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { Accounts } from './accounts.ts';
import type { Store } from './contracts.ts';

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
  /** The same for a blob that comes in pieces: what has come counts as all of it until it is owned, or given back. */
  reserve(account: string, digest: Digest, bytes: number): void;
  giveBack(digest: Digest): void;
  /** Throws `ERR_QUOTA_SPENT` where an account has used its fuel of the day. */
  mayWork(account: string): void;
  storedBytes(account: string): number;
  /** Since midnight, UTC. */
  fuelToday(account: string): number;
  addFuel(account: string, fuel: number): void;
  close(): Promise<void>;
}

/** `now` gives ms since 1970. */
export function createUsage(store: Store, accounts: Accounts, now: () => number): Usage {
  const stored = new Map<string, number>();
  for (const { key, value } of store.range(['owned', ''], ['owned', '~'])) add(stored, String(key[1]), Number(value));
  const fuel = createFuel(store, now);
  const reserved = new Map<Digest, { readonly account: string; readonly bytes: number }>();
  const giveBack = (digest: Digest) => {
    const { account = '', bytes = 0 } = reserved.get(digest) ?? {};
    if (reserved.delete(digest)) add(stored, account, -bytes);
  };
  const mayStore = (account: string, bytes: number) => {
    const { storedBytes } = accounts.quotas(account);
    if ((stored.get(account) ?? 0) + bytes <= storedBytes) return;
    throw new LodgerError('ERR_QUOTA_SPENT', ['storedBytes', formatSize(storedBytes), 'ask the operator for more']);
  };
  return {
    owns: (account, digest) => store.get(['owned', account, digest]) !== undefined,
    own: async (account, digest, bytes) => {
      if (store.get(['owned', account, digest]) !== undefined) return;
      add(stored, account, bytes);
      await store.put(['owned', account, digest], bytes);
    },
    mayStore,
    reserve: (account, digest, bytes) => {
      const known = reserved.get(digest);
      // Whoever says later that it is shorter has not made it so.
      const most = Math.max(bytes, known?.bytes ?? 0);
      mayStore(account, most - (known?.account === account ? known.bytes : 0));
      giveBack(digest);
      reserved.set(digest, { account, bytes: most });
      add(stored, account, most);
    },
    giveBack,
    mayWork: (account) => {
      const { fuelPerDay } = accounts.quotas(account);
      if (fuel.today(account) < fuelPerDay) return;
      throw new LodgerError('ERR_QUOTA_SPENT', ['fuelPerDay', fuelPerDay, 'it is renewed at midnight UTC']);
    },
    storedBytes: (account) => stored.get(account) ?? 0,
    fuelToday: fuel.today,
    addFuel: fuel.add,
    close: fuel.close,
  };
}

function createFuel(store: Store, now: () => number) {
  const day = () => Math.floor(now() / DAY_MS);
  let today = day();
  const used = new Map<string, number>();
  const unwritten = new Set<string>();
  for (const { key, value } of store.range(['day', ''], ['day', '~']))
    if (key[2] === today) used.set(String(key[1]), Number(value));

  const turn = () => {
    if (day() === today) return;
    for (const account of used.keys()) void store.remove(['day', account, today]).catch(() => undefined);
    today = day();
    used.clear();
    unwritten.clear();
  };
  const write = async () => {
    const names = [...unwritten];
    unwritten.clear();
    await Promise.all(names.map((account) => store.put(['day', account, today], used.get(account) ?? 0)));
  };
  // What cannot be written now is written with the next.
  const timer = setInterval(() => void write().catch(() => undefined), WRITE_MS);
  timer.unref();
  return {
    today: (account: string) => {
      turn();
      return used.get(account) ?? 0;
    },
    add: (account: string, fuel: number) => {
      turn();
      add(used, account, fuel);
      unwritten.add(account);
    },
    close: async () => {
      clearInterval(timer);
      await write();
    },
  };
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}
