// The program that commands make, put together.
import { Command, Help, type Option } from 'commander';
import { VERSION } from '../platform/version.ts';
import type { Finish } from './options.ts';

export type Add = (program: Command, finish: Finish) => void;

/** In the order of the help. */
export type Commands = Readonly<Record<string, () => Promise<Add>>>;

/**
 * The program, for a call with those words: with the command that they name, or with all. Its errors are thrown: nothing here ends the
 * process, and only help is written.
 */
export async function createProgram(
  finish: Finish,
  commands: Commands,
  words: readonly string[] = [],
): Promise<Command> {
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
  for (const load of commandsFor(commands, words)) (await load())(program, finish);
  return program;
}

/** An option that may be given several times is not given by default, which needs no words. */
function descriptionOf(option: Option): string {
  const isList = Array.isArray(option.defaultValue);
  return isList ? option.description : Help.prototype.optionDescription(option);
}

function commandsFor(commands: Commands, words: readonly string[]): readonly (() => Promise<Add>)[] {
  // Options before the command take no values.
  const name = words.find((word) => !word.startsWith('-'));
  if (name === undefined && words.includes('--version')) return [];
  const called = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  return called ? [called] : Object.values(commands);
}
