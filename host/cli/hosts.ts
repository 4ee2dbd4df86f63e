// `lodger hosts`: who lends machines to a site; an operator trusts or bans them.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatCount } from '../../runtime/base/units.ts';
import type { HostStatus } from '../wire/api.ts';
import type { HostStanding } from '../wire/routes.ts';
import { example, type Finish } from './options.ts';
import { print, printJson } from './say.ts';
import { atSite, type SiteFlags, withSite } from './site.ts';
import { tableOf } from './table.ts';

interface HostFlags extends SiteFlags {
  readonly trust?: string;
  readonly distrust?: string;
  readonly ban?: string;
  readonly json?: true;
}

export function addHosts(program: Command, finish: Finish): void {
  withSite(program.command('hosts'))
    .description('hosts of a site, and what they do')
    .option('--trust <host>', "believe this host's results without checks")
    .option('--distrust <host>', 'check this host like any other, and give it work again')
    .option('--ban <host>', 'give this host no work any more')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger hosts', 'lodger hosts --json'))
    .action(async (flags: HostFlags) => {
      const wanted = standingOf(flags);
      const hosts = await atSite(flags, async (site) => {
        if (wanted) {
          const [host, standing] = wanted;
          await site.ask('setStanding', { params: { host }, json: { standing } });
        }
        return site.ask('hosts');
      });
      if (flags.json) await printJson({ hosts });
      else await print(tableOf(HEAD, hosts.map(rowOf), 'no hosts that this token may see: lodger join lends one'));
      finish(0);
    });
}

const HEAD = ['host', 'name', 'kind', 'state', 'trust', 'threads', 'leased', 'done', 'fuel', 'why not'];

function rowOf(host: HostStatus): (string | number)[] {
  const trust = host.banned ? 'banned' : host.trusted ? 'trusted' : `${host.agreed} agreed, ${host.disagreed} not`;
  const state = host.connected ? (host.paused ?? 'here') : 'away';
  const { name, kind, threads, leased, tasksDone, fuel, why } = host;
  return [host.host, name, kind, state, trust, threads, leased, tasksDone, formatCount(fuel), why];
}

function standingOf({ trust, distrust, ban }: HostFlags): readonly [string, HostStanding] | undefined {
  const wanted = [[trust, 'trusted'] as const, [distrust, 'known'] as const, [ban, 'banned'] as const].flatMap(
    ([host, standing]) => (host === undefined ? [] : [[host, standing] as const]),
  );
  if (wanted.length > 1)
    throw new LodgerError('ERR_OPTION_INVALID', ['--trust', 'given without --distrust and --ban: one at a time']);
  return wanted[0];
}
