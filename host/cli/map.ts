// `lodger map JOB.json`: a whole job on this machine.
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { BATCH, POOL } from '../../runtime/base/limits.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { Progress } from '../../runtime/job/task.ts';
import { createPool, type Isolation } from '../cell/isolation.ts';
import type { Strictness } from '../cell/walls.ts';
import { type Inputs, openInputs } from '../jobs/inputs.ts';
import { type LoadedJob, loadJob } from '../jobs/load.ts';
import { openResults, type Results } from '../jobs/results.ts';
import { inputsOf, takesJson } from '../jobs/values.ts';
import { type Keep, openKeep } from '../keep/keep.ts';
import { jobProcess } from '../platform/own-process.ts';
import { checkCheckpoint, createTakenOver, everyTime } from './checkpoint.ts';
import { interruptible } from './interrupt.ts';
import { isolationKind, isolationOf, strictOption } from './isolated.ts';
import { gather, give, giveJson, type Mapped } from './mapped.ts';
import { blobFiles, cpuShare, engineChoice, example, type Finish, several, shareOf, wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';
import { note } from './say.ts';
import { pictureIfAny } from './view/beside.ts';

/** Of work in a message to a thread, as in a cell: nobody waits for one task of a job, and each message takes 0.04 ms of CPU time. */
const BATCH_MS = 25;

interface MapFlags {
  readonly engine?: EngineChoice;
  readonly threads?: number;
  readonly output?: string;
  readonly input?: string;
  readonly blob: readonly string[];
  readonly cpuShare?: number;
  readonly checkpoint?: string;
  readonly every?: number;
  readonly isolation?: Isolation;
  readonly strict?: Strictness;
  readonly json?: true;
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
    .option('--isolation <kind>', 'thread (the default), or process: a jailed one', isolationKind)
    .addOption(strictOption('; in a process'))
    .option('--output <dir>', 'folder for the results, instead of the place in the job file')
    .option('--input <file>', 'another file in place of the one that the job file cuts into tasks')
    .option('--blob <name=file>', 'another file for a blob of the job file; may be given several times', several, [])
    .option('--checkpoint <dir>', 'keep outcomes, and images of steppers, in this folder, and go on from what is there')
    .option('--every <time>', 'how often an image of each stepper is taken (default: 10s)', everyTime)
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger map job.json --threads 2'))
    .action(async (path: string, flags: MapFlags) => {
      checkCheckpoint(flags);
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
  const keep = flags.checkpoint === undefined ? undefined : await openKeep(flags.checkpoint, job.terms);
  const results = await openResults(job.file.results, job.folder, {
    picture: pictureIfAny,
    ...(flags.output !== undefined && { output: flags.output }),
    ...(keep && { begun: keep.results }),
  });
  try {
    await keep?.setResults(results?.path ?? null);
    const mapped = await runAll(job, { inputs, ...(results && { results }), ...(keep && { keep }) }, flags, signal);
    await results?.finish();
    if (mapped.hostFailures === 0) await keep?.remove();
    else if (keep)
      note(`lodger: what is done stays in ${flags.checkpoint}: start the job again for what this machine failed in`);
    return mapped;
  } finally {
    await results?.discard();
  }
}

interface Open {
  readonly inputs: Inputs;
  readonly results?: Results;
  readonly keep?: Keep;
}

async function runAll(
  loaded: LoadedJob,
  { inputs, results, keep }: Open,
  flags: MapFlags,
  signal: AbortSignal,
): Promise<Mapped> {
  const { file, terms, merge } = loaded;
  // How much of the whole each input is, for as long as it is under way.
  const weights: number[] = [];
  const { engine = file.engine, threads } = flags;
  const options = { engine, ...isolationOf(flags), ...(threads !== undefined && { threads }), ...shareOf(flags) };
  jobProcess(terms.kernel, ...(merge ? [merge.kernel] : []));
  // A metered kernel is stopped without its thread, so that hardly ever one has to be replaced.
  const pool = await createPool(options, { spares: 0, batchMsTarget: BATCH_MS });
  const progress = createProgress();
  const begun = performance.now();
  const takenOver = createTakenOver();
  let [over, weightDone] = [0, 0];
  const onProgress = ({ done, failed }: Progress) => {
    for (; over < done + failed; over++) weightDone += weights.shift() ?? 0;
    progress.step(over, weightDone / Math.max(1, inputs.totalBytes));
  };
  // Values are encoded elsewhere.
  const room = takesJson(terms.kernel) ? undefined : pool.room;
  const each = inputsOf(terms.kernel, inputs.each(room), (length) => weights.push(length));
  const job = { ...terms, ...(merge && { merge }), inputs: each };
  const outcomes = keep
    ? keep.map(pool, job, {
        ...{ signal, onProgress, onNotice: takenOver.onNotice, tasksMax: underWay(threads) },
        ...(flags.every !== undefined && { everyMs: flags.every }),
      })
    : pool.map(job, { signal, onProgress });
  try {
    const mapped = await gather(outcomes, loaded, results);
    return { ...mapped, wallMs: performance.now() - begun, ...(keep && { takenOver: takenOver.read() }) };
  } finally {
    progress.stop();
    await pool.close('end');
  }
}

/** As many as `pool.map` has. */
function underWay(threads = availableParallelism()): number {
  return threads * BATCH.tasksMax.default * 2;
}
