// `lodger verify A.img B.img --kernel K.wasm`: does the steps between two images again, and says whether the second follows; with
// `--input` and `--result` also those from the beginning and to the output.
// `lodger verify RECEIPTS` checks signed receipts: see `verify-receipts.ts`.
import process from 'node:process';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { toHex } from '../../runtime/base/platform.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import { type AuditVerdict, type LinkVerdict, verifyImages } from '../../runtime/sandbox/audit.ts';
import type { Finding } from '../../runtime/snapshot/verify.ts';
import { readWhole } from '../jobs/files.ts';
import { loadKernel } from '../jobs/load.ts';
import { either, readImage } from '../keep/image-file.ts';
import { nodeEngine } from '../platform/engines.ts';
import { imaging } from '../platform/imaging.ts';
import { engineChoice, example, type Finish, loadGrants, several } from './options.ts';
import { note, print, printable, printJson } from './say.ts';
import { areReceipts, giveReceipts, verifyReceipts } from './verify-receipts.ts';

/** Findings of a link that are shown; the others are counted. */
const FINDINGS_SHOWN = 10;

interface VerifyFlags {
  readonly kernel?: string;
  readonly engine: EngineChoice;
  readonly grant: readonly string[];
  readonly input?: string;
  readonly result?: string;
  readonly siteKey?: string;
  readonly json?: true;
}

export function addVerify(program: Command, finish: Finish): void {
  program
    .command('verify')
    .description('check signed receipts; or do the steps between two images of a stepper again')
    .argument('<from>', 'receipts, as lodger results writes them; or an image, beside the others of its chain')
    .argument('[to...]', 'more receipts; or a later image of the same task')
    .option('--site-key <hex>', 'of receipts: the public key that the site is known by')
    .option('--kernel <file>', 'the kernel of the task')
    .option('--engine <name>', 'auto, v8 or wasmtime', engineChoice, 'auto')
    .option('--input <file>', "the task's input: checks the steps from its beginning on, too")
    .option('--result <file>', "the task's output: checks the steps from the last image to it, too")
    .option('--grant <spec>', 'what the task was granted, as for run; may be given several times', several, [])
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      example(
        'lodger verify receipts.ndjson',
        'lodger verify early.img late.img --kernel my-stepper.wasm --grant log --grant random',
        'lodger verify late.img --input input.bin --result output.bin --kernel my-stepper.wasm --grant log --grant random',
      ),
    )
    .action(async (from: string, [to, ...more]: readonly string[], flags: VerifyFlags) => {
      if (await areReceipts(from)) {
        const found = await verifyReceipts([from, ...(to === undefined ? [] : [to]), ...more], flags.siteKey);
        await giveReceipts(found, flags);
        return finish(found.holds ? 0 : 1);
      }
      const isAlone = flags.input === undefined && flags.result === undefined;
      if (more.length > 0 || (to === undefined && isAlone))
        throw new LodgerError('ERR_OPTION_INVALID', ['to', 'given: one later image of the same task']);
      const verdict = await verifyFiles(from, to, flags);
      if (flags.json) await printJson({ state: verdict.follows ? 'follows' : 'differs', ...verdict });
      else await print(textOf(verdict));
      finish(verdict.follows ? 0 : 1);
    });
}

async function verifyFiles(from: string, to: string | undefined, flags: VerifyFlags): Promise<AuditVerdict> {
  if (flags.kernel === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['--kernel', "given: the image's kernel"]);
  const kernel = await loadKernel(flags.kernel);
  const { grants, blobs } = await loadGrants(flags.grant);
  const one = await readImage(from);
  const other = to === undefined ? one : await readImage(to);
  const input = flags.input === undefined ? undefined : await readWhole(flags.input, TASK.inputBytesMax.max);
  const result = flags.result === undefined ? undefined : await readWhole(flags.result, TASK.outputBytesMax.max);
  const showsLinks = process.stderr.isTTY && !flags.json;
  return verifyImages({
    ...{ kernel, grants, blobs, store: either(one.store, other.store), to: other.digest },
    ...(input === undefined ? { from: one.digest } : { input }),
    ...(result && { output: toHex(imaging.digest(result)) }),
    ...{ engine: nodeEngine(flags.engine), platform: imaging },
    onLink: (link) => {
      if (showsLinks) note(lineOf(link));
    },
  });
}

function textOf({ follows, links, linksTotal }: AuditVerdict): string {
  const wrong = links.filter((link) => !link.follows);
  const left = linksTotal - links.length;
  const unseen = left > 0 ? `; the ${left} after it could not be checked` : '';
  const hasEnds = links.some((link) => link.from === null || link.to === null);
  const [what, whence, parts] = hasEnds
    ? ['the work', '', 'intervals']
    : ['the second image', ' from the first', 'images'];
  const verdict = follows
    ? `${what} follows${whence}: ${linksTotal} ${parts} checked\n`
    : `${what} does not follow${whence}: ${wrong.length} of ${links.length} ${parts} are wrong${unseen}\n`;
  return verdict + wrong.map((link) => `${lineOf(link)}\n${findingsText(link)}`).join('');
}

function lineOf({ follows, to, fromStep, toStep }: LinkVerdict): string {
  const what =
    to === null ? `after step ${fromStep}, the output` : `steps ${fromStep} to ${toStep}, image ${to.slice(0, 12)}`;
  return `${follows ? 'right' : 'WRONG'}  ${what}`;
}

function findingsText({ findings, findingsTotal }: LinkVerdict): string {
  const shown = findings.slice(0, FINDINGS_SHOWN).map((finding) => `  ${printable(findingText(finding))}\n`);
  const more = findingsTotal - shown.length;
  return shown.join('') + (more > 0 ? `  and ${more} more\n` : '');
}

function findingText(finding: Finding): string {
  switch (finding.place) {
    case 'page':
      return `page ${finding.page} of memory, from byte ${finding.page * 4096}`;
    case 'global':
      return finding.segment === undefined
        ? `global ${finding.global}`
        : `whether data segment ${finding.segment} was dropped`;
    case 'field':
      return `${finding.field}: ${JSON.stringify(finding.claimed)}, the replay has ${JSON.stringify(finding.replayed)}`;
    case 'link':
      return finding.reason;
    default:
      return finding satisfies never;
  }
}
