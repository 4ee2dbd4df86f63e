// `lodger accounts list|set|token|revoke`: who may use a site, and how much of it.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatCount, formatSize, parseDuration, parseSize } from '../../runtime/base/units.ts';
import type { SiteClient } from '../client/site.ts';
import { ROLES, type Role } from '../wire/api.ts';
import { example, type Finish, several } from './options.ts';
import { note, print, printJson } from './say.ts';
import { atSite, type SiteFlags, withSite } from './site.ts';
import { tableOf } from './table.ts';

interface AccountFlags extends SiteFlags {
  readonly role?: Role;
  readonly label?: string;
  readonly expires?: number;
  readonly quota: readonly string[];
  readonly json?: true;
}

export function addAccounts(program: Command, finish: Finish): void {
  withSite(program.command('accounts'))
    .description('accounts of a site: list them, set one up, give it a token, revoke one')
    .argument('<action>', 'list, set, token or revoke')
    .argument('[account]', 'the id of an account')
    .argument('[id]', 'the id of the token to revoke')
    .option('--role <role>', `what a new token is for: ${ROLES.join(', ')}`, roleOf)
    .option('--label <text>', 'a name for a new token')
    .option('--expires <time>', 'how long a new token is good, as 720h', (text) => parseDuration(text, '--expires'))
    .option('--quota <name=n>', 'tasksQueued, storedBytes or fuelPerDay; may be given several times', several, [])
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      example('lodger accounts set lab --quota storedBytes=10GiB', 'lodger accounts token lab --role submitter'),
    )
    .action(async (action: string, account: string | undefined, id: string | undefined, flags: AccountFlags) => {
      const act = actionOf(action, {
        ...(account !== undefined && { account }),
        ...(id !== undefined && { id }),
        flags,
      });
      const { document, text } = await atSite(flags, act);
      await (flags.json ? printJson(document) : print(text));
      finish(0);
    });
}

interface Given {
  readonly account?: string;
  readonly id?: string;
  readonly flags: AccountFlags;
}

interface Said {
  readonly document: unknown;
  readonly text: string;
}

function actionOf(action: string, { account, id, flags }: Given): (site: SiteClient) => Promise<Said> {
  if (action === 'list') return list;
  if (!['set', 'token', 'revoke'].includes(action))
    throw new LodgerError('ERR_OPTION_INVALID', ['action', 'one of list, set, token, revoke']);
  if (account === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['account', 'given']);
  if (action === 'set') {
    const quotas = Object.fromEntries(flags.quota.map(quotaOf));
    return async (site) => {
      const document = await site.ask('setAccount', { json: { id: account, quotas } });
      return { document, text: `account ${document.id} is there\n` };
    };
  }
  if (action === 'revoke') {
    if (id === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['id', 'given: lodger accounts list tells it']);
    return async (site) => {
      await site.ask('revokeToken', { params: { account, token: id } });
      return { document: { revoked: id }, text: `token ${id} is revoked\n` };
    };
  }
  const { role, label, expires } = flags;
  if (role === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['--role', `given: ${ROLES.join(', ')}`]);
  return async (site) => {
    const document = await site.ask('makeToken', {
      params: { account },
      json: {
        role,
        ...(label !== undefined && { name: label }),
        ...(expires !== undefined && { expires: Date.now() + expires }),
      },
    });
    note('lodger: this token is told once; who has it may do what it is for');
    return { document, text: `${document.token}\n` };
  };
}

async function list(site: SiteClient): Promise<Said> {
  const accounts = await site.ask('accounts');
  const head = ['account', 'token', 'role', 'name', 'expires', 'queued', 'stored', 'fuel today'];
  const rows = accounts.flatMap(({ id, used, tokens }) => {
    const usage = [used.tasksQueued, formatSize(used.storedBytes), formatCount(used.fuelPerDay)];
    const none: (string | number)[][] = tokens.length === 0 ? [[id, 'none', '', '', '', ...usage]] : [];
    return tokens.reduce((all, { id: token, role, name, expires }) => {
      const until = expires === null ? 'never' : new Date(expires).toISOString().slice(0, 16);
      return [...all, [id, token, role, name, until, ...usage]];
    }, none);
  });
  return { document: { accounts }, text: tableOf(head, rows, 'no accounts') };
}

function quotaOf(text: string): readonly [string, number] {
  const [name = '', value = ''] = text.split('=', 2);
  if (['tasksQueued', 'storedBytes', 'fuelPerDay'].includes(name)) return [name, parseSize(value, `--quota ${name}`)];
  throw new LodgerError('ERR_OPTION_INVALID', ['--quota', 'tasksQueued=N, storedBytes=SIZE or fuelPerDay=N']);
}

function roleOf(text: string): Role {
  const known = ROLES.find((role) => role === text);
  if (known !== undefined) return known;
  throw new LodgerError('ERR_OPTION_INVALID', ['--role', `one of ${ROLES.join(', ')}`]);
}
