// `lodger agent status|pause|resume|finish`: speaks with the agent that `lodger join` runs on this machine.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatCount, formatDuration, formatSize } from '../../runtime/base/units.ts';
import { agentFolder } from '../agent/agent.ts';
import type { AgentStatus } from '../agent/contracts.ts';
import { ACTIONS, type Action, askAgent } from '../agent/control.ts';
import { example, type Finish } from './options.ts';
import { columns, print, printable, printJson } from './say.ts';

export function addAgent(program: Command, finish: Finish): void {
  program
    .command('agent')
    .description('show, pause or end the lending of this machine')
    .argument('<action>', ACTIONS.join(', '), actionOf)
    .argument('[hours]', 'how long to pause (default: until resume)', hoursOf)
    .option('--data <dir>', 'the folder that join was given')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger agent status', 'lodger agent pause 8', 'lodger agent finish'))
    .action(async (action: Action, hours: number | undefined, flags: { data?: string; json?: true }) => {
      if (hours !== undefined && action !== 'pause')
        throw new LodgerError('ERR_OPTION_INVALID', ['hours', 'left out but with pause']);
      const status = await askAgent(flags.data ?? agentFolder(), { action, ...(hours !== undefined && { hours }) });
      if (flags.json) await printJson(status);
      else await print(textOf(status));
      finish(0);
    });
}

function actionOf(text: string): Action {
  const known = ACTIONS.find((name) => name === text);
  if (known !== undefined) return known;
  throw new LodgerError('ERR_OPTION_INVALID', ['action', `one of ${ACTIONS.join(', ')}`]);
}

function hoursOf(text: string): number {
  const hours = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (hours > 0) return hours;
  throw new LodgerError('ERR_OPTION_INVALID', ['hours', 'a number of hours such as 8 or 0.5']);
}

function textOf(status: AgentStatus): string {
  const { state, paused, why, url, connected, host, site, load, userIdleMs, isolation } = status;
  const unknown = 'not told by this machine';
  return columns([
    ['state', paused === null ? state : `${state} (${paused}): ${printable(why)}`],
    ['site', `${printable(url)}, ${connected ? `connected to ${printable(site ?? '')}` : 'not connected'}`],
    ['host', host ?? 'not known yet'],
    [
      'tasks',
      `${status.tasksHeld} held, ${status.tasksDone} done, ${status.tasksFailed} failed, ${status.tasksReleased} given back`,
    ],
    ['reports', `${status.reportsKept} not acknowledged by the site`],
    ['fuel', `${formatCount(status.fuel)}, ${formatCount(status.fuelPerSecond)} a second and thread`],
    ['threads', `${status.threads}, each up to ${Math.round(status.cpuShare * 100)} % of a core`],
    ['isolation', isolation.length > 0 ? isolation.join(', ') : 'none'],
    ['other load', load === null ? unknown : `${Math.round(load * 100)} % of the cores`],
    ['last used', userIdleMs === null ? unknown : `${formatDuration(userIdleMs)} ago`],
    ['cache', `${status.cacheFiles} files, ${formatSize(status.cacheBytes)}`],
    ['neighbours', `${formatSize(status.neighbourBytesCame)} came, ${formatSize(status.neighbourBytesWent)} went`],
    ['network', `${formatSize(status.networkBytesToday)} today`],
    ['policy', policyText(status)],
  ]);
}

function policyText({ policyFile, policyError, policyVersion }: AgentStatus): string {
  const own = policyFile === null ? 'no file' : printable(policyFile);
  const wrong = policyError === null ? '' : `\nwhat is in the file now does not count: ${printable(policyError)}`;
  return `${own}, narrowed by version ${policyVersion} of the site's${wrong}`;
}
