// A site among others: its record and its beat, what others ask of it, and the two sides of work: what it sends out and what it takes.
import type { ConnectionOptions } from '@nats-io/nats-core';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fromHex } from '../../runtime/base/platform.ts';
import { siteAccount } from '../coordinator/belief.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import { now } from '../platform/node.ts';
import { SITE } from '../wire/ceilings.ts';
import { proofBytes } from '../wire/ledger.ts';
import { encodeFrame } from '../wire/site.ts';
import { askSite } from './ask.ts';
import { createAsker } from './asking.ts';
import { createWorker } from './batch.ts';
import { createSiteBlobs } from './blobs.ts';
import { BURST } from './choose.ts';
import type { Self } from './contracts.ts';
import { fresh } from './fresh.ts';
import { heldBy } from './line.ts';
import { type Answer, type Ask, AskSchema } from './messages.ts';
import { openBus } from './nats.ts';
import { attributesOf, OPERATOR, recordOf } from './own.ts';
import { isPermitted } from './permit.ts';
import type { SiteRecord } from './record.ts';
import { createRunner } from './running.ts';
import { checkOwn, type Safety } from './safe.ts';
import { isFrom, parse, seal, unseal } from './seal.ts';
import { shownOf } from './shown.ts';
import { told } from './telling.ts';

export interface FederationOptions {
  readonly coordinator: Coordinator;
  /** The name of the site among the others: lower-case letters, digits and "-". */
  readonly name: string;
  /** Servers, as `nats://host:4222`. */
  readonly servers: readonly string[];
  /** How the site shows a server who it is, and TLS. */
  readonly connection?: ConnectionOptions;
  /** The JetStream domain of the server that has the streams; needed where the site speaks to a leaf server. */
  readonly domain?: string;
  /** Where other sites reach this one over HTTP; by default where it listens. */
  readonly url?: string;
  /** In units for 10^9 fuel; 0 by default. */
  readonly price?: number;
  /** Ms after which it gives back what it has not done; an hour by default. */
  readonly deadlineMs?: number;
  /** Seconds of work that it keeps for its own hosts before it sends any out. */
  readonly keepSeconds?: number;
  /** A site may be silent for so long before its batches go to others. */
  readonly leaseMs?: number;
  /** What of the certificates and addresses of other sites is believed; plain HTTP to other machines is not, by default. */
  readonly safety?: Safety;
  readonly log?: Self['log'];
}

/** What is known of another site. */
export interface SiteSeen {
  readonly record: SiteRecord;
  /** Ms since its last record. */
  readonly ageMs: number;
  /** Whether it has shown its key, and may be given work. */
  readonly open: boolean;
  /** Batches and tasks of this site that it has. */
  readonly batches: number;
  readonly tasks: number;
}

export interface Federation {
  status(): FederationStatus;
  /** Leaves the others. What it had of them goes on when it is back, or goes to others. */
  close(): Promise<void>;
}

export interface FederationStatus {
  readonly name: string;
  readonly connected: boolean;
  /** What is wrong with the server; empty for nothing that is known. */
  readonly trouble: string;
  readonly own: SiteRecord;
  /** Batches of others that are under way here. */
  readonly batches: number;
  readonly sites: readonly SiteSeen[];
}

const HOUR_MS = 3_600_000;
const BEATS_A_LEASE = 3;
const PLAN_MS = 250;
const EXPIRE_MS = 50;
/** For so long what the site is counts as known. */
const FRESH_MS = 1_000;
/** Messages of others that are answered at once. */
const ASKS_MAX = 256;

/**
 * Joins the other sites, in the background: the site goes on by itself while the server is away. Throws `ERR_OPTION_INVALID` for a `url` that others
 * would not speak to.
 */
export function openFederation(options: FederationOptions): Federation {
  const { coordinator, name, log = () => undefined } = options;
  const { site, key } = coordinator;
  const leaseMs = options.leaseMs ?? SITE.leaseMs.default;
  const self: Self = { name, key, leaseMs, beatMs: leaseMs / BEATS_A_LEASE, log };
  const {
    price = 0,
    deadlineMs = HOUR_MS,
    url = coordinator.url,
    keepSeconds = BURST.keepSeconds,
    safety = {},
  } = options;
  checkOwn(url, safety);
  const own = fresh(() => recordOf(site, { name, key: key.public, url, price, deadlineMs }), FRESH_MS);
  const { servers, connection = {}, domain } = options;
  const bus = openBus({
    ...{ site: name, servers, connection, leaseMs, ...(domain !== undefined && { domain }) },
    log: (trouble) => log('warn', `no work with other sites yet: ${trouble}`),
  });
  const asker = createAsker({ self, bus, coordinator, burst: { keepSeconds }, now, own });
  const ask = (to: string, body: Ask) => askSite({ self, bus, to, key: asker.keyOf(to) }, body);
  const worker = createWorker({ self, ask, site, blobs: createSiteBlobs(coordinator.blobs, safety, log), deadlineMs });
  const runner = createRunner({ self, bus, hasRoom: () => own().hosts > 0, ...worker });

  const beat = () => {
    if (!bus.isConnected) return;
    const holds = runner.batches.map((batch) => batch.slice(name.length + 1));
    void bus.tell(seal(key, { from: name, to: '*', body: { record: own(), holds } })).catch(() => undefined);
    runner.beat();
  };
  bus.onRecord((from, message) => {
    const telling = attempt(() => told(from, message));
    if (!telling || from === name) return;
    const mine = telling.holds.filter((batch) => batch.startsWith(`${name}.`));
    const fences = mine.map((batch) => batch.slice(name.length + 1));
    const isNew = asker.keyOf(from) === undefined;
    attempt(() => asker.heard(telling.record, fences));
    if (isNew) attempt(beat);
  });
  let asks = 0;
  bus.onAsk(async (message) => {
    if (asks >= ASKS_MAX) return undefined;
    asks++;
    try {
      return await answer(message);
    } finally {
      asks--;
    }
  });
  const answer = async (message: Uint8Array): Promise<Uint8Array | undefined> => {
    const sealed = unseal(message);
    if (sealed.to !== name || sealed.from === name) return undefined;
    const from = asker.keyOf(sealed.from);
    // Its record is on its way.
    if (from === undefined)
      return seal(key, { from: name, to: sealed.from, body: { state: 'later' } satisfies Answer });
    if (!isFrom(sealed, from)) return undefined;
    const ask = parse(AskSchema, sealed.body);
    const given = await answerTo(sealed.from, ask);
    return seal(key, { from: name, to: sealed.from, body: given });
  };
  const answerTo = (from: string, ask: Ask): Answer | Promise<Answer> => {
    if (ask.kind === 'hello') return greeting(ask);
    return ask.kind === 'blob' ? lend(from, ask) : asker.answer(from, ask);
  };
  /** A blob of a third site's job here, to another site that it was given to as well: the third one has signed that. */
  const lend = (reader: string, { owner, digest, permit }: Extract<Ask, { kind: 'blob' }>): Answer => {
    const ownerKey = asker.keyOf(owner);
    const isGiven = ownerKey !== undefined && isPermitted({ owner, reader, digest }, permit, ownerKey);
    if (!isGiven || url === null || !coordinator.hasFor(siteAccount(owner), digest)) return { state: 'gone' };
    return { state: 'blob', url, token: coordinator.guest(siteAccount(reader), [digest]) };
  };
  const greeting = ({ nonce }: Extract<Ask, { kind: 'hello' }>): Answer => {
    const proof = key.sign(proofBytes(nonce));
    const hello = { type: 'hello', version: 1, key: fromHex(key.public), proof: Uint8Array.from(proof) } as const;
    return { state: 'hello', frame: Uint8Array.from(encodeFrame({ ...hello, attributes: attributesOf(site, own()) })) };
  };

  const plan = () => attempt(asker.plan);
  const tell = () => attempt(beat);
  const unwatch = site.watch(OPERATOR, (event) => event === 'job' && plan());
  const expire = () => attempt(asker.expire);
  const timers = [setInterval(tell, self.beatMs), setInterval(plan, PLAN_MS), setInterval(expire, EXPIRE_MS)];
  void bus.ready.then(tell);
  const status = (): FederationStatus => ({
    ...{ name, connected: bus.isConnected, trouble: bus.trouble, own: own(), batches: runner.batches.length },
    sites: asker.sites.map((line) => ({
      ...{ record: line.record, ageMs: now() - line.seen, open: line.isOpen },
      ...{ batches: line.out.size, tasks: heldBy(line) },
    })),
  });
  const askers = () => runner.batches.map((batch) => batch.slice(name.length + 1).split('.', 1)[0] ?? '');
  coordinator.showSites(() => shownOf(status(), askers()));
  return {
    status,
    close: async () => {
      coordinator.showSites(undefined);
      for (const timer of timers) clearInterval(timer);
      unwatch();
      await runner.close();
      asker.close();
      await bus.close();
    },
  };
}

/** What strangers send may be anything: it is passed over. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof RangeError || error instanceof LodgerError) return undefined;
    throw error;
  }
}
