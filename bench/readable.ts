// Kernels of the suite as an author writes them, without a thought of speed: one source, which is AssemblyScript and JavaScript.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';
import { buildKernel } from '../host/build/build.ts';
import type { Near, SuiteKernel } from './suite.ts';

/** What AssemblyScript has and JavaScript has not. */
const PRELUDE = 'const f64 = Number; const f32 = Math.fround; const i32 = (x) => x | 0; const u8 = (x) => x & 255;\n';

export interface Readable {
  /** The module, its loops lifted. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly js: (input: Uint8Array) => Uint8Array;
  readonly input: Uint8Array;
  /** From what the kernel gave to what this has to give. */
  readonly wanted: (output: Uint8Array) => Uint8Array;
  /** Without it, outputs are the same bytes. */
  readonly near?: Near;
}

/** A kernel's readable form; undefined where there is none. */
export async function readableOf(subject: SuiteKernel): Promise<Readable | undefined> {
  const form = FORMS[subject.name];
  if (form === undefined) return undefined;
  const source = fileURLToPath(new URL(`../../bench/readable/${subject.kernel}.ts`, import.meta.url));
  const { code } = await transformWithOxc(await readFile(source, 'utf8'), source);
  const { run } = await import(`data:text/javascript,${encodeURIComponent(PRELUDE + code)}`);
  const wasm = new Uint8Array((await buildKernel({ source })).wasm);
  return { wasm, js: run, ...form(subject.input) };
}

type Form = (input: Uint8Array) => Pick<Readable, 'input' | 'wanted' | 'near'>;

const FORMS: Readonly<Record<string, Form>> = {
  'gemm f64': (input) => {
    const { numbers, data } = settingsOf(input);
    const head = Float64Array.of(numbers.rows?.[0] ?? 0, numbers.inner?.[0] ?? 0, numbers.columns?.[0] ?? 0);
    return { input: joined(head, data), wanted: (output) => output.subarray(32) };
  },
  fractal: (input) => {
    const { width = [0], height = [0], iterations = [0], centre = [0, 0], span = [0] } = settingsOf(input).numbers;
    const pitch = (span[0] ?? 0) / (width[0] ?? 0);
    const left = (centre[0] ?? 0) - 0.5 * pitch * ((width[0] ?? 0) - 1);
    const top = (centre[1] ?? 0) + 0.5 * pitch * ((height[0] ?? 0) - 1);
    const numbers = (output: Uint8Array) => new Float32Array(output.slice().buffer);
    return {
      input: joined(Float64Array.of(left, top, pitch, ...width, ...height, ...iterations), new Uint8Array()),
      wanted: (output) => output.subarray(32),
      near: { numbers, within: 1e-5, share: 1 },
    };
  },
  wave: (input) => {
    const { numbers, data } = settingsOf(input);
    const { source = [], receivers = [] } = numbers;
    const {
      width = [],
      depth = [],
      sponge = [60],
      steps = [],
      record = [],
      spacing = [1],
      dt = [],
      peak = [],
    } = numbers;
    const [h = 1] = spacing;
    const place = (at = 0) => Math.round(at / h);
    const line = [(receivers[0] ?? 0) / h, (receivers[1] ?? 0) / h, receivers[2] ?? 0, place(receivers[3])];
    const head = [width, depth, sponge, steps, record, spacing, dt, peak].map(([value = 0]) => value);
    const points = (width[0] ?? 0) * (depth[0] ?? 0);
    return {
      input: joined(Float64Array.of(...head, place(source[0]), place(source[1]), ...line), data),
      wanted: (output) => output.subarray(64 + 4 * points),
      near: { numbers: (output) => new Float32Array(output.slice().buffer), within: 1e-5, share: 1 },
    };
  },
  digest: (input) => ({
    input,
    wanted: (output) => {
      const digests = new TextDecoder().decode(output).match(/[0-9a-f]{64}/g) ?? [];
      return new Uint8Array(Buffer.from(digests.join(''), 'hex'));
    },
  }),
};

/** Settings as numbers by name, and the bytes behind them. */
function settingsOf(input: Uint8Array): { numbers: Readonly<Record<string, number[]>>; data: Uint8Array } {
  const text = Buffer.from(input).toString('latin1');
  const end = text.search(/^data$/m);
  const head = end < 0 ? text : text.slice(0, end);
  const lines = [...head.matchAll(/^(\w+) *= *([^#\n]*)/gm)];
  const numbers = Object.fromEntries(
    lines.map(([, name = '', values = '']) => [name, values.trim().split(/ +/).map(Number)]),
  );
  return { numbers, data: end < 0 ? new Uint8Array() : input.subarray(end + 5) };
}

function joined(head: Float64Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([new Uint8Array(head.buffer), data]));
}
