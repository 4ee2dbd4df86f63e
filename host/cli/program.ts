// The commands of the binary, put together.
import { Command } from 'commander';
import { VERSION } from '../platform/version.ts';
import { addBench } from './bench.ts';
import { addBuild } from './build.ts';
import { addDoctor } from './doctor.ts';
import { addInspect } from './inspect.ts';
import { addMap } from './map.ts';
import { addNew } from './new.ts';
import type { Finish } from './options.ts';
import { addProfile } from './profile.ts';
import { addRun } from './run.ts';
import { addTest } from './test.ts';
import { addVerify } from './verify.ts';

/** The program. Its errors are thrown: nothing here ends the process, and only help is written. */
export function createProgram(finish: Finish): Command {
  const program = new Command('lodger')
    .description('Run WebAssembly kernels that nobody needs to trust, within limits and grants.')
    .version(VERSION, '--version', 'print the version')
    .option('--debug', 'show where an error came from')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the task or job failed, 2 refused or wrongly called, 130 interrupted.',
    );
  for (const add of [addNew, addBuild, addTest, addBench, addProfile, addInspect, addRun, addMap, addVerify, addDoctor])
    add(program, finish);
  return program;
}
