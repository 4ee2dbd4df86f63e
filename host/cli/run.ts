// `lodger run K.wasm`: one task, in a pool of one thread, so that its wall time can be held.
import process from 'node:process';
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { formatDuration, formatFuel, formatSize } from '../../runtime/base/units.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import type { SomeLimits } from '../../runtime/job/limits.ts';
import type { Outcome, Receipt } from '../../runtime/job/outcome.ts';
import { createPool, type Isolation } from '../cell/isolation.ts';
import type { Strictness } from '../cell/walls.ts';
import { readWhole, writeWhole } from '../jobs/files.ts';
import { loadKernel } from '../jobs/load.ts';
import { JSON_OUTPUT_BYTES, textOf } from '../jobs/results.ts';
import { linesBeside, type Place, placed, traceText } from '../jobs/trace.ts';
import { inputOf, takesJson, textOfOutput } from '../jobs/values.ts';
import { jobProcess } from '../platform/own-process.ts';
import { type CheckpointFlags, checkCheckpoint, everyTime, type Kept, runKept } from './checkpoint.ts';
import { interruptible } from './interrupt.ts';
import { isolationKind, isolationOf, strictOption } from './isolated.ts';
import {
  cpuShare,
  engineChoice,
  example,
  type Finish,
  loadGrants,
  several,
  shareOf,
  sizeLimit,
  timeLimit,
  wholeNumber,
} from './options.ts';
import { createStepProgress } from './progress.ts';
import { columns, indented, isPrintable, note, noteLog, print, printable, printJson } from './say.ts';

interface RunFlags extends CheckpointFlags {
  readonly engine: EngineChoice;
  readonly input?: string;
  readonly output?: string;
  readonly picture?: string;
  readonly grant: readonly string[];
  readonly memoryMax?: number;
  readonly outputMax?: number;
  readonly fuelMax?: number;
  readonly wallMax?: number;
  readonly cpuShare?: number;
  readonly isolation?: Isolation;
  readonly strict?: Strictness;
  readonly arg: readonly string[];
  readonly seed?: number;
  readonly digests?: true;
  readonly deterministic: boolean;
  readonly raw?: true;
  readonly json?: true;
}

export function addRun(program: Command, finish: Finish): void {
  program
    .command('run')
    .description('run a kernel on one input')
    .argument('<kernel>', 'a .wasm file')
    .option('--input <file>', 'the input, "-" for standard input (default: no bytes); JSON for a typed kernel')
    .option('--output <file>', 'where the output goes (default: standard output)')
    .option(
      '--picture <file>',
      'a PNG of the output, if it is of a form that has one: wave, dynamics, fractal, spectra',
    )
    .option('--engine <name>', 'auto, v8 or wasmtime', engineChoice, 'auto')
    .option(
      '--grant <spec>',
      'log, random, clock, blobs:NAME=FILE, files:/PATH=FOLDER:read or http:ORIGIN:GET; may be given several times',
      several,
      [],
    )
    .option('--memory-max <size>', 'memory the kernel may have, as 64MiB', sizeLimit('memoryBytesMax', '--memory-max'))
    .option('--output-max <size>', 'output it may give, as 1MiB', sizeLimit('outputBytesMax', '--output-max'))
    .option('--fuel-max <n>', 'fuel it may use', wholeNumber('--fuel-max', 0, TASK.fuelMax.max))
    .option('--cpu-share <share>', 'share of one core that it may have, 0.05 to 1 (default: 1)', cpuShare)
    .option('--isolation <kind>', 'thread (the default), or process: a jailed one', isolationKind)
    .addOption(strictOption('; in a process'))
    .option('--wall-max <time>', 'time it may take, as 10s', timeLimit('wallMsMax', '--wall-max'))
    .option('--arg <text>', 'an argument of a WASI program; may be given several times', several, [])
    .option('--seed <n>', 'seed of its random bytes', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER))
    .option('--no-deterministic', 'leave the bits of NaNs to the machine, which is a little faster')
    .option('--checkpoint <dir>', 'of a stepper: keep images of it in this folder, and go on from the newest one there')
    .option('--every <time>', 'how often an image is taken (default: 10s)', everyTime)
    .option('--keep-images', 'leave the images in the folder at the end')
    .option('--digests', 'name input and output by digest in the receipt')
    .option('--raw', 'give and take the bytes of a typed kernel instead of JSON')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger run my-kernel.wasm --input data.txt --output answer.bin --wall-max 10s'))
    .action(async (path: string, flags: RunFlags) => {
      checkCheckpoint(flags);
      const { text, places, ...kept } = await interruptible((signal) => runOnce(path, flags, signal));
      const { outcome } = kept;
      for (const line of outcome.log.lines) noteLog(line);
      if (outcome.log.linesDropped > 0) note(`lodger: ${outcome.log.linesDropped} more log lines were dropped`);
      await (flags.json ? giveJson({ ...kept, text, places }, flags) : give(outcome, flags, text));
      await kept.tidy();
      if (outcome.state === 'failed') note(`lodger: ${indented(outcome.message)} [${outcome.code}]`);
      for (const line of traceText(places)) note(`  ${printable(line)}`);
      if (process.stderr.isTTY && !flags.json) note(columns(receiptRows(outcome.receipt)).trimEnd());
      finish(outcome.state === 'done' ? 0 : 1);
    });
}

/** The outcome, the output of a typed kernel as JSON, and where a kernel failed. */
interface Ran extends Kept {
  readonly text: string | undefined;
  readonly places: readonly Place[];
}

async function runOnce(path: string, flags: RunFlags, signal: AbortSignal): Promise<Ran> {
  const kernel = await loadKernel(path);
  const { grants, blobs } = await loadGrants(flags.grant);
  const limits: SomeLimits = {
    ...(flags.memoryMax === undefined ? {} : { memoryBytesMax: flags.memoryMax }),
    ...(flags.outputMax === undefined ? {} : { outputBytesMax: flags.outputMax }),
    ...(flags.fuelMax === undefined ? {} : { fuelMax: flags.fuelMax }),
    ...(flags.wallMax === undefined ? {} : { wallMsMax: flags.wallMax }),
  };
  const isJson = takesJson(kernel) && flags.raw !== true;
  if (isJson && flags.input === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['--input', 'given: this kernel takes a value, as JSON']);
  const written = await readInput(flags.input, signal);
  const input = isJson ? inputOf(kernel, written) : written;
  const seed = flags.seed === undefined ? {} : { seed: flags.seed };
  const { digests = false, deterministic } = flags;
  const args = flags.arg.length > 0 ? { args: flags.arg } : {};
  const task = { kernel, input, grants, blobs, limits, ...args, ...seed, digests, deterministic };
  jobProcess(kernel);
  const pool = await createPool({ engine: flags.engine, ...isolationOf(flags), threads: 1, ...shareOf(flags) });
  const progress = kernel.shape === 'stepper' ? createStepProgress() : undefined;
  const options = { signal, ...(progress && { onProgress: progress.step }) };
  try {
    const kept =
      flags.checkpoint === undefined
        ? { outcome: await pool.run(task, options), tidy: async () => undefined }
        : await runKept(pool, task, flags, options);
    const { outcome } = kept;
    const shown = outcome.state === 'done' && flags.raw !== true;
    const trace = outcome.state === 'failed' ? outcome.trace : undefined;
    return {
      ...kept,
      text: shown ? textOfOutput(kernel, outcome.output) : undefined,
      places: trace ? placed(trace, await linesBeside(path, kernel)) : [],
    };
  } finally {
    progress?.stop();
    await pool.close('end');
  }
}

async function readInput(file: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
  if (file === undefined) return new Uint8Array();
  if (file !== '-') return readWhole(file, TASK.inputBytesMax.default);
  const parts: Uint8Array[] = [];
  let size = 0;
  signal.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  for await (const part of process.stdin as AsyncIterable<Uint8Array>) {
    parts.push(part);
    size += part.byteLength;
    if (size <= TASK.inputBytesMax.default) continue;
    throw new LodgerError('ERR_FILE', ['read', '-', `at most ${formatSize(TASK.inputBytesMax.default)} are read`]);
  }
  return Buffer.concat(parts);
}

/** The output goes first, so that it is not lost where it has no picture. */
async function give(outcome: Outcome, { output: file, picture }: RunFlags, text?: string): Promise<void> {
  if (outcome.state === 'failed') return;
  await giveOutput(text === undefined ? outcome.output : Buffer.from(`${text}\n`), file);
  if (picture !== undefined) await givePicture(outcome.output, picture);
}

async function givePicture(output: Uint8Array, path: string): Promise<void> {
  const { pictureOf } = await import('./view/pictures.ts');
  await writeWhole(path, pictureOf(output, path));
}

async function giveOutput(output: Uint8Array, file: string | undefined): Promise<void> {
  if (file !== undefined) return writeWhole(file, output);
  if (!process.stdout.isTTY) return print(output);
  const text = textOf(output);
  if (text !== undefined && isPrintable(text.replaceAll('\r\n', '\n')))
    await print(text.endsWith('\n') ? text : `${text}\n`);
  else note(`lodger: the output, ${formatSize(output.byteLength)}, is no text: write it to a file with --output`);
}

/** With `--output`, the document names the file instead of holding the bytes. It is printed last: no other may follow it. */
async function giveJson(
  { outcome, resumed, text, places }: Omit<Ran, 'tidy'>,
  { output: file, picture }: RunFlags,
): Promise<void> {
  const { state, log, receipt } = outcome;
  const logged = {
    ...(log.lines.length + log.linesDropped > 0 && { log }),
    ...(resumed && { resumed }),
  };
  if (outcome.state === 'failed') {
    const { code, fault, message } = outcome;
    return printJson({ state, code, fault, message, ...(places.length > 0 && { trace: places }), ...logged, receipt });
  }
  const { output } = outcome;
  if (file === undefined && output.byteLength > JSON_OUTPUT_BYTES) {
    const reason = `${formatSize(output.byteLength)} is too large for a document; use --output`;
    throw new LodgerError('ERR_FILE', ['write', 'the output', reason]);
  }
  if (file !== undefined) await writeWhole(file, text === undefined ? output : `${text}\n`);
  if (picture !== undefined) await givePicture(output, picture);
  const shown = () =>
    text === undefined ? { output: Buffer.from(output).toString('base64') } : { value: JSON.parse(text) };
  const given = file === undefined ? shown() : { outputFile: file };
  return printJson({ state, ...given, ...(picture === undefined ? {} : { pictureFile: picture }), ...logged, receipt });
}

function receiptRows(receipt: Receipt): (readonly [string, string])[] {
  const { memoryBytesPeak: peak, fuel = receipt.fuelAtLeast } = receipt;
  const cpu = receipt.cpuMs === undefined ? '' : `, CPU ${formatDuration(receipt.cpuMs)}`;
  const calls = Object.entries(receipt.calls).map(([name, count]) => `${name} ${count}`);
  return [
    ['time', `${formatDuration(receipt.wallMs)}${cpu}`],
    ...(fuel === undefined ? [] : [['fuel', formatFuel(fuel, receipt.cpuMs ?? receipt.wallMs)] as const]),
    ...(peak === undefined ? [] : [['memory', `${formatSize(peak)} at its peak`] as const]),
    ['bytes', `${formatSize(receipt.bytesIn)} in, ${formatSize(receipt.bytesOut)} out`],
    ['calls', calls.join(', ') || 'none'],
    ['engine', `${receipt.engine.name} ${receipt.engine.version}`],
    ...outsideRows(receipt),
    ...(receipt.isolation === undefined ? [] : [['walls', receipt.isolation.join(', ') || 'none'] as const]),
    ...(receipt.inputDigest === undefined ? [] : [['input', `sha256:${receipt.inputDigest}`] as const]),
    ...(receipt.outputDigest === undefined ? [] : [['output', `sha256:${receipt.outputDigest}`] as const]),
  ];
}

/** What reached beyond the task. */
function outsideRows({ outside }: Receipt): (readonly [string, string])[] {
  if (!outside) return [];
  const { given, files, requests } = outside;
  return [
    ['granted', given.join(', ') || 'nothing'],
    ...(files
      ? [['files', `${formatSize(files.bytesRead)} read, ${formatSize(files.bytesWritten)} written`] as const]
      : []),
    ...(requests ?? []).map(
      ({ method, origin, status, bytesReceived }) =>
        ['request', `${method} ${origin}: ${status || 'no answer'}, ${formatSize(bytesReceived)}`] as const,
    ),
  ];
}
