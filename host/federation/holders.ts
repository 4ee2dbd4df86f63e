// Which sites were given which large blobs by this one: each is named to those that are given the same later.

import type { BlobFolder } from '../coordinator/blobs.ts';
import type { SiteKey } from '../coordinator/contracts.ts';
import { HOLDERS_MAX, type Holder } from './messages.ts';
import { permitBytes } from './permit.ts';

/** Smaller ones come from this site sooner than another one is asked. */
const LARGE_BYTES = 2 ** 20;
/** Blobs that are remembered, the latest. */
const BLOBS_MAX = 10_000;

export interface Holders {
  /** Other sites that were given some of these, with what they give them to the reader for; it is one of them from now on. */
  name(reader: string, digests: readonly string[]): Promise<Holder[]>;
}

export function createHolders(
  self: { readonly name: string; readonly key: SiteKey },
  blobs: Pick<BlobFolder, 'size'>,
): Holders {
  const given = new Map<string, Set<string>>();
  const holdersOf = (digest: string) => {
    const known = given.get(digest) ?? new Set();
    given.delete(digest);
    given.set(digest, known);
    if (given.size > BLOBS_MAX) for (const oldest of given.keys()) if (given.delete(oldest)) break;
    return known;
  };
  return {
    name: async (reader, digests) => {
      const named: Holder[] = [];
      for (const digest of digests) {
        if (((await blobs.size(digest)) ?? 0) < LARGE_BYTES) continue;
        const holders = holdersOf(digest);
        // Whoever was given it last is asked by fewest.
        for (const site of [...holders].reverse())
          if (site !== reader && named.length < HOLDERS_MAX) {
            const permit = Uint8Array.from(self.key.sign(permitBytes({ owner: self.name, reader, digest })));
            named.push({ site, digest, permit });
          }
        holders.add(reader);
      }
      return named;
    },
  };
}
