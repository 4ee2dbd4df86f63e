// Which kept jobs name which blobs, and from which image another one was made: written in one transaction with whatever names them, so
// that a blob may be deleted when nobody is in here for it, whatever was killed when.
import type { Digest } from '../../runtime/base/platform.ts';
import type { Key, Store } from './contracts.ts';
import { KEY } from './events.ts';

/** Images are needed until their job ends, all else for as long as it is kept. */
type Kind = 'data' | 'image';

type Holder = { readonly id: string; readonly account: string };

export interface Refs {
  /** A job names blobs. What it gives resolves when that is safe on disk; it counts at once. */
  add(job: Holder, digests: Iterable<Digest>): Promise<void>[];
  addImage(job: Holder, image: Digest, parent: Digest | null): Promise<void>[];
  /** The image that one of a job was made from. */
  parentOf(job: string, image: Digest): Digest | null;
  /** Nothing of a job is needed any more, or no images. */
  remove(job: Holder, kind?: Kind): Promise<void>[];
  /** Whether a kept job names it: one of an account, where that is given. */
  has(digest: Digest, account?: string): boolean;
  /** False for a store with jobs of a version that did not note what they name: every job names its kernel. */
  areWhole(): boolean;
}

const ofJob = (job: string, ...more: string[]): Key => ['r', job, ...more];
const ofBlob = (digest: Digest, ...more: string[]): Key => ['ref', digest, ...more];
const END = '\uffff';

export function createRefs(store: Store): Refs {
  /** What is on its way to the disk, where it cannot be read yet. */
  const coming = new Map<Digest, number>();
  const put = (job: Holder, digest: Digest, kind: Kind, parent: Digest | null): Promise<void>[] => {
    coming.set(digest, (coming.get(digest) ?? 0) + 1);
    const puts = [
      store.put(ofJob(job.id, kind, digest), parent),
      store.put(ofBlob(digest, job.account, job.id, kind), true),
    ];
    const settled = () => {
      const left = (coming.get(digest) ?? 1) - 1;
      if (left > 0) coming.set(digest, left);
      else coming.delete(digest);
    };
    Promise.all(puts).then(settled, settled);
    return puts;
  };
  const isThere = (prefix: Key) => {
    for (const _ of store.keys(prefix, [...prefix, END])) return true;
    return false;
  };
  return {
    areWhole: () => {
      for (const [, job] of store.keys(...KEY.jobs)) if (!isThere(ofJob(String(job)))) return false;
      return true;
    },
    add: (job, digests) => [...new Set(digests)].flatMap((digest) => put(job, digest, 'data', null)),
    addImage: (job, image, parent) => put(job, image, 'image', parent),
    parentOf: (job, image) => (store.get(ofJob(job, 'image', image)) as Digest | null | undefined) ?? null,
    remove: ({ id, account }, kind) => {
      const prefix = kind === undefined ? ofJob(id) : ofJob(id, kind);
      return [...store.keys(prefix, [...prefix, END])].flatMap((key) => {
        const [, , kindOf, digest] = key as [string, string, Kind, Digest];
        return [store.remove(key), store.remove(ofBlob(digest, account, id, kindOf))];
      });
    },
    has: (digest, account) => {
      if (account === undefined && coming.has(digest)) return true;
      return isThere(account === undefined ? ofBlob(digest) : ofBlob(digest, account));
    },
  };
}
