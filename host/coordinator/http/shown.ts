// Which blobs strangers may read: those that the site itself has named to them, in leases. A digest that they know from elsewhere opens nothing.
import type { Digest } from '../../../runtime/base/platform.ts';
import type { FromHost, ToHost } from '../../wire/site.ts';
import { DOOR } from '../ceilings.ts';

export interface Shown {
  /** The site says this to somebody of the account. */
  told(account: string, message: ToHost): void;
  /** A host says this: an image is followed by those that come before it. */
  heard(message: FromHost): void;
  has(account: string, digest: Digest): boolean;
}

export function createShown(): Shown {
  /** The latest last. */
  const byAccount = new Map<string, Set<Digest>>();
  const parents = new Map<Digest, Digest>();

  const show = (account: string, digest: Digest) => {
    const digests = byAccount.get(account) ?? new Set();
    byAccount.set(account, digests);
    digests.delete(digest);
    digests.add(digest);
    for (const oldest of digests) {
      if (digests.size <= DOOR.digestsShown.max) break;
      digests.delete(oldest);
    }
  };
  return {
    told: (account, message) => {
      if (message.type !== 'lease') return;
      const { terms, inputs, images = [] } = message;
      if (terms) for (const digest of [terms.kernel, ...Object.values(terms.blobs)]) show(account, digest);
      for (const input of inputs) if (typeof input === 'string') show(account, input);
      for (const image of images)
        for (let at: Digest | null | undefined = image; at; at = parents.get(at)) show(account, at);
    },
    heard: (message) => {
      if (message.type !== 'image' || message.parent === null) return;
      parents.delete(message.image);
      // A chain goes back in time, so that it has no circles: what is named as a parent was an image before.
      if (message.parent !== message.image && !leadsTo(parents, message.parent, message.image))
        parents.set(message.image, message.parent);
      for (const oldest of parents.keys()) {
        if (parents.size <= DOOR.digestsShown.max) break;
        parents.delete(oldest);
      }
    },
    has: (account, digest) => byAccount.get(account)?.has(digest) ?? false,
  };
}

function leadsTo(parents: ReadonlyMap<Digest, Digest>, from: Digest, to: Digest): boolean {
  for (let at: Digest | undefined = from; at !== undefined; at = parents.get(at)) if (at === to) return true;
  return false;
}
