// Names that sites use at a NATS server: subjects, streams, buckets. Whoever writes permissions of an account needs these.
import type { Fence } from '../wire/site.ts';

/** Streams that offers are spread over, since one is one writer: a site's offers are in one of them. */
const SHARDS = 4;

/** The shard of the site that is to run something. */
function shardOf(site: string): number {
  let sum = 0;
  for (const character of site) sum = (31 * sum + character.charCodeAt(0)) % 65_521;
  return sum % SHARDS;
}

export const NAMES = {
  /** Records of sites, by name. */
  sites: 'lodger-sites',
  /** Who has which batch, by `leaseKey`; the revision of an entry is its fencing number. */
  leases: 'lodger-leases',
  /** Batches that are offered to a site, and the stream that they are in. */
  offers: (site: string) => ({
    stream: `lodger-tasks-${shardOf(site)}`,
    subject: `lodger.tasks.${shardOf(site)}.${site}`,
  }),
  stream: (shard: number) => ({ name: `lodger-tasks-${shard}`, subjects: [`lodger.tasks.${shard}.*`] }),
  shards: SHARDS,
  /** What other sites ask of a site. */
  asks: (site: string) => `lodger.site.${site}`,
} as const;

/** Batches of a site that runs them have one beginning, so that it can watch its own. */
export const leaseKey = (runner: string, asker: string, [start, number]: Fence): string =>
  `${runner}.${asker}.${start}.${number}`;

/** The same batch, for one site that asks. */
export const offerId = (asker: string, [start, number]: Fence): string => `${asker}.${start}.${number}`;
