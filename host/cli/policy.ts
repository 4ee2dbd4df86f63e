// `lodger policy show|set|simulate`: what a site lets tasks use on all its hosts.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { parseDuration, parseSize } from '../../runtime/base/units.ts';
import { type Policy, parsePolicy } from '../../runtime/policy/policy.ts';
import { rulesOf } from '../agent/policy.ts';
import type { SiteClient } from '../client/site.ts';
import { readWhole } from '../jobs/files.ts';
import { example, type Finish } from './options.ts';
import { note, print, printable, printJson } from './say.ts';
import { atSite, type SiteFlags, withSite } from './site.ts';

const FILE_BYTES_MAX = 2 ** 20;

export function addPolicy(program: Command, finish: Finish): void {
  withSite(program.command('policy'))
    .description('show the policy of a site, set another, or simulate which hosts that would stop')
    .argument('<action>', 'show, set or simulate')
    .argument('[file]', 'the policy to set or simulate, as JSON; sizes, times and grants as in a job file')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger policy show', 'lodger policy simulate policy.json'))
    .action(async (action: string, file: string | undefined, flags: SiteFlags & { readonly json?: true }) => {
      const act = await actionOf(action, file);
      const { document, text } = await atSite(flags, act);
      if (flags.json) await printJson(document);
      else await print(text);
      finish(0);
    });
}

interface Said {
  readonly document: unknown;
  readonly text: string;
}

/** The policy is read and checked before anybody is asked. */
async function actionOf(action: string, file: string | undefined): Promise<(site: SiteClient) => Promise<Said>> {
  if (action === 'show') {
    return async (site) => {
      const found = await site.ask('policy');
      note(`version ${found.version}`);
      return { document: found, text: `${JSON.stringify(found.policy, null, 2)}\n` };
    };
  }
  if (action !== 'set' && action !== 'simulate')
    throw new LodgerError('ERR_OPTION_INVALID', ['action', 'one of show, set, simulate']);
  if (file === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['file', `given: the policy to ${action}`]);
  const json = await readPolicy(file);
  if (action === 'set') {
    return async (site) => {
      const found = await site.ask('setPolicy', { json });
      return { document: found, text: `version ${found.version} is in force\n` };
    };
  }
  return async (site) => {
    const stops = await site.ask('simulatePolicy', { json });
    const lines = stops.map((each) => `${each.host} would stop: ${printable(each.stops)}\n`);
    return { document: { stops }, text: lines.join('') || 'no host would stop\n' };
  };
}

/** Sizes, times and grants may be written as in a job file. */
async function readPolicy(file: string): Promise<Policy> {
  const text = Buffer.from(await readWhole(file, FILE_BYTES_MAX)).toString();
  try {
    return parsePolicy(inNumbers(JSON.parse(text)));
  } catch (error) {
    if (error instanceof LodgerError) throw error;
    throw new LodgerError('ERR_FILE', ['read', file, (error as Error).message], { cause: error });
  }
}

/** What people write as texts; all else, and what is wrong, is left to the check of policies. */
function inNumbers(document: unknown): unknown {
  if (!isRecord(document)) return document;
  const { limits, grants, ...rest } = document;
  return {
    ...rest,
    ...(limits !== undefined && { limits: isRecord(limits) ? mapped(limits) : limits }),
    ...(grants !== undefined && {
      grants: Array.isArray(grants)
        ? grants.flatMap((each) => (typeof each === 'string' ? rulesOf(each) : [each]))
        : grants,
    }),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function mapped(limits: Record<string, unknown>): Record<string, unknown> {
  const number = ([name, value]: [string, unknown]): [string, unknown] => {
    if (typeof value !== 'string' || !/(?:Bytes|Ms)Max$/.test(name)) return [name, value];
    const parse = name.endsWith('MsMax') ? parseDuration : parseSize;
    return [name, parse(value, `limits.${name}`)];
  };
  return Object.fromEntries(Object.entries(limits).map(number));
}
