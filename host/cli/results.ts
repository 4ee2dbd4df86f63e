// `lodger results JOB`: the outcomes of a job at a site, in the order of its inputs, and its receipts.
import type { Command } from 'commander';
import { admit } from '../../runtime/admit/admit.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { cancelled, outcomeOf } from '../client/outcome.ts';
import { type Fetch, withOutputs } from '../client/outputs.ts';
import type { SiteClient } from '../client/site.ts';
import { makeFile } from '../jobs/files.ts';
import { lineOf, openResults } from '../jobs/results.ts';
import { readable } from '../jobs/values.ts';
import { node } from '../platform/node.ts';
import { interruptible } from './interrupt.ts';
import { example, type Finish } from './options.ts';
import { columns, note, print, printJson } from './say.ts';
import { atSite, type SiteFlags, withSite } from './site.ts';
import { createSum, type Sum } from './sum.ts';
import { pictureIfAny } from './view/beside.ts';

interface ResultFlags extends SiteFlags {
  readonly output?: string;
  readonly receipts?: string;
  readonly json?: true;
}

export function addResults(program: Command, finish: Finish): void {
  withSite(program.command('results'))
    .description('outcomes of a job at a site, as they come, in the order of its inputs')
    .argument('<job>', 'the id of a job')
    .option('--output <dir>', 'a folder for them, a file a task (default: lines of JSON on standard output)')
    .option('--receipts <file>', 'also write the signed receipts here, a line of JSON each: lodger verify checks them')
    .option('--json', 'print one JSON document, which sums them up')
    .addHelpText(
      'after',
      example('lodger results my-job --output answers', 'lodger results my-job --receipts receipts.ndjson'),
    )
    .action(async (job: string, flags: ResultFlags) => {
      const { sum, ended, receipts } = await interruptible((signal) =>
        atSite(flags, (site) => fetchAll(site, job, { flags, signal })),
      );
      const more = { ...(receipts !== undefined && { receipts }), ...(ended && { cancelled: ended.tasks }) };
      if (flags.json) await printJson({ state: stateOf(sum, ended), job, ...sum, ...more });
      else note(columns([['tasks', `${sum.tasks}: ${sum.done} done, ${sum.failed} failed`]]).trimEnd());
      if (ended) note(`lodger: ${ended.why.message}; ${ended.tasks} of its tasks were not done`);
      finish(stateOf(sum, ended) === 'done' ? 0 : 1);
    });
}

/** A job that was ended before it was done. */
interface Ended {
  /** Its tasks that were not done. */
  readonly tasks: number;
  readonly why: LodgerError;
}

const stateOf = ({ failed }: Sum, ended: Ended | undefined) => (ended ? 'cancelled' : failed === 0 ? 'done' : 'failed');

interface Fetching {
  readonly flags: ResultFlags;
  readonly signal: AbortSignal;
}

async function fetchAll(
  site: SiteClient,
  job: string,
  { flags, signal }: Fetching,
): Promise<{ readonly sum: Sum; readonly ended: Ended | undefined; readonly receipts?: number }> {
  const { manifest } = await site.ask('job', { params: { job } });
  // What a merge gives may be of another type than what it is given.
  const made = manifest.merge?.kernel ?? manifest.kernel;
  const kernel = await admit(await site.getBlob(made, signal), { platform: node });
  const { output: folder } = flags;
  const results =
    folder === undefined
      ? undefined
      : await openResults({ kind: 'folder', folder, pictures: true }, '.', { output: folder, picture: pictureIfAny });
  const sum = createSum();
  let ended: Ended | undefined;
  const fetch: Fetch = (digest, turn) => site.getBlob(digest, signal, turn);
  const take = async (index: number, outcome: Outcome) => {
    const shown = readable(kernel, outcome);
    if (results) await results.add(index, shown);
    else if (!flags.json) await print(lineOf(index, shown));
    sum.add(outcome);
  };
  try {
    for await (const [received, output] of withOutputs(site.outcomes(job, 0, signal), fetch)) {
      if (received.state === 'cancelled') {
        ended = { tasks: (ended?.tasks ?? 0) + 1, why: cancelled(job, received.message) };
        continue;
      }
      const known = { kernel: received.kernel ?? kernel.digest, bytesIn: 0, job, output };
      await take(received.index, outcomeOf(received, known));
    }
    await results?.finish();
  } finally {
    await results?.discard();
  }
  if (flags.receipts === undefined) return { sum: sum.read(), ended };
  return { sum: sum.read(), ended, receipts: await writeReceipts(site, job, flags.receipts) };
}

async function writeReceipts(site: SiteClient, job: string, path: string): Promise<number> {
  const file = await makeFile(path);
  let count = 0;
  try {
    for await (const receipt of site.receipts(job, 0)) {
      await file.write(`${JSON.stringify(receipt)}\n`);
      count++;
    }
    if (count === 0) throw new LodgerError('ERR_NOT_FOUND', ['receipt of job', job]);
    await file.commit();
    return count;
  } finally {
    await file.discard();
  }
}
