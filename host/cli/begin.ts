// What a call of `lodger` begins with: reads the command line, runs one command, and turns whatever happened into an exit code.
// 0 done, 1 the task or job failed, 2 refused or wrongly called, 130 interrupted.
import process from 'node:process';
import { CommanderError } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { ownProcess } from '../platform/own-process.ts';
import { INTERRUPTED } from './interrupt.ts';
import type { Finish } from './options.ts';
import { type Commands, createProgram } from './program.ts';
import { note, printable, printJson } from './say.ts';

const FAILED = 1;
const REFUSED = 2;

/** What is said about an error, and how the process ends. */
interface Verdict {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
}

/** Runs what the words say with one of those commands, or with help for all. Nothing is thrown. */
export async function begin(argv: readonly string[], commands: Commands): Promise<void> {
  ownProcess();
  // A reader of our output that goes away, such as `head`, is no error.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  // Nobody waits for what is thrown here: Node would print its stack and go on with nothing tidied up.
  process.once('uncaughtException', (error) => void tell(error, argv).finally(() => process.exit()));
  try {
    const finish: Finish = (exitCode) => {
      process.exitCode = exitCode;
    };
    const program = await createProgram(finish, commands, argv.slice(2));
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    await tell(error, argv);
  }
}

/** Says what went wrong, and with which code the process will end. */
async function tell(error: unknown, argv: readonly string[]): Promise<void> {
  const { exitCode, code, message } = verdictOf(error);
  process.exitCode = exitCode;
  note(`lodger: ${printable(message)} [${code}]`);
  // What does not build is a fault of the author's source, and `build --debug` asks for something else.
  if (argv.includes('--debug') && error instanceof Error && code !== 'ERR_BUILD_FAILED') note(error.stack ?? '');
  // Where standard output cannot be written, standard error has said so.
  if (argv.includes('--json')) await printJson({ state: 'refused', code, message }).catch(() => undefined);
}

function verdictOf(error: unknown): Verdict {
  if (process.exitCode === INTERRUPTED) return { exitCode: INTERRUPTED, code: 'ERR_ABORTED', message: 'interrupted' };
  if (error instanceof LodgerError) {
    const isRefused = error.fault === 'caller' && error.code !== 'ERR_JOB_CANCELLED';
    return { exitCode: isRefused ? REFUSED : FAILED, code: error.code, message: error.message };
  }
  if (error instanceof CommanderError)
    return { exitCode: REFUSED, code: 'ERR_OPTION_INVALID', message: wrongCall(error) };
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: FAILED,
    code: 'ERR_HOST_FAULT',
    message: `${message} (this is a fault of lodger; --debug shows where)`,
  };
}

/** commander's message without its label, in one line, with the way to the right call. */
function wrongCall({ message, code }: CommanderError): string {
  if (code === 'commander.help') return 'a command is missing; see lodger --help';
  return `${message.replace(/^error: /, '').replaceAll('\n', ' ')}; see lodger --help`;
}
