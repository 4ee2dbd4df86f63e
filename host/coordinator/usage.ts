// What accounts use, held against their quotas: bytes of blobs, fuel of the day. Also whose a blob is, and for how long. Tasks that wait
// are the site's to count.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { Accounts } from './accounts.ts';
import { STALE_MS } from './blobs.ts';
import type { Store } from './contracts.ts';
import type { Refs } from './refs.ts';

const DAY_MS = 86_400_000;
/** The least that a blob counts for: a block of a disk. */
export const BLOCK_BYTES = 4_096;
/** An account that asks for a blob again is noted this often, and not at every question. */
const NOTED_MS = 3_600_000;
/** Blobs that are looked at in one turn. */
const TURN = 256;
/** Fuel that was used since the last write is lost to the account when the site is killed. */
const WRITE_MS = 5_000;

export interface Usage {
  /** Whether an account has brought a blob, or one of its jobs names it or has it as an output. */
  owns(account: string, digest: Digest): boolean;
  /** Notes that it has it and wants it, and how many bytes that costs it. */
  own(account: string, digest: Digest, bytes: number): Promise<void>;
  /** Gives back what nobody asked for within a day, and no job of the account names. */
  lapse(): Promise<void>;
  /**
   * Counts a blob that comes, perhaps in pieces, or throws `ERR_QUOTA_SPENT` where its account would store more than it may: what has come counts as all of it until it
   * is owned, or given back.
   */
  reserve(account: string, part: Part, bytes: number): void;
  giveBack(part: Part): void;
  /** Throws `ERR_QUOTA_SPENT` where an account has used its fuel of the day. */
  mayWork(account: string): void;
  storedBytes(account: string): number;
  /** Since midnight, UTC. */
  fuelToday(account: string): number;
  /** Less than nothing is given back, but for what was used before midnight. */
  addFuel(account: string, fuel: number): void;
  close(): Promise<void>;
}

/** What a sender has not brought whole. */
interface Part {
  readonly digest: Digest;
  readonly by: string;
}

export interface UsageParts {
  readonly store: Store;
  readonly accounts: Pick<Accounts, 'quotas'>;
  readonly refs: Pick<Refs, 'has'>;
  /** Ms since 1970. */
  readonly now: () => number;
}

/** What an account has: the bytes that it counts for, and when it was brought or asked for last. */
type Owned = readonly [bytes: number, at: number];

export function createUsage({ store, accounts, refs, now }: UsageParts): Usage {
  const stored = new Map<string, number>();
  const all = () => store.range(['own', ''], ['own', '~']);
  for (const { key, value } of all()) add(stored, String(key[1]), (value as Owned)[0]);
  /** What is on its way to the disk; null for what is being taken out. */
  const coming = new Map<string, Owned | null>();
  const fuel = createFuel(store, now);
  const reserved = new Map<string, { readonly account: string; readonly bytes: number }>();
  const partOf = ({ digest, by }: Part) => `${digest}.${by}`;
  const giveBack = (part: Part) => {
    const { account = '', bytes = 0 } = reserved.get(partOf(part)) ?? {};
    if (reserved.delete(partOf(part))) add(stored, account, -bytes);
  };
  const ownedOf = (account: string, digest: Digest) => {
    const here = coming.get(`${digest}.${account}`);
    return here === undefined ? (store.get(['own', account, digest]) as Owned | undefined) : here;
  };
  const write = async (account: string, digest: Digest, owned: Owned | null) => {
    const [name, key] = [`${digest}.${account}`, ['own', account, digest]];
    coming.set(name, owned);
    try {
      await (owned ? store.put(key, owned) : store.remove(key));
    } finally {
      if (coming.get(name) === owned) coming.delete(name);
    }
  };
  const mayStore = (account: string, bytes: number) => {
    const { storedBytes } = accounts.quotas(account);
    if ((stored.get(account) ?? 0) + bytes <= storedBytes) return;
    throw new LodgerError('ERR_QUOTA_SPENT', ['storedBytes', formatSize(storedBytes), 'ask the operator for more']);
  };
  return {
    owns: (account, digest) => Boolean(ownedOf(account, digest)) || refs.has(digest, account),
    own: async (account, digest, bytes) => {
      const known = ownedOf(account, digest);
      if (known && now() - known[1] < NOTED_MS) return;
      const counted = known?.[0] ?? Math.max(bytes, BLOCK_BYTES);
      if (!known) add(stored, account, counted);
      await write(account, digest, [counted, now()]);
    },
    lapse: async () => {
      let looked = 0;
      for (const { key } of all()) {
        const [, account, digest] = key as [string, string, Digest];
        if (++looked % TURN === 0) await new Promise(setImmediate);
        const owned = ownedOf(account, digest);
        if (!owned || now() - owned[1] < STALE_MS || refs.has(digest, account)) continue;
        add(stored, account, -owned[0]);
        await write(account, digest, null);
      }
    },
    reserve: (account, part, bytes) => {
      const known = reserved.get(partOf(part));
      // Whoever says later that it is shorter has not made it so.
      const most = Math.max(bytes, known?.bytes ?? 0, BLOCK_BYTES);
      mayStore(account, most - (known?.bytes ?? 0));
      giveBack(part);
      reserved.set(partOf(part), { account, bytes: most });
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
      add(used, account, Math.max(fuel, -(used.get(account) ?? 0)));
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
