// `lodger join URL`: lends this machine to a site until it is told to stop.
import { setPriority } from 'node:os';
import process from 'node:process';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatDuration } from '../../runtime/base/units.ts';
import { agentFolder, createAgent } from '../agent/agent.ts';
import type { Agent, AgentEvent, AgentOptions } from '../agent/contracts.ts';
import { serveControl } from '../agent/control.ts';
import type { Isolation } from '../cell/isolation.ts';
import type { Strictness } from '../cell/walls.ts';
import { readWhole } from '../jobs/files.ts';
import { interruptible } from './interrupt.ts';
import { isolationKind, strictOption } from './isolated.ts';
import { engineChoice, example, type Finish } from './options.ts';
import { note, print, printable } from './say.ts';

interface JoinFlags extends Pick<AgentOptions, 'engine' | 'name'> {
  readonly policy?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly isolation: Isolation;
  readonly strict?: Strictness;
  readonly data?: string;
  readonly quiet?: true;
  readonly json?: true;
}

const FILE_BYTES_MAX = 64 * 1024;
/** The last in every queue of the system. */
const LOWEST = 19;

export function addJoin(program: Command, finish: Finish): void {
  program
    .command('join')
    .description('lend this machine to a site')
    .argument('<url>', 'where the site answers')
    .option('--policy <file>', "the owner's policy; it may change at any time")
    .option('--token <token>', 'what the operator gave for hosts (default: LODGER_TOKEN)')
    .option('--token-file <file>', 'the same, in a file')
    .option('--ca <file>', 'a certificate to trust, in PEM')
    .option('--isolation <how>', 'process or thread', isolationKind, 'process')
    .addOption(strictOption(' (default: floor)'))
    .option('--engine <name>', 'auto, v8 or wasmtime', engineChoice, 'auto')
    .option('--name <name>', 'how the host is shown (default: the name of the machine)')
    .option('--data <dir>', 'the folder of its key and cache (default: one of yours)')
    .option('--quiet', 'say nothing of what it does')
    .option('--json', 'print a line of JSON whenever its state changes')
    .addHelpText('after', example('lodger join https://grid.example.org --token-file token --policy policy.json'))
    .action(async (url: string, flags: JoinFlags) => {
      await interruptible((signal) => lend(url, flags, signal));
      finish(0);
    });
}

async function lend(url: string, flags: JoinFlags, signal: AbortSignal): Promise<void> {
  const { policy, strict, engine, name, data = agentFolder() } = flags;
  if (flags.quiet && flags.json) throw new LodgerError('ERR_OPTION_INVALID', ['--quiet', 'left out with --json']);
  const token = await tokenOf(flags);
  // Before any thread or process is made: they take it over.
  setPriority(LOWEST);
  const agent = await createAgent({
    ...{ site: url, data, isolation: flags.isolation },
    ...(policy !== undefined && { policy }),
    ...(strict !== undefined && { strict }),
    ...(engine !== undefined && { engine }),
    ...(name !== undefined && { name }),
    ...(token !== undefined && { token }),
    ...(flags.ca !== undefined && { ca: await textIn(flags.ca) }),
    tell: (event) => {
      const line = flags.quiet ? undefined : lineOf(event);
      if (line === undefined) return;
      if (flags.json) print(`${JSON.stringify(event)}\n`).catch((error: Error) => note(`lodger: ${error.message}`));
      else note(`lodger: ${printable(line)}`);
    },
  });
  try {
    await stay(agent, data, signal);
  } finally {
    await agent.close();
  }
}

/** Until the user ends it, or it has finished. */
async function stay(agent: Agent, data: string, signal: AbortSignal): Promise<void> {
  let finished: () => void = () => undefined;
  const end = new Promise<void>((resolve) => {
    finished = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  const control = await serveControl(agent, data, () => void agent.finish().then(finished));
  try {
    await end;
  } finally {
    await control.close();
  }
}

async function tokenOf({ token, tokenFile }: JoinFlags): Promise<string | undefined> {
  if (tokenFile === undefined) return token ?? process.env.LODGER_TOKEN;
  if (token !== undefined) throw new LodgerError('ERR_OPTION_INVALID', ['--token', 'left out with --token-file']);
  return (await textIn(tokenFile)).trim();
}

async function textIn(path: string): Promise<string> {
  return new TextDecoder().decode(await readWhole(path, FILE_BYTES_MAX));
}

/** What is said of an event; nothing of leases and reports, of which there are many. */
function lineOf(event: AgentEvent): string | undefined {
  switch (event.event) {
    case 'connected':
      return `host ${event.host} of site ${event.site}`;
    case 'disconnected':
      return `not connected: ${event.reason}; again in ${formatDuration(event.retryMs)}`;
    case 'refused':
      return `refused: ${event.message} [${event.code}]`;
    case 'paused':
      return `paused (${event.reason}): ${event.why}`;
    case 'resumed':
      return 'works again';
    case 'owner policy':
      return event.error === null ? 'the policy has changed' : `the policy in the file does not count: ${event.error}`;
    default:
      return undefined;
  }
}
