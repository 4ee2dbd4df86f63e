// What the meter costs: kernels with it, in slices, against the same without; how much they grow, and how fast it rewrites.
import { readFile } from 'node:fs/promises';
import { short } from '../runtime/base/units.ts';
import { meter } from '../runtime/meter/meter.ts';
import { readModule } from '../runtime/wasm/read.ts';
import { build } from './kernels.ts';
import { LOOPS } from './loops.ts';
import { onV8, onWasmtime, runKernel } from './metered.ts';
import type { Measure, Result } from './result.ts';
import { geometricMean, interleave, median, type Timed } from './rounds.ts';

const ROOT = new URL('../../', import.meta.url);
const utf8 = new TextEncoder();
const WARM_MS = 200;
const ROUND_MS = 40;
const ROUNDS = 21;

interface Subject {
  readonly name: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly input: Uint8Array;
  readonly blob?: Uint8Array;
}

export default async function measure(): Promise<Result> {
  const own = await projectSubjects();
  const loops = await Promise.all(
    Object.entries(LOOPS).map(async ([name, source]) => ({ name, wasm: await build(source), input: new Uint8Array() })),
  );
  const times: Timed[] = [];
  for (const subject of [...own, ...loops]) times.push(...(await compare(subject)));
  return {
    name: 'meter',
    times,
    measures: [
      ...ratios("the project's kernels, V8", own, times, [1.07, 1.2]),
      ...ratios('loops and recursion, V8', loops, times),
      ...ratios("the project's kernels, Wasmtime", own.map(native), times, [1.15, 1.4]),
      ...ratios('loops and recursion, Wasmtime', loops.map(native), times),
      ...own.map(growth),
      await speed(),
    ],
  };
}

/** The kernels of the project with inputs that take some tens of milliseconds. */
async function projectSubjects(): Promise<Subject[]> {
  const file = async (path: string) => new Uint8Array(await readFile(new URL(path, ROOT)));
  const shorter = (text: Uint8Array, steps: number) =>
    utf8.encode(
      new TextDecoder()
        .decode(text)
        .replace(/^steps = \d+/m, `steps = ${steps}`)
        .replace(/^equilibration = \d+/m, 'equilibration = 0'),
    );
  return [
    {
      name: 'align',
      wasm: await file('dist/kernels/align.wasm'),
      input: await file('kernels/align/data/proteins.fasta'),
      blob: await file('kernels/align/data/query.fasta'),
    },
    {
      name: 'wave',
      wasm: await file('dist/kernels/wave.wasm'),
      input: shorter(await file('kernels/wave/data/salt.txt'), 60),
    },
    {
      name: 'dynamics',
      wasm: await file('dist/kernels/dynamics.wasm'),
      input: shorter(await file('kernels/dynamics/data/argon.txt'), 10),
    },
    {
      name: 'template',
      wasm: await file('dist/kernels/template.wasm'),
      input: utf8.encode('three small words\n'.repeat(3_640)),
    },
    { name: 'echo', wasm: await file('dist/kernels/echo.wasm'), input: new Uint8Array(1 << 20).fill(3) },
  ];
}

const metered = (name: string) => `${name}, metered`;
const native = ({ name }: { readonly name: string }) => ({ name: `${name}, Wasmtime` });

/** On both engines, with and without the meter. Wasmtime runs metered kernels without epochs; what epochs cost is in `engines`. */
async function compare({ name, wasm, input, blob }: Subject): Promise<Timed[]> {
  const counted = meter(readModule(wasm)).bytes;
  const wasmtime = native({ name }).name;
  const variants = [
    { name, start: onV8(wasm) },
    { name: metered(name), start: onV8(counted) },
    { name: wasmtime, start: await onWasmtime(wasm, false) },
    { name: metered(wasmtime), start: await onWasmtime(counted, false) },
  ];
  const outputs = variants.map(({ start }) => Buffer.from(runKernel(start, input, blob)));
  if (outputs.some((output) => !output.equals(outputs[0] as Buffer))) throw new Error(`${name}: outputs differ`);
  const [samples = 1] = variants.map(({ start }) => samplesOf(() => runKernel(start, input, blob)));
  return interleave(
    variants.map((variant) => ({
      ...{ name: variant.name, operations: 1 },
      once: () => void runKernel(variant.start, input, blob),
    })),
    { rounds: ROUNDS, samples, inThread: true },
  );
}

/** So many calls that a round has its share of collections, once the engine has made its best code. */
function samplesOf(once: () => void): number {
  let calls = 0;
  for (const begun = performance.now(); performance.now() - begun < WARM_MS; ) {
    once();
    calls++;
  }
  return Math.ceil((calls * ROUND_MS) / WARM_MS);
}

/** Ratios of CPU time of the guest's thread: their geometric mean and the worst, by minima and by medians; the worse of the two has to hold. */
function ratios(
  what: string,
  subjects: readonly { readonly name: string }[],
  times: readonly Timed[],
  must?: readonly [number, number],
): Measure[] {
  const of = (name: string, field: 'cpuMinUs' | 'cpuMedianUs') =>
    times.find((timed) => timed.name === name)?.[field] ?? Number.NaN;
  const [minima, medians] = (['cpuMinUs', 'cpuMedianUs'] as const).map((field) =>
    subjects.map(({ name }) => of(metered(name), field) / of(name, field)),
  ) as [number[], number[]];
  const measureOf = (
    measure: string,
    pick: (values: readonly number[]) => number,
    atMost: number | undefined,
  ): Measure => ({
    measure: `metered in slices against unmetered, ${what}: ${measure}`,
    value: `${short(pick(minima))}x (minima), ${short(pick(medians))}x (medians)`,
    must: atMost === undefined ? 'reported' : `<= ${atMost}x`,
    holds: atMost === undefined ? null : Math.max(pick(minima), pick(medians)) <= atMost,
  });
  return [
    measureOf('geometric mean', geometricMean, must?.[0]),
    measureOf('worst', (values) => Math.max(...values), must?.[1]),
  ];
}

function growth({ name, wasm }: Subject): Measure {
  const part = meter(readModule(wasm)).bytes.length / wasm.length - 1;
  return { measure: `growth of ${name}`, value: `${short(part * 100)} %`, must: '<= 25 %', holds: part <= 0.25 };
}

/** Rewriting a module of some megabytes that LLVM made, warm. */
async function speed(): Promise<Measure> {
  const path = 'node_modules/@bytecodealliance/jco-transpile/vendor/js-component-bindgen-component.core.wasm';
  const bytes = new Uint8Array(await readFile(new URL(path, ROOT)));
  const rates = Array.from({ length: 8 }, () => {
    const { user, system } = process.cpuUsage();
    meter(readModule(bytes));
    const used = process.cpuUsage({ user, system });
    return bytes.length / (used.user + used.system);
  });
  const rate = median(rates.slice(3));
  return { measure: 'reading and rewriting, warm', value: `${short(rate)} MB/s`, must: '>= 5 MB/s', holds: rate >= 5 };
}
