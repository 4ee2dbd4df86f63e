// Who may read which blobs: everybody what their account has brought, and what its jobs have; hosts also what the site itself has named to
// them, in leases. A digest that they know from elsewhere opens nothing.
import type { Digest } from '../../../runtime/base/platform.ts';
import type { Lease, ToHost } from '../../wire/site.ts';
import { DOOR } from '../ceilings.ts';
import type { Caller, Store } from '../contracts.ts';
import type { Refs } from '../refs.ts';
import type { Usage } from '../usage.ts';

export interface Shown {
  /** The site says this to a host of the caller's. */
  told(caller: Caller, message: ToHost): void;
  /** The site names these to hosts of an account. */
  show(account: string, digests: readonly Digest[]): void;
  mayRead(caller: Caller, digest: Digest): boolean;
}

/** Images that one is made of, one behind the other: more of them are no chain of an honest host. */
const CHAIN_MAX = 10_000;

export interface ShownParts {
  readonly usage: Pick<Usage, 'owns'>;
  readonly refs: Pick<Refs, 'parentOf'>;
  readonly store: Pick<Store, 'range' | 'put' | 'remove'>;
  /** Ms since 1970. */
  readonly now: () => number;
}

/** What was shown is kept: a host goes on with its leases when the site has been away, and fetches what it has not needed before. */
export function createShown({ usage, refs, store, now }: ShownParts): Shown {
  const byAccount = openKept(store);
  const write = (put: Promise<void>) => {
    // What cannot be written is forgotten with this process; the site itself says so.
    put.catch(() => undefined);
  };

  const show = (account: string, digest: Digest) => {
    const digests = byAccount.get(account) ?? new Set();
    byAccount.set(account, digests);
    const isNew = !digests.delete(digest);
    digests.add(digest);
    if (isNew) write(store.put(['shown', account, digest], now()));
    for (const oldest of digests) {
      if (digests.size <= DOOR.digestsShown.max) break;
      digests.delete(oldest);
      write(store.remove(['shown', account, oldest]));
    }
  };
  const showChain = (account: string, job: string, image: Digest) => {
    let at: Digest | null = image;
    for (let links = 0; at !== null && links < CHAIN_MAX; links++) {
      show(account, at);
      at = refs.parentOf(job, at);
    }
  };
  const showLease = (account: string, { job, terms, inputs, images = [], audits = [] }: Lease) => {
    if (terms) for (const digest of [terms.kernel, ...Object.values(terms.blobs)]) show(account, digest);
    for (const input of inputs) if (typeof input === 'string') show(account, input);
    for (const image of images) if (image !== null) showChain(account, job, image);
    for (const audit of audits) if (audit?.from) showChain(account, job, audit.from.image);
  };
  return {
    show: (account, digests) => {
      for (const digest of digests) show(account, digest);
    },
    told: ({ account, role }, message) => {
      if (message.type === 'lease' && role !== 'operator') showLease(account, message);
    },
    mayRead: ({ account, role }, digest) =>
      role === 'operator' ||
      usage.owns(account, digest) ||
      (role === 'host' && byAccount.get(account)?.has(digest) === true),
  };
}

/** By account, the latest last. */
function openKept(store: ShownParts['store']): Map<string, Set<Digest>> {
  const byAccount = new Map<string, Set<Digest>>();
  const kept = [...store.range(['shown', ''], ['shown', '~'])].sort((a, b) => Number(a.value) - Number(b.value));
  for (const { key } of kept) {
    const [, account, digest] = key as [string, string, Digest];
    byAccount.set(account, (byAccount.get(account) ?? new Set()).add(digest));
  }
  return byAccount;
}
