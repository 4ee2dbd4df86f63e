// What canonical NaNs cost: metered float kernels with them against the same without, on both engines; growth and rewriting speed.
import { readFile } from 'node:fs/promises';
import { short } from '../runtime/base/units.ts';
import { meter } from '../runtime/meter/meter.ts';
import { readModule } from '../runtime/wasm/read.ts';
import { FLOATS } from './floats.ts';
import { build } from './kernels.ts';
import { LOOPS } from './loops.ts';
import { onV8, onWasmtime, runKernel } from './metered.ts';
import type { Measure, Result } from './result.ts';
import { geometricMean, interleave, median, type Timed } from './rounds.ts';

const ROOT = new URL('../../', import.meta.url);
const utf8 = new TextEncoder();

interface Subject {
  readonly name: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly input: Uint8Array;
}

/** Loops of `loops.ts` that work on floats. */
const FLOAT_LOOPS = ['matmul', 'nbody', 'stencil', 'mandel'] as const;
const ENGINES = ['V8', 'Wasmtime'] as const;
const MEAN_MAX = 1.12;
const WORST_MAX = 1.35;

export default async function measure(): Promise<Result> {
  const sources = { ...Object.fromEntries(FLOAT_LOOPS.map((name) => [name, LOOPS[name] as string])), ...FLOATS };
  const short = Object.entries(sources).map(async ([name, source]) => ({
    ...{ name, wasm: await build(source) },
    input: new Uint8Array(),
  }));
  const subjects = [
    ...(await Promise.all(short)),
    await project('wave', 'salt', 40),
    await project('dynamics', 'argon', 8),
  ];
  const times: Timed[] = [];
  for (const subject of subjects) times.push(...(await compare(subject)));
  return {
    name: 'nans',
    times,
    measures: [
      ...ENGINES.flatMap((engine) => ratios(engine, subjects, times)),
      ...subjects.slice(-2).map(growth),
      await speed('without canonical NaNs', false),
      await speed('with them', true),
    ],
  };
}

/** A kernel of the project with an example that takes some tens of milliseconds. */
async function project(name: string, example: string, steps: number): Promise<Subject> {
  const text = await readFile(new URL(`kernels/${name}/data/${example}.txt`, ROOT), 'utf8');
  const input = text.replace(/^steps = \d+/m, `steps = ${steps}`).replace(/^equilibration = \d+/m, 'equilibration = 0');
  const wasm = new Uint8Array(await readFile(new URL(`dist/kernels/${name}.wasm`, ROOT)));
  return { name, wasm, input: utf8.encode(input) };
}

const called = (name: string, engine: string, canonical: boolean) =>
  `${name}, ${engine}${canonical ? ', canonical' : ''}`;

async function compare({ name, wasm, input }: Subject): Promise<Timed[]> {
  const variants = [];
  for (const engine of ENGINES) {
    for (const canonicalNaNs of [false, true]) {
      const { bytes } = meter(readModule(wasm), { canonicalNaNs });
      const start = engine === 'V8' ? onV8(bytes) : await onWasmtime(bytes, false);
      variants.push({ name: called(name, engine, canonicalNaNs), start });
    }
  }
  const outputs = variants.map(({ start }) => Buffer.from(runKernel(start, input)));
  if (outputs.some((output) => !output.equals(outputs[0] as Buffer))) throw new Error(`${name}: outputs differ`);
  return interleave(
    variants.map(({ name, start }) => ({ name, operations: 1, once: () => void runKernel(start, input) })),
    { rounds: 11, samples: 3 },
  );
}

/** Ratios of CPU time: their geometric mean and the worst, by minima and by medians. */
function ratios(engine: string, subjects: readonly Subject[], times: readonly Timed[]): Measure[] {
  const of = (name: string, field: 'cpuMinUs' | 'cpuMedianUs') =>
    times.find((timed) => timed.name === name)?.[field] ?? Number.NaN;
  const all = (['cpuMinUs', 'cpuMedianUs'] as const).map((field) =>
    subjects.map(({ name }) => of(called(name, engine, true), field) / of(called(name, engine, false), field)),
  );
  const measureOf = (what: string, pick: (values: readonly number[]) => number, aim: number): Measure => {
    const [minima, medians] = all.map(pick) as [number, number];
    return {
      measure: `canonical NaNs against raw ones, ${engine}: ${what}`,
      value: `${short(minima)}x (minima), ${short(medians)}x (medians)`,
      must: `reported; aim <= ${aim}x`,
      holds: null,
    };
  };
  return [
    measureOf('geometric mean', geometricMean, MEAN_MAX),
    measureOf('worst', (values) => Math.max(...values), WORST_MAX),
  ];
}

function growth({ name, wasm }: Subject): Measure {
  const module = readModule(wasm);
  const part = meter(module, { canonicalNaNs: true }).bytes.length / meter(module).bytes.length - 1;
  return {
    measure: `growth of ${name} beyond metering`,
    value: `${short(part * 100)} %`,
    must: 'reported',
    holds: null,
  };
}

/** Rewriting a module of some megabytes that LLVM made, warm. */
async function speed(what: string, canonicalNaNs: boolean): Promise<Measure> {
  const path = 'node_modules/@bytecodealliance/jco-transpile/vendor/js-component-bindgen-component.core.wasm';
  const bytes = new Uint8Array(await readFile(new URL(path, ROOT)));
  const rates = Array.from({ length: 8 }, () => {
    const { user, system } = process.cpuUsage();
    meter(readModule(bytes), { canonicalNaNs });
    const used = process.cpuUsage({ user, system });
    return bytes.length / (used.user + used.system);
  });
  return {
    measure: `reading and rewriting, ${what}, warm`,
    value: `${short(median(rates.slice(3)))} MB/s`,
    must: 'reported',
    holds: null,
  };
}
