// The commands of the binary, put together.
import { Command, Help, type Option } from 'commander';
import { VERSION } from '../platform/version.ts';
import type { Finish } from './options.ts';

type Add = (program: Command, finish: Finish) => void;

/** In the order of the help. Each is loaded when it is called: all of them take 0.3 s, which most of them do not. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  new: async () => (await import('./new.ts')).addNew,
  build: async () => (await import('./build.ts')).addBuild,
  test: async () => (await import('./test.ts')).addTest,
  bench: async () => (await import('./bench.ts')).addBench,
  profile: async () => (await import('./profile.ts')).addProfile,
  inspect: async () => (await import('./inspect.ts')).addInspect,
  run: async () => (await import('./run.ts')).addRun,
  map: async () => (await import('./map.ts')).addMap,
  serve: async () => (await import('./serve.ts')).addServe,
  submit: async () => (await import('./submit.ts')).addSubmit,
  status: async () => (await import('./status.ts')).addStatus,
  results: async () => (await import('./results.ts')).addResults,
  cancel: async () => (await import('./cancel.ts')).addCancel,
  hosts: async () => (await import('./hosts.ts')).addHosts,
  policy: async () => (await import('./policy.ts')).addPolicy,
  accounts: async () => (await import('./accounts.ts')).addAccounts,
  federation: async () => (await import('./federation.ts')).addFederation,
  join: async () => (await import('./join.ts')).addJoin,
  agent: async () => (await import('./agent.ts')).addAgent,
  verify: async () => (await import('./verify.ts')).addVerify,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
};

/**
 * The program, for a call with those words: with the command that they name, or with all. Its errors are thrown: nothing here ends the
 * process, and only help is written.
 */
export async function createProgram(finish: Finish, words: readonly string[] = []): Promise<Command> {
  const program = new Command('lodger')
    .description('Run WebAssembly kernels that nobody needs to trust, within limits and grants.')
    .version(VERSION, '--version', 'print the version')
    .option('--debug', 'show where an error came from')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ optionDescription: descriptionOf })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the task or job failed, 2 refused or wrongly called, 130 interrupted.',
    );
  for (const load of commandsFor(words)) (await load())(program, finish);
  return program;
}

/** An option that may be given several times is not given by default, which needs no words. */
function descriptionOf(option: Option): string {
  const isList = Array.isArray(option.defaultValue);
  return isList ? option.description : Help.prototype.optionDescription(option);
}

function commandsFor(words: readonly string[]): readonly (() => Promise<Add>)[] {
  // Options before the command take no values.
  const name = words.find((word) => !word.startsWith('-'));
  if (name === undefined && words.includes('--version')) return [];
  const called = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return called ? [called] : Object.values(COMMANDS);
}
