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

/** Subjects that a user of a server may use, as its configuration has them. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * What a site needs to be allowed, and no more: it offers to everybody, and takes what is offered to it alone; it writes its own record, and leases in
 * which it has a part. Answers to what it was asked are allowed by `allow_responses`; servers do not keep to that for leaf servers, so the user of one
 * may publish to all inboxes: their names are guessed by nobody, and what comes there is believed for its signature alone.
 */
export function permissionsOf(site: string, way: 'direct' | 'leaf' = 'direct'): Permissions {
  const { stream, subject } = NAMES.offers(site);
  const buckets = [`KV_${NAMES.sites}`, `KV_${NAMES.leases}`];
  const streams = Array.from({ length: SHARDS }, (_, shard) => NAMES.stream(shard).name);
  const own = `${stream}.${site}`;
  const asked = [
    ...['INFO', `STREAM.PURGE.KV_${NAMES.leases}`],
    ...[...streams, ...buckets].flatMap((name) => [`STREAM.INFO.${name}`, `STREAM.CREATE.${name}`]),
    ...[`CONSUMER.CREATE.${own}.${subject}`, `CONSUMER.INFO.${own}`, `CONSUMER.MSG.NEXT.${own}`],
    ...buckets.flatMap((name) => [
      ...[`CONSUMER.CREATE.${name}.>`, `CONSUMER.INFO.${name}.*`, `CONSUMER.MSG.NEXT.${name}.*`],
      ...[`CONSUMER.DELETE.${name}.*`, `STREAM.MSG.GET.${name}`, `DIRECT.GET.${name}.>`],
    ]),
  ];
  const entries = [`$KV.${NAMES.sites}.${site}`, `$KV.${NAMES.leases}.${site}.>`, `$KV.${NAMES.leases}.*.${site}.>`];
  const acknowledged = [own, ...buckets].map((name) => `$JS.ACK.${name}.>`);
  return {
    publish: [
      ...(way === 'leaf' ? [`${INBOXES}.>`] : []),
      ...['lodger.tasks.*.*', NAMES.asks('*'), '$JS.FC.>', ...acknowledged, ...entries],
      ...asked.map((name) => `$JS.API.${name}`),
      // The same from behind a leaf server, where the domain of the streams is named.
      ...[...asked, ...entries].map((name) => `$JS.*.API.${name}`),
    ],
    subscribe: [NAMES.asks(site), `${inboxOf(site)}.>`],
  };
}

const INBOXES = '_INBOX';

/** Where answers to a site come: of its own, so that nobody reads another's. */
export const inboxOf = (site: string): string => `${INBOXES}.${site}`;

/** Batches of a site that runs them have one beginning, so that it can watch its own. */
export const leaseKey = (runner: string, asker: string, [start, number]: Fence): string =>
  `${runner}.${asker}.${start}.${number}`;

/** The same batch, for one site that asks. */
export const offerId = (asker: string, [start, number]: Fence): string => `${asker}.${start}.${number}`;
