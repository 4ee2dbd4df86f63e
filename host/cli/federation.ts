// `lodger federation status|permissions`: a server between sites, and what a site's user has to be allowed there.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { check } from '../../runtime/base/schema.ts';
import { formatCount, formatDuration } from '../../runtime/base/units.ts';
import { SiteNameSchema } from '../../runtime/job/site-terms.ts';
import type { FederationLooked, SiteLooked } from '../federation/look.ts';
import { freeFuelPerSecond } from '../federation/record.ts';
import { connectionOf, type JoinFlags, safetyOf } from './join-sites.ts';
import { example, type Finish, several } from './options.ts';
import { note, print, printJson } from './say.ts';
import { tableOf } from './table.ts';

type Joining = 'nats' | 'natsCredentials' | 'natsCa' | 'natsDomain' | 'sitesCa' | 'insecure';
interface SitesFlags extends Pick<JoinFlags, Joining> {
  readonly leaf?: true;
  readonly json?: true;
}

export function addFederation(program: Command, finish: Finish): void {
  program
    .command('federation')
    .description('look at a server between sites, or print what a site has to be allowed there')
    .argument('<action>', 'status or permissions')
    .argument('[site]', 'the name of a site; with status, the one whose credentials these are')
    .option('--nats <url>', 'the server; may be given several times', several, [])
    .option('--nats-credentials <file>', 'what shows the server who comes')
    .option('--nats-ca <file>', 'certificates to trust beside those of the system, in PEM')
    .option('--nats-domain <name>', 'the JetStream domain of the streams, for a leaf server')
    .option('--sites-ca <file>', 'the same for what the sites answer with')
    .option('--insecure', 'speak to a server that has no certificate, and to sites that have none')
    .option('--leaf', 'with permissions, for a site that comes through a leaf server')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      example(
        'lodger federation status north --nats tls://nats.example.org --nats-credentials north.creds',
        'lodger federation permissions north > north.permissions',
      ),
    )
    .action(async (action: string, site: string | undefined, flags: SitesFlags) => {
      if (action === 'status') return finish(await showStatus(site, flags));
      if (action !== 'permissions')
        throw new LodgerError('ERR_OPTION_INVALID', ['action', 'one of status, permissions']);
      if (site === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['site', 'given with permissions']);
      await showPermissions(check(SiteNameSchema, site), flags);
      return finish(0);
    });
}

async function showPermissions(site: string, { leaf, json }: SitesFlags): Promise<void> {
  const way = leaf ? 'leaf' : 'direct';
  const { permissionsOf } = await import('../federation/names.ts');
  const { permissionsText } = await import('../federation/permissions.ts');
  await (json ? printJson(permissionsOf(site, way)) : print(permissionsText(site, way)));
}

async function showStatus(site: string | undefined, flags: SitesFlags): Promise<0 | 1> {
  const { nats: servers, natsDomain: domain, json } = flags;
  if (servers.length === 0) throw new LodgerError('ERR_OPTION_INVALID', ['--nats', 'given with status']);
  const { lookAtFederation } = await import('../federation/door.ts');
  const looked = await lookAtFederation({
    ...{ servers, connection: await connectionOf(flags), safety: await safetyOf(flags) },
    ...(domain !== undefined && { domain }),
    ...(site !== undefined && { site: check(SiteNameSchema, site) }),
  });
  await (json ? printJson(looked) : print(textOf(looked)));
  for (const problem of json ? [] : looked.problems) note(`lodger: ${problem}`);
  return looked.problems.length === 0 ? 0 : 1;
}

const HEAD = ['site', 'hosts', 'threads', 'fuel a second', 'free', 'price', 'offers', 'heard'];

function textOf({ server, sites }: FederationLooked): string {
  const way = server.encrypted ? 'encrypted' : 'not encrypted';
  const newer = server.newer.length > 0 ? `, used of what is newer than 2.9: ${server.newer.join(', ')}` : '';
  return `server ${server.name}, version ${server.version}, ${way}${newer}\n\n${tableOf(HEAD, sites.map(rowOf), 'no sites')}`;
}

function rowOf({ name, record, ageMs, offers }: SiteLooked): (string | number)[] {
  const { hosts, threads, fuelPerSecond, price } = record;
  const [speed, free] = [fuelPerSecond, freeFuelPerSecond(record)].map(formatCount);
  return [name, hosts, threads, speed ?? '', free ?? '', price, offers, `${formatDuration(ageMs)} ago`];
}
