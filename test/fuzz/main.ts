// npm run fuzz -- --minutes N: generated kernels on both engines until the time is up. Exits with 1 if any task ended differently.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { interruptible } from '../../host/cli/interrupt.ts';
import { createProgress } from '../../host/cli/progress.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { openFinds } from './found.ts';
import { fuzz, type Summary } from './fuzz.ts';
import { openLanes, plotOn } from './lanes.ts';
import { describeSummary } from './summary.ts';

const USAGE = `npm run fuzz -- [--minutes N] [--modules N] [--seed N] [--output DIR] [--json]

Runs generated kernels on V8 and Wasmtime and compares how they end, for 1 minute if neither --minutes nor --modules is given.
The first kernel has the seed, the next ones those after it: --seed SEED --modules 1 makes one of them again.
`;

interface Wanted {
  readonly seconds: number;
  readonly modules: number;
  readonly seed: number;
  readonly output: string;
  readonly json: boolean;
}

/** What was asked for, or undefined if it makes no sense. */
function read(args: readonly string[]): Wanted | undefined {
  const text = { type: 'string' } as const;
  const options = { minutes: text, modules: text, seed: text, output: text, json: { type: 'boolean' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const { minutes, modules, seed, output = 'fuzz-found', json = false } = values;
    const wanted: Wanted = {
      seconds: 60 * Number(minutes ?? (modules === undefined ? 1 : 60 * 24 * 365)),
      modules: Number(modules ?? Number.MAX_SAFE_INTEGER),
      seed: Number(seed ?? Date.now() * 1_000),
      output,
      json,
    };
    const isSound = wanted.seconds > 0 && wanted.modules > 0 && Number.isSafeInteger(wanted.seed) && wanted.seed >= 0;
    return isSound && Number.isSafeInteger(wanted.modules) ? wanted : undefined;
  } catch {
    return undefined;
  }
}

async function run({ seconds, modules, seed, output }: Wanted, signal: AbortSignal): Promise<Summary> {
  const lanes = await openLanes();
  const finds = await openFinds(output);
  const progress = createProgress();
  const begun = performance.now();
  const share = (done: number) => Math.max((performance.now() - begun) / (seconds * 1_000), done / modules);
  try {
    return await fuzz({
      seed,
      plotOf: plotOn(lanes),
      goesOn: (done) => {
        progress.step(done, share(done));
        return !signal.aborted && share(done) < 1;
      },
      onSeeds: finds.underWay,
      onDifference: async (found) => {
        const folder = await finds.save(found);
        process.stderr.write(`seed ${found.seed}, ${found.lanes.join(' against ')}: ${found.text} (${folder})\n`);
      },
    });
  } finally {
    progress.stop();
    await finds.close();
    await lanes.close();
  }
}

async function main(wanted: Wanted): Promise<void> {
  const begun = performance.now();
  const summary = await interruptible((signal) => run(wanted, signal));
  const seconds = (performance.now() - begun) / 1_000;
  process.stdout.write(describeSummary(summary, { seed: wanted.seed, seconds, json: wanted.json }));
  if (process.exitCode === undefined && summary.differences.length > 0) process.exitCode = 1;
}

const wanted = read(process.argv.slice(2));
try {
  if (wanted !== undefined) await main(wanted);
  else {
    process.stderr.write(USAGE);
    process.exitCode = 2;
  }
} catch (error) {
  // There is no Wasmtime here, and the message says why.
  if (!(error instanceof LodgerError)) throw error;
  process.stderr.write(`${error.message} (${error.code})\n`);
  process.exitCode = 2;
}
