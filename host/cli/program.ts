// The commands of the binary, put together.
import { Command } from 'commander';
import { VERSION } from '../platform/version.ts';
import { addAccounts } from './accounts.ts';
import { addAgent } from './agent.ts';
import { addBench } from './bench.ts';
import { addBuild } from './build.ts';
import { addCancel } from './cancel.ts';
import { addDoctor } from './doctor.ts';
import { addFederation } from './federation.ts';
import { addHosts } from './hosts.ts';
import { addInspect } from './inspect.ts';
import { addJoin } from './join.ts';
import { addMap } from './map.ts';
import { addNew } from './new.ts';
import type { Finish } from './options.ts';
import { addPolicy } from './policy.ts';
import { addProfile } from './profile.ts';
import { addResults } from './results.ts';
import { addRun } from './run.ts';
import { addServe } from './serve.ts';
import { addStatus } from './status.ts';
import { addSubmit } from './submit.ts';
import { addTest } from './test.ts';
import { addVerify } from './verify.ts';

/** In the order of the help. */
const ADDERS = [
  ...[addNew, addBuild, addTest, addBench, addProfile, addInspect, addRun, addMap],
  ...[addServe, addSubmit, addStatus, addResults, addCancel, addHosts, addPolicy, addAccounts],
  ...[addFederation],
  ...[addJoin, addAgent],
  ...[addVerify, addDoctor],
];

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
  for (const add of ADDERS) add(program, finish);
  return program;
}
