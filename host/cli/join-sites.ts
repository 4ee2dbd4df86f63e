// What `lodger serve` is told of other sites: the server between them, the site's name there, and what it asks and keeps.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { check } from '../../runtime/base/schema.ts';
import { parseDuration } from '../../runtime/base/units.ts';
import { SiteNameSchema } from '../../runtime/job/site-terms.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Federation } from '../federation/federation.ts';
import { isNear, type Safety } from '../federation/safe.ts';
import { readWhole } from '../jobs/files.ts';
import { authorities } from '../platform/trust.ts';
import { several } from './options.ts';
import { note } from './say.ts';

export interface JoinFlags {
  readonly nats: readonly string[];
  readonly site?: string;
  readonly natsCredentials?: string;
  readonly natsCa?: string;
  readonly natsDomain?: string;
  readonly sitesCa?: string;
  readonly insecure?: true;
  readonly url?: string;
  readonly price?: number;
  readonly keep?: number;
}

/** A file of credentials, or of certificates. */
const FILE_BYTES_MAX = 64 * 1_024;

/** The options of a site that joins others. */
export function withSites(command: Command): Command {
  return command
    .option('--nats <url>', 'join other sites at this NATS server; may be given several times', several, [])
    .option('--site <name>', 'with --nats, its name among them', nameOf)
    .option('--nats-credentials <file>', 'with --nats, what shows the server who the site is')
    .option('--nats-ca <file>', 'with --nats, certificates to trust beside those of the system, in PEM')
    .option('--nats-domain <name>', 'with --nats, the JetStream domain of the streams, for a leaf server')
    .option('--sites-ca <file>', 'with --nats, the same for what other sites answer with')
    .option('--url <url>', 'with --nats, where other sites reach it (default: where it listens)')
    .option('--price <n>', 'with --nats, what it asks for 10^9 fuel (default: 0)', priceOf)
    .option('--keep <time>', 'with --nats, send out only what takes its own hosts longer (default: 60s)', (text) =>
      parseDuration(text, '--keep'),
    );
}

/** Joins, in the background; nothing without `--nats`. Throws `ERR_PEER_MISSING`, `ERR_OPTION_INVALID` and `ERR_FILE`. */
export async function joinSites(coordinator: Coordinator, flags: JoinFlags): Promise<Federation | undefined> {
  const { nats: servers, site: name, natsDomain: domain, url, price, keep } = flags;
  if (servers.length === 0) return undefined;
  if (name === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['--site', 'given with --nats: a name that no other site has']);
  const { createFederation } = await import('../federation/door.ts');
  return createFederation({
    ...{ coordinator, name, servers, log: (_, message) => note(`lodger: ${message}`) },
    ...{ connection: await connectionOf(flags), safety: await safetyOf(flags) },
    ...(domain !== undefined && { domain }),
    ...(url !== undefined && { url }),
    ...(price !== undefined && { price }),
    ...(keep !== undefined && { keepSeconds: keep / 1_000 }),
  });
}

type ConnectionFlags = Pick<JoinFlags, 'nats' | 'natsCredentials' | 'natsCa' | 'insecure'>;

/**
 * How a server is shown who comes, and which certificates it may have: secrets are in files, never in arguments. A server that has none is spoken to
 * on this machine alone, unless it is said to be insecure.
 */
export async function connectionOf({ nats, natsCredentials, natsCa, insecure }: ConnectionFlags) {
  if (nats.some((server) => server.includes('@'))) {
    const must =
      'an address alone: names and passwords are in the file of --nats-credentials, since everybody on a machine sees arguments';
    throw new LodgerError('ERR_OPTION_INVALID', ['--nats', must]);
  }
  const { credentialsOf } = await import('../federation/door.ts');
  const credentials =
    natsCredentials === undefined ? {} : await credentialsOf(await readWhole(natsCredentials, FILE_BYTES_MAX));
  if (natsCa !== undefined) return { ...credentials, tls: { ca: authorities(await textIn(natsCa)) } };
  const mayBePlain = (server: string) => !server.startsWith('tls:') && (insecure || isNear(server));
  return nats.every(mayBePlain) ? credentials : { ...credentials, tls: {} };
}

/** What of other sites' addresses and certificates is believed. */
export async function safetyOf({ sitesCa, insecure }: Pick<JoinFlags, 'sitesCa' | 'insecure'>): Promise<Safety> {
  return { ...(insecure && { insecure }), ...(sitesCa !== undefined && { ca: await textIn(sitesCa) }) };
}

async function textIn(path: string): Promise<string> {
  return Buffer.from(await readWhole(path, FILE_BYTES_MAX)).toString();
}

const nameOf = (text: string): string => check(SiteNameSchema, text);

function priceOf(text: string): number {
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new LodgerError('ERR_OPTION_INVALID', ['--price', 'a number, at least 0']);
}
