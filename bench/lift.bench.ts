// What lifted loops give: readable AssemblyScript through the transforms, against raw pointers and against itself without them; seven loops
// by themselves, and the kernels of the suite as an author writes them.
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import * as asc from 'assemblyscript/asc';
import { createLift, InlineAccessors, KernelAbi } from '../kernels/transform/index.ts';
import { short } from '../runtime/base/units.ts';
import { RAW, READABLE, SUBJECTS } from './lift.ts';
import { onV8, runKernel } from './metered.ts';
import { readableOf, readableSource } from './readable.ts';
import type { Measure, Result } from './result.ts';
import { geometricMean, interleave, type Timed, type Variant } from './rounds.ts';
import { suiteKernels } from './suite.ts';

type Build = 'lifted' | 'not lifted' | 'plain' | 'raw' | 'raw again';

interface Way {
  readonly transforms: readonly unknown[];
  /** Of the loops: the same with pointers. Of kernels: array elements are loaded and stored without a check, as with pointers. */
  readonly isRaw?: boolean;
}

/** `plain` is what the compiler makes by itself. */
const BUILDS: Readonly<Record<Build, Way>> = {
  lifted: { transforms: [InlineAccessors, createLift()] },
  'not lifted': { transforms: [InlineAccessors] },
  plain: { transforms: [] },
  raw: { transforms: [InlineAccessors], isRaw: true },
  'raw again': { transforms: [InlineAccessors], isRaw: true },
};

type Exports = Readonly<Record<(typeof SUBJECTS)[number] | 'init', () => void>> & { readonly hash: () => bigint };

export default async function measure(): Promise<Result> {
  // V8's good code from the first call on, as jobs have it: else chance decides how many rounds are of the code that it makes first.
  setFlagsFromString('--no-liftoff');
  try {
    return await inGoodCode();
  } finally {
    // Other benchmarks may come after this one.
    setFlagsFromString('--liftoff');
  }
}

async function inGoodCode(): Promise<Result> {
  const loops = await interleave(await loopVariants(), { rounds: 15, samples: 3 });
  const suite = await suiteVariants();
  const times = [...loops, ...(await interleave(suite, { rounds: 7, samples: 1 }))];
  const kernels = [...new Set(suite.map(({ name }) => name.split(':')[0] as string))];
  return {
    name: 'lift',
    times,
    measures: [
      speed(times, kernels, ['lifted', 'raw'], 0.8),
      speed(times, kernels, ['lifted', 'plain'], 8),
      speed(times, kernels, ['lifted', 'not lifted'], undefined),
      speed(times, kernels, ['raw again', 'raw'], undefined),
    ],
  };
}

/** All are called equally often: all must have come to the same bits in the end, which is seen to before any time is told. */
async function loopVariants(): Promise<Variant[]> {
  const modules = new Map<Build, Exports>();
  for (const [build, { transforms, isRaw }] of Object.entries(BUILDS) as [Build, Way][])
    modules.set(build, start(await compile(isRaw ? RAW : READABLE, transforms)));
  for (const exports of modules.values()) for (const subject of SUBJECTS) exports[subject]();
  const hashes = new Set([...modules.values()].map(({ hash }) => hash()));
  if (hashes.size !== 1) throw new Error('the builds do not give the same bits');
  return SUBJECTS.flatMap((subject) =>
    [...modules].map(([build, exports]) => ({
      name: `${subject}: ${build}`,
      operations: 1,
      once: () => exports[subject](),
    })),
  );
}

/** Whole tasks, since most of these take long; all builds give the same bytes. */
async function suiteVariants(): Promise<Variant[]> {
  const variants: Variant[] = [];
  for (const subject of await suiteKernels('slice')) {
    const readable = await readableOf(subject);
    if (!readable) continue;
    const text = await readFile(readableSource(subject), 'utf8');
    let first: Uint8Array | undefined;
    for (const [build, { transforms, isRaw }] of Object.entries(BUILDS) as [Build, Way][]) {
      const module = onV8(
        await compile(text, [...transforms, KernelAbi], isRaw ? ['--uncheckedBehavior', 'always'] : []),
      );
      const output = runKernel(module, readable.input);
      first ??= output;
      if (Buffer.compare(first, output) !== 0) throw new Error(`${subject.name}, ${build}: another output`);
      variants.push({
        name: `${subject.name}: ${build}`,
        operations: 1,
        once: () => void runKernel(module, readable.input),
      });
    }
  }
  return variants;
}

/** As kernels are built. */
async function compile(text: string, transforms: readonly unknown[], more: readonly string[] = []) {
  let wasm: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const options = 'm.ts -o m.wasm -O3 --enable simd --runtime stub --exportStart _initialize'.split(' ');
  const { error } = await asc.main([...options, ...more], {
    stdout: asc.createMemoryStream(),
    stderr,
    transforms: transforms as never[],
    readFile: (name) => (name === 'm.ts' ? text : null),
    writeFile: (_, contents) => {
      wasm = Uint8Array.from(contents as Uint8Array);
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) throw new Error(`a build failed: ${error?.message} ${stderr.toString()}`);
  return wasm as Uint8Array<ArrayBuffer>;
}

function start(wasm: Uint8Array<ArrayBuffer>): Exports {
  const abort = () => {
    throw new Error('trapped');
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { abort } });
  const made = exports as unknown as Exports & { readonly _initialize: () => void };
  made._initialize();
  made.init();
  return made;
}

interface Ratio {
  readonly subject: string;
  readonly minima: number;
  readonly medians: number;
}

/**
 * Speed of one build in terms of another: the geometric mean of the seven loops and of the suite, which counts as one by the mean of its
 * kernels; then each of them, and the mean if every kernel counts. By CPU time, minima and medians: all of it is one thread's.
 */
function speed(
  times: readonly Timed[],
  kernels: readonly string[],
  [ours, theirs]: readonly [Build, Build],
  least: number | undefined,
): Measure {
  const time = (name: string) => {
    const found = times.find((timed) => timed.name === name);
    if (found === undefined) throw new Error(`no times of ${name}`);
    return found;
  };
  const ratio = (subject: string): Ratio => {
    const [a, b] = [time(`${subject}: ${ours}`), time(`${subject}: ${theirs}`)];
    return { subject, minima: b.cpuMinUs / a.cpuMinUs, medians: b.cpuMedianUs / a.cpuMedianUs };
  };
  const [loops, suite] = [SUBJECTS.map(ratio), kernels.map(ratio)];
  const asOne = { subject: 'suite', ...meanOf(suite) };
  const { minima, medians } = meanOf([...loops, asOne]);
  const all = meanOf([...loops, ...suite]);
  return {
    measure: `speed of ${ours} over ${theirs}, geometric mean of seven loops and the suite`,
    value:
      `${short(minima)}x (minima), ${short(medians)}x (medians): ${listOf([...loops, asOne])} ` +
      `(${listOf(suite)}); where every kernel counts: ${short(all.minima)}x, ${short(all.medians)}x`,
    must: least === undefined ? 'reported' : `>= ${least}x`,
    holds: least === undefined ? null : Math.min(minima, medians) >= least,
  };
}

function meanOf(ratios: readonly Ratio[]): { readonly minima: number; readonly medians: number } {
  return {
    minima: geometricMean(ratios.map(({ minima }) => minima)),
    medians: geometricMean(ratios.map(({ medians }) => medians)),
  };
}

function listOf(ratios: readonly Ratio[]): string {
  return ratios.map(({ subject, minima }) => `${subject} ${short(minima)}`).join(', ');
}
