// Looks at a server between sites from outside: what is there, who speaks, what waits, and what is wrong with it, in words.
import { type JetStreamManager, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatDuration } from '../../runtime/base/units.ts';
import { createHttp, unreachable } from '../client/http.ts';
import { SITE } from '../wire/ceilings.ts';
import { inboxOf, NAMES } from './names.ts';
import type { SiteRecord } from './record.ts';
import { checkSafe, isNear, type Safety } from './safe.ts';
import { told } from './telling.ts';
import { isAtLeast, NEEDED, type Newer, newerIn } from './versions.ts';

export interface LookOptions {
  readonly servers: readonly string[];
  readonly connection: ConnectionOptions;
  /** What of the sites' addresses and certificates is believed. */
  readonly safety?: Safety;
  readonly domain?: string;
  /** The site whose credentials these are, where they are bound to one: answers come to its own inbox. */
  readonly site?: string;
}

export interface SiteLooked {
  readonly name: string;
  readonly record: SiteRecord;
  /** Ms since its record came to the server, as far as its clock and this machine's agree. */
  readonly ageMs: number;
  /** Batches that are offered to it and not settled. */
  readonly offers: number;
}

export interface FederationLooked {
  readonly server: {
    readonly name: string;
    readonly version: string;
    readonly encrypted: boolean;
    /** What it has beyond version 2.9 and Lodger uses. */
    readonly newer: readonly Newer[];
  };
  readonly sites: readonly SiteLooked[];
  /** What is wrong, and what to do about it; empty where all is well. */
  readonly problems: readonly string[];
}

const ANSWER_MS = 5_000;

/**
 * Throws `ERR_SITE_UNREACHABLE` where no server answers or the credentials are not taken, and `ERR_CONNECTION_UNSAFE` where its certificate is not
 * believed.
 */
export async function lookAt(options: LookOptions): Promise<FederationLooked> {
  const { servers, site, domain } = options;
  const place = domain === undefined ? {} : { domain };
  let connection: NatsConnection | undefined;
  try {
    connection = await connect({
      ...{ servers: [...servers], name: 'lodger federation status', timeout: ANSWER_MS, reconnect: false },
      ...(site !== undefined && { inboxPrefix: inboxOf(site) }),
      ...options.connection,
    });
    const problems = serverProblems(connection);
    const found = await sitesAt(connection, place, problems);
    const wrong = (seen: SiteLooked) =>
      addressProblem(seen, { ...options.safety, isHere: isNear(connection?.getServer() ?? '') });
    const spoken = found.sites.filter(({ ageMs }) => ageMs <= SITE.siteSilentMs.default);
    problems.push(...(await Promise.all(spoken.map(wrong))).flat());
    const { server_name: name = '', version = '' } = connection.info ?? {};
    const server = { name, version, encrypted: isEncrypted(connection), newer: newerIn(version) };
    return { server, ...found, problems };
  } catch (error) {
    throw unreachable(servers.join(', '), error);
  } finally {
    await connection?.close().catch(() => undefined);
  }
}

const isEncrypted = ({ info }: NatsConnection): boolean => info?.tls_required === true || info?.tls_available === true;

function serverProblems(connection: NatsConnection): string[] {
  const { version = '0.0', max_payload: most = 0, auth_required: asks = false } = connection.info ?? {};
  return [
    ...(isAtLeast(version, NEEDED)
      ? []
      : [`the server has version ${version}: ${NEEDED.join('.')} or later is needed`]),
    ...(most < SITE.frameBytes.max
      ? [`the server takes messages of ${most} bytes: set max_payload to ${SITE.frameBytes.max} or more`]
      : []),
    ...(asks ? [] : ['the server asks nobody who they are: give each site a user, see hub.conf']),
    ...(isNear(connection.getServer()) || isEncrypted(connection)
      ? []
      : ['the connection is not encrypted: give the server a certificate, see hub.conf']),
  ];
}

/** Adds to `problems` what is wrong with the streams and the sites. */
async function sitesAt(
  connection: NatsConnection,
  place: { readonly domain?: string },
  problems: string[],
): Promise<Pick<FederationLooked, 'sites'>> {
  const manager = await jetstreamManager(connection, place).catch(() => undefined);
  if (!manager) {
    problems.push(
      'the account has no JetStream: give it a quota, see hub.conf; behind a leaf server give --nats-domain',
    );
    return { sites: [] };
  }
  const offers = await offersIn(manager, problems);
  const names = await manager.streams.info(`KV_${NAMES.sites}`).catch(() => undefined);
  if (!names) {
    problems.push('no site has joined yet: lodger serve --nats does');
    return { sites: [] };
  }
  const entries = await new Kvm(jetstream(connection, place)).open(NAMES.sites);
  const sites = await recordsIn(entries, offers, problems);
  for (const { name, ageMs, offers: waiting } of sites)
    if (ageMs > SITE.siteSilentMs.default) {
      const more = waiting > 0 ? `; ${waiting} batches that are offered to it wait or go to others` : '';
      problems.push(`site ${name} has been silent for ${formatDuration(ageMs)}${more}`);
    }
  return { sites };
}

interface Where extends Safety {
  /** Whether the server is on this machine, and the sites may be, too. */
  readonly isHere: boolean;
}

/** What keeps others from reading blobs at the address that a site tells. */
async function addressProblem({ name, record: { url } }: SiteLooked, { isHere, ...safety }: Where): Promise<string[]> {
  if (url === null) return [`site ${name} tells no address: nobody reads its blobs`];
  if (!isHere && isNear(url))
    return [`site ${name} says that it is at ${url}, which is each machine itself: give it --url`];
  try {
    checkSafe(url, safety);
    const http = createHttp(url, 'nobody', { patienceMs: 0, ...(safety.ca !== undefined && { ca: safety.ca }) });
    await http.open('who').finally(() => http.close());
    return [`site ${name}: what answers at ${url} takes any token`];
  } catch (error) {
    // A site refuses whoever has no token of its own.
    return error instanceof LodgerError && error.code === 'ERR_ACCESS_DENIED' ? [] : [`site ${name}: ${textOf(error)}`];
  }
}

const textOf = (error: unknown): string =>
  error instanceof LodgerError ? `${error.message} [${error.code}]` : String(error);

/** Batches in the streams, by the site that they are offered to. */
async function offersIn(manager: JetStreamManager, problems: string[]): Promise<ReadonlyMap<string, number>> {
  const offers = new Map<string, number>();
  for (let shard = 0; shard < NAMES.shards; shard += 1) {
    const { name } = NAMES.stream(shard);
    const info = await manager.streams.info(name, { subjects_filter: '>' }).catch(() => undefined);
    if (!info) continue;
    const { retention, storage } = info.config;
    if (retention !== RetentionPolicy.Workqueue)
      problems.push(`stream ${name} keeps what is settled: delete it, and a site makes it anew`);
    if (storage !== StorageType.File)
      problems.push(`stream ${name} is in memory alone, and gone with the server: delete it, and a site makes it anew`);
    for (const [subject, count] of Object.entries(info.state.subjects ?? {}))
      offers.set(subject.split('.').at(-1) ?? '', count);
  }
  return offers;
}

async function recordsIn(entries: KV, offers: ReadonlyMap<string, number>, problems: string[]): Promise<SiteLooked[]> {
  const sites: SiteLooked[] = [];
  for await (const name of await entries.keys()) {
    const entry = await entries.get(name);
    if (!entry) continue;
    const telling = attempt(() => told(name, entry.value));
    if (telling)
      sites.push({
        ...{ name, record: telling.record, offers: offers.get(name) ?? 0 },
        ageMs: Math.max(0, Date.now() - entry.created.getTime()),
      });
    else problems.push(`the record of site ${name} is not signed by its key: somebody else uses its name`);
  }
  return sites.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
