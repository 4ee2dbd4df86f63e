// `lodger map JOB.json`: a whole job on this machine.
import { relative } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { POOL } from '../../runtime/base/limits.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import { createPool, type Isolation } from '../cell/isolation.ts';
import { type Inputs, openInputs } from '../jobs/inputs.ts';
import { type LoadedJob, loadJob } from '../jobs/load.ts';
import { openResults, type Results } from '../jobs/results.ts';
import { inputsOf, readable } from '../jobs/values.ts';
import { interruptible } from './interrupt.ts';
import {
  blobFiles,
  cpuShare,
  engineChoice,
  example,
  type Finish,
  isolationKind,
  several,
  shareOf,
  wholeNumber,
} from './options.ts';
import { createProgress } from './progress.ts';
import { columns, indented, note, print, printable, printJson } from './say.ts';
import { createSum, logRows, type Sum, sumRows } from './sum.ts';
import { VIEWS, type View } from './view/views.ts';

interface MapFlags {
  readonly engine?: EngineChoice;
  readonly threads?: number;
  readonly output?: string;
  readonly input?: string;
  readonly blob: readonly string[];
  readonly cpuShare?: number;
  readonly isolation: Isolation;
  readonly json?: true;
}

interface Mapped {
  readonly kernel: string;
  readonly sum: Sum;
  readonly wallMs: number;
  readonly results?: string;
  readonly view?: View;
}

export function addMap(program: Command, finish: Finish): void {
  program
    .command('map')
    .description('run a whole job on this machine')
    .argument('<job>', 'a job file')
    .option(
      '--threads <n>',
      'threads that work at a time (default: one a core)',
      wholeNumber('--threads', 1, POOL.threads.max),
    )
    .option('--engine <name>', 'auto, v8 or wasmtime, instead of what the job file says', engineChoice)
    .option('--cpu-share <share>', 'share of one core that each thread may have, 0.05 to 1 (default: 1)', cpuShare)
    .option('--isolation <kind>', 'thread, or process: a jailed one', isolationKind, 'thread')
    .option('--output <dir>', 'folder for the results, instead of the place in the job file')
    .option('--input <file>', 'another file in place of the one that the job file cuts into tasks')
    .option('--blob <name=file>', 'another file for a blob of the job file; may be given several times', several, [])
    .option('--once', 'end after the job, which is what always happens')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger map job.json --threads 2'))
    .action(async (path: string, flags: MapFlags) => {
      const mapped = await interruptible((signal) => mapJob(path, flags, signal));
      await (flags.json ? giveJson(mapped) : give(mapped));
      finish(mapped.sum.failed === 0 ? 0 : 1);
    });
}

async function mapJob(path: string, flags: MapFlags, signal: AbortSignal): Promise<Mapped> {
  const job = await loadJob(path, {
    blobs: blobFiles(flags.blob),
    ...(flags.input === undefined ? {} : { input: flags.input }),
  });
  const inputs = await openInputs(job.file.inputs, job.folder, fillLimits(job.file.limits).inputBytesMax);
  const results = await openResults(job.file.results, job.folder, flags.output);
  try {
    const mapped = await runAll(job, inputs, results, flags, signal);
    await results?.finish();
    return mapped;
  } finally {
    await results?.discard();
  }
}

async function runAll(
  { file, terms }: LoadedJob,
  inputs: Inputs,
  results: Results | undefined,
  flags: MapFlags,
  signal: AbortSignal,
): Promise<Mapped> {
  const view = file.view === undefined ? undefined : VIEWS[file.view]();
  const sum = createSum();
  // How much of the whole each input is, for as long as it is under way.
  const weights: number[] = [];
  const { engine = file.engine, threads, isolation } = flags;
  const pool = await createPool({ engine, isolation, ...(threads !== undefined && { threads }), ...shareOf(flags) });
  const progress = createProgress();
  const begun = performance.now();
  let index = 0;
  let weightDone = 0;
  try {
    const each = inputsOf(terms.kernel, inputs.each, (length) => weights.push(length));
    for await (const outcome of pool.map({ ...terms, inputs: each }, { signal })) {
      await results?.add(index, readable(terms.kernel, outcome));
      if (outcome.state === 'done') view?.add(outcome.output);
      sum.add(outcome);
      index += 1;
      weightDone += weights.shift() ?? 0;
      progress.step(index, weightDone / Math.max(1, inputs.totalBytes));
    }
  } finally {
    progress.stop();
    await pool.close('end');
  }
  return {
    kernel: terms.kernel.digest,
    sum: sum.read(),
    wallMs: performance.now() - begun,
    ...(results === undefined ? {} : { results: results.path }),
    ...(view === undefined ? {} : { view }),
  };
}

async function give({ sum, wallMs, results, view }: Mapped): Promise<void> {
  for (const { index, code, message } of sum.failures) note(`task ${index} failed: ${indented(message)} [${code}]`);
  if (sum.failed > sum.failures.length) note(`and ${sum.failed - sum.failures.length} more`);
  const place: (readonly [string, string])[] =
    results === undefined ? [] : [['results', relative(process.cwd(), results) || '.']];
  note(columns([...sumRows(sum, wallMs), ...logRows(sum, results !== undefined), ...place]).trimEnd());
  if (view !== undefined) await print(`${printable(view.render({ wallMs }))}\n`);
}

async function giveJson({ kernel, sum, wallMs, results }: Mapped): Promise<void> {
  const state = sum.failed === 0 ? 'done' : 'failed';
  await printJson({ state, kernel, wallMs, ...sum, ...(results === undefined ? {} : { results }) });
}
