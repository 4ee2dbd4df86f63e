// `lodger submit JOB.json`: a job to a site; with `--wait`, its results as they come, as `map` writes them.
import { createHash, randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { check } from '../../runtime/base/schema.ts';
import { formatCount, formatDuration, parseDuration, short } from '../../runtime/base/units.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Confidence } from '../../runtime/job/site-terms.ts';
import { permitJob } from '../../runtime/sandbox/permit.ts';
import type { SiteClient } from '../client/site.ts';
import { sleep } from '../client/sleep.ts';
import { type Asked, feed, manifestOf } from '../client/submit.ts';
import { openInputs } from '../jobs/inputs.ts';
import { type LoadedJob, loadJob } from '../jobs/load.ts';
import { openResults } from '../jobs/results.ts';
import { inputsOf } from '../jobs/values.ts';
import { node } from '../platform/node.ts';
import type { Estimate } from '../wire/answers.ts';
import { IdSchema } from '../wire/api.ts';
import { interruptible } from './interrupt.ts';
import { gather, give, giveJson } from './mapped.ts';
import { blobFiles, example, type Finish, several, wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';
import { columns, note, print, printable, printJson } from './say.ts';
import { atSite, type SiteFlags, type Way, wayOf, withSite } from './site.ts';
import { watchStill } from './still.ts';
import { pictureIfAny } from './view/beside.ts';

interface SubmitFlags extends SiteFlags {
  readonly wait?: true;
  readonly estimate?: true;
  readonly id?: string;
  readonly priority?: number;
  readonly confidence?: Confidence;
  readonly deadline?: number;
  readonly anywhere?: true;
  readonly output?: string;
  readonly input?: string;
  readonly blob: readonly string[];
  readonly json?: true;
}

/** How long a command waits for a site that is away, when a job is under way. */
const PATIENCE_MS = 600_000;
const PRIORITY_MAX = 100;

export function addSubmit(program: Command, finish: Finish): void {
  withSite(program.command('submit'))
    .description('send a job to a site')
    .argument('<job>', 'a job file')
    .option('--wait', 'stay until it is done, and write the results as map does')
    .option('--estimate', 'only say what it would cost')
    .option('--id <id>', 'its id; what is sent again under one id is not done again', idOf)
    .option('--priority <n>', 'of your jobs, the higher goes first', wholeNumber('--priority', 0, PRIORITY_MAX))
    .option('--confidence <share>', 'how sure results must be: 0.5 to 0.999999, or trusted', confidenceOf)
    .option('--deadline <time>', 'begin no task after this time, as 2h', (text) => parseDuration(text, '--deadline'))
    .option('--anywhere', 'let other sites run it, too')
    .option('--output <dir>', 'with --wait, folder for the results, instead of the place in the job file')
    .option('--input <file>', 'another file in place of the one that the job file cuts into tasks')
    .option('--blob <name=file>', 'another file for a blob of the job file; may be given several times', several, [])
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger submit job.json --id my-job --wait', 'lodger submit job.json --estimate'))
    .action(async (path: string, flags: SubmitFlags) => {
      const job = await loadJob(path, {
        blobs: blobFiles(flags.blob),
        ...(flags.input === undefined ? {} : { input: flags.input }),
      });
      const way = await wayOf(flags);
      if (flags.estimate) return estimate(job, flags).then(() => finish(0));
      const id = flags.id ?? randomUUID();
      if (!flags.wait) return send(job, id, flags).then(() => finish(0));
      const mapped = await interruptible((signal) => waitFor(job, way, { id, flags, signal }));
      await (flags.json ? giveJson(mapped, { job: id }) : give(mapped));
      finish(mapped.sum.failed === 0 ? 0 : 1);
    });
}

/** What the job file and the command line ask of the site, the command line first. */
function askedOf({ file }: LoadedJob, { priority, confidence, deadline, anywhere }: SubmitFlags): Asked {
  return {
    ...file.site,
    ...(file.engine !== 'auto' && { requirements: { engine: file.engine, ...file.site?.requirements } }),
    ...(anywhere && { sites: file.site?.sites ?? {} }),
    ...(priority !== undefined && { priority }),
    ...(confidence !== undefined && { confidence }),
    ...(deadline !== undefined && { deadline: Date.now() + deadline }),
  };
}

function opened({ file, folder }: LoadedJob) {
  return openInputs(file.inputs, folder, fillLimits(file.limits).inputBytesMax);
}

interface Waiting {
  readonly id: string;
  readonly flags: SubmitFlags;
  readonly signal: AbortSignal;
}

/** Runs a job at a site and writes its results, whole or not at all. */
export async function waitFor(job: LoadedJob, { url, token, ca }: Way, { id, flags, signal }: Waiting) {
  const inputs = await opened(job);
  const results = await openResults(job.file.results, job.folder, {
    picture: pictureIfAny,
    ...(flags.output !== undefined && { output: flags.output }),
  });
  const terms = askedOf(job, flags);
  const { connect } = await import('../client/connect.ts');
  const runner = await connect(url, token, { patienceMs: PATIENCE_MS, terms, ...(ca !== undefined && { ca }) });
  const progress = createProgress();
  const leaving = new AbortController();
  try {
    const weights: number[] = [];
    const each = inputsOf(job.terms.kernel, inputs.each(), (length) => weights.push(length));
    if (progress.isShown) void showed(runner.site, id, progress, leaving.signal);
    let came = 0;
    const counted = async function* (outcomes: AsyncIterable<Outcome>) {
      for await (const outcome of outcomes) {
        came++;
        yield outcome;
      }
    };
    const rest = (ms: number) => sleep(ms, leaving.signal).then(() => !leaving.signal.aborted);
    void watchStill({ site: runner.site, job: id, next: () => came, say: progress.say, rest });
    const outcomes = runner.mapAs(
      id,
      { ...job.terms, ...(job.merge && { merge: job.merge }), inputs: each },
      { signal, detach: true },
    );
    const mapped = await gather(counted(outcomes), job, results);
    await results?.finish();
    return mapped;
  } catch (error) {
    if (signal.aborted) note(`lodger: job ${id} goes on at the site if all its inputs are there: lodger results ${id}`);
    throw error;
  } finally {
    leaving.abort();
    progress.stop();
    await results?.discard();
    await runner.site.close();
  }
}

/** Moves the bar as the site tells of the job: outcomes themselves may be held until its end. */
async function showed(
  site: SiteClient,
  id: string,
  progress: ReturnType<typeof createProgress>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { tasks, counts } of site.follow(id, signal)) {
        const over = counts.done + counts.failed + counts.provisional;
        progress.step(over, over / Math.max(1, tasks));
      }
      return;
    } catch {
      // The job is not there yet, or the site is away: what matters is told elsewhere.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function send(job: LoadedJob, id: string, flags: SubmitFlags): Promise<void> {
  const { terms } = job;
  const inputs = await opened(job);
  const permit = permitJob(
    { platform: node, metered: true, wallMsDefault: TASK.wallMsMax.default },
    { ...terms, ...(job.merge && { merge: job.merge }), inputs: [] },
  );
  const sent = await interruptible((signal) =>
    atSite(flags, async (site) => {
      const manifest = await manifestOf(job, askedOf(job, flags), (bytes) => site.putBlob(bytes, signal));
      await site.patiently(() => site.ask('submit', { json: { ...manifest, id }, signal }), signal);
      await feed(site, {
        ...{ id, permit, signal, inputs: inputsOf(terms.kernel, inputs.each(), () => undefined) },
        onInput: () => undefined,
        onSent: () => undefined,
      });
      if (!signal.aborted) return site.ask('job', { params: { job: id } });
      await site.ask('cancel', { params: { job: id } });
      throw new LodgerError('ERR_ABORTED');
    }),
  );
  if (flags.json) return printJson(sent);
  note(`lodger: ${sent.tasks} tasks are at the site: lodger status ${id}; lodger results ${id}`);
  await print(`${id}\n`);
}

async function estimate(job: LoadedJob, flags: SubmitFlags): Promise<void> {
  const inputs = await opened(job);
  let tasks = 0;
  for await (const _ of inputs.each()) tasks++;
  const digest = async (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const manifest = await manifestOf(job, askedOf(job, flags), digest);
  const found = await atSite(flags, (site) => site.ask('estimate', { json: { manifest, tasks } }));
  await (flags.json ? printJson(found) : print(textOf(found)));
}

function textOf({ tasks, runs, fuel, ms, why }: Estimate): string {
  return columns([
    ['tasks', String(tasks)],
    ['runs', `${short(runs)}, ${short(((runs - tasks) / tasks) * 100)} % more than tasks`],
    ['fuel', fuel === null ? 'not known before the first tasks have run' : formatCount(fuel)],
    ['time', ms === null ? 'not known' : formatDuration(ms)],
    ['why', printable(why)],
  ]);
}

function idOf(text: string): string {
  return check(IdSchema, text);
}

function confidenceOf(text: string): Confidence {
  const value = Number(text);
  if (text === 'trusted') return text;
  if (/^0\.\d{1,9}$/.test(text) && value >= 0.5 && value <= 0.999999) return value;
  throw new LodgerError('ERR_OPTION_INVALID', ['--confidence', 'trusted, or a number from 0.5 to 0.999999']);
}
