// What lifted loops give: readable AssemblyScript through the transforms, against raw pointers and against itself without them.
import * as asc from 'assemblyscript/asc';
import { createLift, InlineAccessors } from '../kernels/transform/index.ts';
import { short } from '../runtime/base/units.ts';
import { RAW, READABLE, SUBJECTS } from './lift.ts';
import type { Measure, Result } from './result.ts';
import { geometricMean, interleave, type Timed, type Variant } from './rounds.ts';

type Build = 'lifted' | 'not lifted' | 'plain' | 'raw' | 'raw again';

/** Build -> text and transforms; `plain` is what the compiler makes by itself. */
const BUILDS: Readonly<Record<Build, readonly [text: string, transforms: readonly unknown[]]>> = {
  lifted: [READABLE, [InlineAccessors, createLift()]],
  'not lifted': [READABLE, [InlineAccessors]],
  plain: [READABLE, []],
  raw: [RAW, []],
  'raw again': [RAW, []],
};

type Exports = Readonly<Record<(typeof SUBJECTS)[number] | 'init', () => void>> & { readonly hash: () => bigint };

export default async function measure(): Promise<Result> {
  const modules = new Map<Build, Exports>();
  for (const build of Object.keys(BUILDS) as Build[]) modules.set(build, await start(build));
  const variants = SUBJECTS.flatMap((subject) =>
    [...modules].map(
      ([build, exports]): Variant => ({ name: `${subject}: ${build}`, operations: 1, once: () => exports[subject]() }),
    ),
  );
  const times = await interleave(variants, { rounds: 15, samples: 3 });
  // All were called equally often: all must have come to the same bits.
  const hashes = new Set([...modules.values()].map(({ hash }) => hash()));
  if (hashes.size !== 1) throw new Error('the builds do not give the same bits');
  return {
    name: 'lift',
    times,
    measures: [
      speed(times, ['lifted', 'raw'], 0.8),
      speed(times, ['lifted', 'plain'], 8),
      speed(times, ['lifted', 'not lifted'], undefined),
      speed(times, ['raw again', 'raw'], undefined),
    ],
  };
}

async function start(build: Build): Promise<Exports> {
  const [text, transforms] = BUILDS[build];
  let wasm: Uint8Array | undefined;
  const { error } = await asc.main(['m.ts', '-o', 'm.wasm', '-O3', '--enable', 'simd', '--runtime', 'stub'], {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    transforms: transforms as never[],
    readFile: (name) => (name === 'm.ts' ? text : null),
    writeFile: (_, contents) => {
      wasm = Uint8Array.from(contents as Uint8Array);
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) throw error ?? new Error('nothing was written');
  const abort = () => {
    throw new Error('trapped');
  };
  const { instance } = await WebAssembly.instantiate(wasm as Uint8Array<ArrayBuffer>, { env: { abort } });
  const exports = instance.exports as unknown as Exports;
  exports.init();
  return exports;
}

/** Speed of one build in terms of another: the geometric mean over the subjects, and each of them. By CPU time, minima and medians: all of it is one thread's. */
function speed(times: readonly Timed[], [ours, theirs]: readonly [Build, Build], least: number | undefined): Measure {
  const time = (name: string) => {
    const found = times.find((timed) => timed.name === name);
    if (found === undefined) throw new Error(`no times of ${name}`);
    return found;
  };
  const ratios = SUBJECTS.map((subject) => {
    const [a, b] = [time(`${subject}: ${ours}`), time(`${subject}: ${theirs}`)];
    return { subject, minima: b.cpuMinUs / a.cpuMinUs, medians: b.cpuMedianUs / a.cpuMedianUs };
  });
  const minima = geometricMean(ratios.map((each) => each.minima));
  const medians = geometricMean(ratios.map((each) => each.medians));
  const each = ratios.map(({ subject, minima: ratio }) => `${subject} ${short(ratio)}`).join(', ');
  return {
    measure: `speed of ${ours} over ${theirs}, geometric mean of ${SUBJECTS.length}`,
    value: `${short(minima)}x (minima), ${short(medians)}x (medians): ${each}`,
    must: least === undefined ? 'reported' : `>= ${least}x`,
    holds: least === undefined ? null : Math.min(minima, medians) >= least,
  };
}
