// The server between sites, by NATS JetStream: offers in streams that hand them out and take acknowledgements, records and leases in buckets.
// What servers have since 2.9 is enough; see versions.ts for what is used of later ones.
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core';
import { connect, nanos } from '@nats-io/transport-node';
import { LodgerError } from '../../runtime/base/errors.ts';
import { doubtOf } from '../platform/trust.ts';
import type { Bus, Handed, Ledger } from './contracts.ts';
import { OFFER_BYTES_MAX } from './messages.ts';
import { inboxOf, NAMES, offerId } from './names.ts';
import { newerIn } from './versions.ts';

const AGAIN_MS = 500;
const CONNECT_MS = 5_000;
const DAY_MS = 86_400_000;
/** An offer that nobody has taken for so long is of no use to anybody. */
const OFFER_MS = 7 * DAY_MS;
const PULL_MS = 5_000;
const RECORD_BYTES_MAX = 64 * 1_024;
/** Entries are empty: this is for the headers of the message. */
const LEASE_BYTES_MAX = 1_024;
/** Batches that a site may have and not acknowledge. */
const HANDED_MAX = 64;
/** One delivery more than a site counts: it is to say itself that a batch is dead. */
const DELIVERIES_MAX = 8;

export interface BusOptions {
  readonly site: string;
  readonly servers: readonly string[];
  /** How this site shows the server who it is, and TLS. */
  readonly connection: ConnectionOptions;
  /** The JetStream domain of the streams; needed behind a leaf server. */
  readonly domain?: string;
  readonly leaseMs: number;
  /** Told what is wrong, each time that it is something else. */
  readonly log: (trouble: string) => void;
}

interface Held {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly leases: KV;
  readonly sites: KV;
}

/** Connects in the background, and again whenever the connection is lost. */
export function openBus(options: BusOptions): Bus {
  const { site } = options;
  let connection: NatsConnection | undefined;
  let held: Held | undefined;
  let closed = false;
  let connected = false;
  let trouble = 'there was no connection yet';
  const now = (): Held => {
    if (!held || closed) throw new Error(trouble || 'the connection is closed');
    return held;
  };
  const begin = async (): Promise<NatsConnection> => {
    const begun = await connect({
      ...{ servers: [...options.servers], name: `lodger ${site}`, inboxPrefix: inboxOf(site) },
      ...{ timeout: CONNECT_MS, maxReconnectAttempts: -1, reconnectTimeWait: AGAIN_MS, pingInterval: 10_000 },
      ...options.connection,
    });
    connected = true;
    void follow(begun, (is) => {
      connected = is;
    });
    return begun;
  };
  /** Again and again: a server may come later, and what is wrong with it, or with this site's user there, may be mended. */
  const prepared = async () => {
    while (!closed) {
      try {
        if (!connection || connection.isClosed()) connection = await begin();
        held = await prepare(connection, options);
        trouble = '';
        return;
      } catch (error) {
        const why = textOf(error, options.servers);
        if (why !== trouble) options.log(why);
        trouble = why;
        await pause(AGAIN_MS);
      }
    }
  };
  const ready = prepared();

  /** Does something that lasts, again after every end. */
  const keep = async (act: (here: Held) => Promise<void>) => {
    await ready;
    while (!closed && held) {
      await act(held).catch(() => undefined);
      await pause(AGAIN_MS);
    }
  };
  return {
    get isConnected() {
      return held !== undefined && connected && !closed;
    },
    get trouble() {
      return trouble;
    },
    ready,
    offer: async (to, offer) => {
      const msgID = offerId(offer.asker, offer.fence);
      await now().stream.publish(NAMES.offers(to).subject, JSON.stringify(offer), { msgID });
    },
    next: async () => {
      const consumer = await now().stream.consumers.get(NAMES.offers(site).stream, site);
      const message = await consumer.next({ expires: PULL_MS });
      return message && handedOf(message);
    },
    leases: ledgerOf(now),
    onEnded: (beginning, hear) => {
      void keep(async ({ leases }) => {
        for await (const { key, operation } of await leases.watch({ key: `${beginning}.>` }))
          if (operation !== 'PUT') hear(key);
      });
    },
    tell: async (record) => {
      await now().sites.put(site, record);
    },
    onRecord: (hear) => {
      void keep(async ({ sites }) => {
        for await (const { key, value, operation } of await sites.watch()) if (operation === 'PUT') hear(key, value);
      });
    },
    ask: async (to, message, timeout) => (await now().connection.request(NAMES.asks(to), message, { timeout })).data,
    onAsk: (answer) => {
      void keep(async (here) => {
        for await (const message of here.connection.subscribe(NAMES.asks(site)))
          void answer(message.data).then(
            (given) => given && message.respond(given),
            () => undefined,
          );
      });
    },
    close: async () => {
      closed = true;
      await ready;
      await connection?.close().catch(() => undefined);
    },
  };
}

function textOf(error: unknown, servers: readonly string[]): string {
  const doubt = doubtOf(error);
  if (doubt !== undefined) return new LodgerError('ERR_CONNECTION_UNSAFE', [servers.join(', '), doubt]).message;
  return error instanceof Error ? error.message : String(error);
}

async function follow(connection: NatsConnection, hear: (isConnected: boolean) => void): Promise<void> {
  for await (const { type } of connection.status())
    if (type === 'disconnect' || type === 'reconnect') hear(type === 'reconnect');
  hear(false);
}

/** Makes what is not there yet: each of it is the same for all sites but the consumer, which is this one's own. */
async function prepare(connection: NatsConnection, { site, leaseMs, domain }: BusOptions): Promise<Held> {
  const place = domain === undefined ? {} : { domain };
  const manager = await jetstreamManager(connection, place);
  const stream = jetstream(connection, place);
  const { version = '' } = connection.info ?? {};
  const about = (words: Readonly<Record<string, string>>) =>
    newerIn(version).includes('metadata') ? { metadata: words } : {};
  for (let shard = 0; shard < NAMES.shards; shard++)
    await manager.streams.info(NAMES.stream(shard).name).catch(() =>
      manager.streams.add({
        ...NAMES.stream(shard),
        ...{ retention: RetentionPolicy.Workqueue, storage: StorageType.File, discard: DiscardPolicy.New },
        ...{ max_msg_size: OFFER_BYTES_MAX, max_age: nanos(OFFER_MS), ...about({ program: 'lodger' }) },
      }),
    );
  const { stream: name, subject } = NAMES.offers(site);
  const terms = {
    ...{ filter_subject: subject, ack_wait: nanos(leaseMs), max_deliver: DELIVERIES_MAX, max_ack_pending: HANDED_MAX },
    ...about({ program: 'lodger', site }),
  };
  const consumer = { durable_name: site, ack_policy: AckPolicy.Explicit, ...terms };
  // Since 2.10 a server makes none anew that is there with other terms, as after a change of these or of the server's version.
  await manager.consumers.add(name, consumer).catch(() => manager.consumers.update(name, site, terms));
  const kvm = new Kvm(stream);
  const leases = await kvm.create(NAMES.leases, {
    history: 1,
    ttl: DAY_MS,
    maxValueSize: LEASE_BYTES_MAX,
    allow_direct: false,
  });
  const sites = await kvm.create(NAMES.sites, { history: 1, ttl: DAY_MS, maxValueSize: RECORD_BYTES_MAX });
  return { connection, manager, stream, leases, sites };
}

type Message = NonNullable<Awaited<ReturnType<Awaited<ReturnType<JetStreamClient['consumers']['get']>>['next']>>>;

function handedOf(message: Message): Handed {
  return {
    bytes: message.data,
    deliveries: message.info.deliveryCount,
    working: () => message.working(),
    settle: async () => {
      await message.ackAck();
    },
  };
}

function ledgerOf(now: () => Held): Ledger {
  const orNull = (error: unknown) => {
    if (isStale(error)) return null;
    throw error;
  };
  return {
    create: async (key) => now().leases.create(key, ''),
    find: async (key) => {
      const entry = await now().leases.get(key);
      return entry?.operation === 'PUT' ? entry.revision : null;
    },
    move: async (key, revision) => now().leases.update(key, '', revision).catch(orNull),
    end: async (key, previousSeq) => {
      const ended = now().leases.delete(key, previousSeq === undefined ? {} : { previousSeq });
      return (await ended.then(() => true).catch(orNull)) ?? false;
    },
    forget: async (key) => {
      await now().manager.streams.purge(`KV_${NAMES.leases}`, { filter: `$KV.${NAMES.leases}.${key}` });
    },
  };
}

/** The server's word for a revision that is not the last one. Source: JSStreamWrongLastSequenceErrF of nats-server. */
const WRONG_LAST_SEQUENCE = 10_071;

function isStale(error: unknown): boolean {
  const { code, cause } = Object(error) as { code?: unknown; cause?: unknown };
  return code === WRONG_LAST_SEQUENCE || (cause !== undefined && isStale(cause));
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
