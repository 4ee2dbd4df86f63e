// The kernels that have a twin in C, each with an input for a slice of time or for a task, and how near the outputs of two builds have to be.
import { readFile } from 'node:fs/promises';
import { decodeRisk, encodeValue } from './book.ts';
import { onV8, runKernel } from './metered.ts';

const ROOT = new URL('../../', import.meta.url);

/** A kernel, what it is given, and what its twin in C is given. */
export interface SuiteKernel {
  readonly name: string;
  /** Below `dist/kernels`, and below `bench/native`. */
  readonly kernel: string;
  readonly input: Uint8Array;
  /** The input as people write it, where that is something else. */
  readonly written?: Uint8Array;
  readonly twinInput: Uint8Array;
  /** Of the blob `query`. */
  readonly blob?: Uint8Array;
  /** Numbers of an output, for builds that may fuse multiplications and additions; without it, outputs are the same bytes everywhere. */
  readonly near?: Near;
}

export interface Near {
  readonly numbers: (output: Uint8Array) => ArrayLike<number>;
  /** Relative to the number, or to 1 where that is less. */
  readonly within: number;
  /** Share of the numbers that have to be that near: iterations near the border of a fractal part for good. */
  readonly share: number;
}

const f64From = (from: number) => (output: Uint8Array) => new Float64Array(output.slice(from).buffer);
const f32From = (from: number) => (output: Uint8Array) => new Float32Array(output.slice(from).buffer);

/** Of a slice, some milliseconds by which ways are compared; of a task, about 100 ms, as in the jobs that people run. */
const SIZES = {
  slice: {
    ...{ databases: 1, paths: 8_000, chirps: '-20 20 21', picture: { width: '240', height: '160' }, side: 512 },
    ...{ waveSteps: 60, surveySteps: 120, liquidSteps: '60', bytes: 1 << 20 },
  },
  task: {
    ...{ databases: 32, paths: 200_000, chirps: '-20 20 201', picture: { width: '960', height: '640' }, side: 1024 },
    ...{ waveSteps: 600, surveySteps: 1_200, liquidSteps: '600', bytes: 1 << 24 },
  },
} as const;

export async function suiteKernels(size: keyof typeof SIZES): Promise<SuiteKernel[]> {
  const { databases, paths, chirps, picture, side, waveSteps, surveySteps, liquidSteps, bytes } = SIZES[size];
  const file = async (path: string) => new Uint8Array(await readFile(new URL(`kernels/${path}`, ROOT)));
  const same = (input: Uint8Array) => ({ input, twinInput: input });
  const changed = (bytes: Uint8Array, changes: Readonly<Record<string, string>>) => {
    // The bytes behind the settings must come through as they are.
    let text = Buffer.from(bytes).toString('latin1');
    for (const [name, value] of Object.entries(changes)) {
      text = text.replace(new RegExp(`^${name} =.*$`, 'm'), `${name} = ${value}`);
    }
    return new Uint8Array(Buffer.from(text, 'latin1'));
  };
  const database = await file('align/data/proteins.fasta');
  const proteins = new Uint8Array(Buffer.concat(Array<Uint8Array>(databases).fill(database)));
  const valley = await file('fractal/data/valley.txt');
  const book = await encodeValue(await file('portfolio/data/book.ndjson'), paths);
  return [
    { name: 'align', kernel: 'align', ...same(proteins), blob: await file('align/data/query.fasta') },
    {
      ...{ name: 'portfolio', kernel: 'portfolio', ...book },
      near: { numbers: f64From(0), within: 1e-6, share: 1 },
    },
    {
      ...{ name: 'spectra', kernel: 'spectra' },
      ...same(changed(await file('spectra/data/signal.bin'), { chirps })),
      near: { numbers: f64From(80), within: 1e-9, share: 1 },
    },
    {
      ...{ name: 'fractal', kernel: 'fractal', ...same(changed(valley, picture)) },
      near: { numbers: f32From(32), within: 1e-2, share: 0.9 },
    },
    {
      name: 'gemm f64',
      kernel: 'gemm',
      ...same(matrices(64, side)),
      near: { numbers: f64From(32), within: 1e-11, share: 1 },
    },
    {
      name: 'gemm f32',
      kernel: 'gemm',
      ...same(matrices(32, side)),
      near: { numbers: f32From(32), within: 1e-3, share: 1 },
    },
    wave(new TextDecoder().decode(await file('wave/data/salt.txt')), waveSteps),
    survey(new TextDecoder().decode(await file('wave/data/dome.txt')), surveySteps),
    await dynamics(
      changed(await file('dynamics/data/argon.txt'), {
        particles: '864',
        steps: liquidSteps,
        sample: '20',
        equilibration: '0',
      }),
    ),
    { name: 'digest', kernel: 'digest', ...same(Uint8Array.from({ length: bytes }, (_, at) => (at * 167) >> 3)) },
  ];
}

/** A part of a shot at sea. */
function wave(text: string, steps: number): SuiteKernel {
  const other = { width: 320, depth: 240, steps, source: '600 60', receivers: '0 1200 61 60' };
  return { name: 'wave', ...onVelocities(text, other, (row) => 1500 + 4 * row) };
}

/** Two shots of a small survey, with an edge that sends waves back. */
function survey(text: string, steps: number): SuiteKernel {
  const line = { source: '200 40', receivers: '0 990 50 40', shots: '2 400' };
  const other = { width: 100, depth: 60, steps, sponge: 30, ...line };
  return { name: 'migration', ...onVelocities(text, other, (row) => (row < 35 ? 1500 : 2200)) };
}

/** A model with its velocities point by point, as the twin takes them. */
function onVelocities(
  text: string,
  other: Readonly<Record<string, string | number>>,
  velocityOf: (row: number) => number,
) {
  const { width, depth } = other;
  const names = new Set(Object.keys(other));
  const kept = text.split('\n').filter((line) => {
    const name = line.split(' ')[0] ?? '';
    return !names.has(name) && name !== 'layer' && name !== 'disc' && name !== '';
  });
  const settings = [...kept, ...Object.entries(other).map(([name, value]) => `${name} = ${value}`)].join('\n');
  const points = Number(width) * Number(depth);
  const velocities = Float32Array.from({ length: points }, (_, at) => velocityOf(Math.floor(at / Number(width))));
  const input = new Uint8Array(Buffer.concat([Buffer.from(`${settings}\ndata\n`), new Uint8Array(velocities.buffer)]));
  const near = { numbers: f32From(64), within: 1e-5, share: 1 };
  return { kernel: 'wave', input, twinInput: input, near };
}

/** A liquid. The twin gets what the kernel gave before its first step, since it has no random numbers of a host. */
async function dynamics(input: Uint8Array): Promise<SuiteKernel> {
  const wasm = new Uint8Array(await readFile(new URL('dist/kernels/dynamics.wasm', ROOT)));
  const text = new TextDecoder().decode(input);
  const first = runKernel(onV8(wasm), new TextEncoder().encode(text.replace(/^steps = \d+/m, 'steps = 0')));
  const twinInput = new Uint8Array(Buffer.concat([Buffer.from(`${text}data\n`), first]));
  return {
    name: 'dynamics',
    kernel: 'dynamics',
    input,
    twinInput,
    near: { numbers: f64From(64), within: 1e-9, share: 1 },
  };
}

/** Two square matrices; the settings are so long that the numbers are aligned. */
function matrices(bits: 32 | 64, side: number): Uint8Array {
  const length = 2 * side * side;
  const numbers = bits === 64 ? new Float64Array(length) : new Float32Array(length);
  for (let at = 0; at < length; at++) numbers[at] = Math.sin(at * at);
  const head = `rows = ${side}\ninner = ${side}\ncolumns = ${side}\nbits = ${bits}\n#`;
  const padding = '-'.repeat((64 - ((head.length + 6) % 64)) % 64);
  return new Uint8Array(Buffer.concat([Buffer.from(`${head}${padding}\ndata\n`), new Uint8Array(numbers.buffer)]));
}

/** A kernel's output as its twin gives it: numbers instead of MessagePack. */
export async function asTwin({ kernel }: SuiteKernel, output: Uint8Array): Promise<Uint8Array> {
  return kernel === 'portfolio' ? decodeRisk(output) : output;
}

/** Why an output is not that of the kernel; undefined if it is. */
export function difference(expected: Uint8Array, got: Uint8Array, near: Near | undefined): string | undefined {
  if (Buffer.compare(expected, got) === 0) return undefined;
  if (near === undefined) return 'its bytes differ';
  const [wanted, given] = [near.numbers(expected), near.numbers(got)];
  if (wanted.length !== given.length) return `it has ${given.length} numbers, not ${wanted.length}`;
  let good = 0;
  for (let at = 0; at < wanted.length; at++) {
    const [a = 0, b = 0] = [wanted[at], given[at]];
    if (Math.abs(a - b) <= near.within * Math.max(1, Math.abs(a))) good++;
  }
  return good >= near.share * wanted.length ? undefined : `${wanted.length - good} of ${wanted.length} numbers differ`;
}
