// What `lodger serve` is told of other sites: the server between them, the site's name there, and what it asks and keeps.
import { rootCertificates } from 'node:tls';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { check } from '../../runtime/base/schema.ts';
import { parseDuration } from '../../runtime/base/units.ts';
import { SiteNameSchema } from '../../runtime/job/site-terms.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Federation } from '../federation/federation.ts';
import { readWhole } from '../jobs/files.ts';
import { several } from './options.ts';
import { note } from './say.ts';

export interface JoinFlags {
  readonly nats: readonly string[];
  readonly site?: string;
  readonly natsCredentials?: string;
  readonly natsCa?: string;
  readonly natsDomain?: string;
  readonly url?: string;
  readonly price?: number;
  readonly keep?: number;
}

const CREDENTIALS_BYTES_MAX = 64 * 1_024;

/** The options of a site that joins others. */
export function withSites(command: Command): Command {
  return command
    .option('--nats <url>', 'join other sites at this NATS server; may be given several times', several, [])
    .option('--site <name>', 'with --nats, its name among them', nameOf)
    .option('--nats-credentials <file>', 'with --nats, what shows the server who the site is')
    .option('--nats-ca <file>', 'with --nats, certificates to trust beside those of the system, in PEM')
    .option('--nats-domain <name>', 'with --nats, the JetStream domain of the streams, for a leaf server')
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
    connection: await connectionOf(flags),
    ...(domain !== undefined && { domain }),
    ...(url !== undefined && { url }),
    ...(price !== undefined && { price }),
    ...(keep !== undefined && { keepSeconds: keep / 1_000 }),
  });
}

/** How a server is shown who comes, and which certificates it may have: secrets are in files, never in arguments. */
export async function connectionOf({ natsCredentials, natsCa }: Pick<JoinFlags, 'natsCredentials' | 'natsCa'>) {
  const { credentialsOf } = await import('../federation/door.ts');
  const credentials =
    natsCredentials === undefined ? {} : await credentialsOf(await readWhole(natsCredentials, CREDENTIALS_BYTES_MAX));
  if (natsCa === undefined) return credentials;
  const ca = [...rootCertificates, Buffer.from(await readWhole(natsCa, CREDENTIALS_BYTES_MAX)).toString()];
  return { ...credentials, tls: { ca: ca.join('\n') } };
}

const nameOf = (text: string): string => check(SiteNameSchema, text);

function priceOf(text: string): number {
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new LodgerError('ERR_OPTION_INVALID', ['--price', 'a number, at least 0']);
}
