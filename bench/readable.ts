// Kernels of the suite as an author writes them, without a thought of speed: one source, which is AssemblyScript and JavaScript.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';
import { buildKernel } from '../host/build/build.ts';
import type { Near, SuiteKernel } from './suite.ts';

const MATRIX = new URL('../../kernels/align/matrix.ts', import.meta.url);

/** What AssemblyScript has and JavaScript has not. */
const PRELUDE =
  'const f64 = Number; const f32 = Math.fround; const i32 = (x) => x | 0; const u8 = (x) => x & 255;\nconst { max } = Math;\n';

export interface Readable {
  /** The module, its loops lifted. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly js: (input: Uint8Array) => Uint8Array;
  readonly input: Uint8Array;
  /** From what the twin has to give to what this has to give. */
  readonly wanted: (output: Uint8Array) => Uint8Array;
  /** Without it, outputs are the same bytes. */
  readonly near?: Near;
}

/** The file of a kernel's readable form. */
export function readableSource({ name, kernel }: SuiteKernel): string {
  return fileURLToPath(new URL(`../../bench/readable/${name === 'gemm f32' ? 'gemm32' : kernel}.ts`, import.meta.url));
}

/** A kernel's readable form; undefined where there is none. */
export async function readableOf(subject: SuiteKernel): Promise<Readable | undefined> {
  const form = FORMS[subject.name];
  if (form === undefined) return undefined;
  const source = readableSource(subject);
  const { code } = await transformWithOxc(await readFile(source, 'utf8'), source);
  const { run } = await import(`data:text/javascript,${encodeURIComponent(PRELUDE + code)}`);
  const wasm = new Uint8Array((await buildKernel({ source })).wasm);
  return { wasm, js: run, ...(await form(subject)) };
}

type Given = Pick<Readable, 'input' | 'wanted' | 'near'>;
type Form = (subject: SuiteKernel) => Given | Promise<Given>;

const FORMS: Readonly<Record<string, Form>> = {
  align: async ({ input, blob = new Uint8Array() }) => alignForm(await readFile(MATRIX, 'utf8'), blob, input),
  'gemm f64': (subject) => gemmForm(subject),
  'gemm f32': (subject) => gemmForm(subject),
  dynamics: ({ twinInput, near }) => {
    const { numbers, data } = settingsOf(twinInput);
    const state = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const { particles = [], steps = [], sample = [], cutoff = [], dt = [] } = numbers;
    const head = [particles[0], steps[0], sample[0], state.getFloat64(24, true), cutoff[0], dt[0]];
    const samples = near && { ...near, numbers: (output: Uint8Array) => new Float64Array(output.slice().buffer) };
    return {
      input: joined(
        Float64Array.from(head, (value = 0) => value),
        data.subarray(64 + 40),
      ),
      wanted: (output) => output.subarray(64),
      ...(samples && { near: samples }),
    };
  },
  // The twin's numbers are plain enough; probabilities are those of another formula, good to some 1e-14.
  portfolio: ({ twinInput, near }) => ({ input: twinInput, wanted: (output) => output, ...(near && { near }) }),
  spectra: ({ input, near }) => {
    const { numbers, data } = settingsOf(input);
    const { samples = [0], length = [0], rate = [0], chirps = [0, 0, 0] } = numbers;
    const [from = 0, to = 0, count = 0] = chirps;
    return {
      input: joined(Float64Array.of(...samples, ...length, count, ...rate, from, to), data),
      wanted: (output) => output.subarray(80),
      ...(near && { near: { ...near, numbers: (output) => new Float64Array(output.slice().buffer) } }),
    };
  },
  fractal: ({ input }) => {
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
  wave: ({ input }) => {
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
  digest: ({ input }) => ({
    input,
    wanted: (output) => {
      const digests = new TextDecoder().decode(output).match(/[0-9a-f]{64}/g) ?? [];
      return new Uint8Array(Buffer.from(digests.join(''), 'hex'));
    },
  }),
};

function gemmForm({ input, near }: SuiteKernel): Given {
  const { numbers, data } = settingsOf(input);
  const { rows = [0], inner = [0], columns = [0] } = numbers;
  const Numbers = numbers.bits?.[0] === 32 ? Float32Array : Float64Array;
  return {
    input: joined(Float64Array.of(...rows, ...inner, ...columns), data),
    wanted: (output) => output.subarray(32),
    ...(near && { near: { ...near, numbers: (output) => new Numbers(output.slice().buffer) } }),
  };
}

/** Residues as codes, and what the kernel's hits score. */
function alignForm(source: string, query: Uint8Array, input: Uint8Array): Given {
  const letters = 'ARNDCQEGHILKMFPSTWYVBZX*';
  const matrix = [...source.matchAll(/^ {2}(.*), \/\/ [A-Z*]$/gm)].flatMap(([, row = '']) =>
    row.split(', ').slice(0, letters.length).map(Number),
  );
  const codesOf = (fasta: Uint8Array) =>
    new TextDecoder()
      .decode(fasta)
      .split(/^>.*$/m)
      .slice(1)
      .map((text) => Uint8Array.from(text.replace(/\s/g, '').toUpperCase(), (letter) => codeOf(letters, letter)));
  const [first = new Uint8Array(), records] = [codesOf(query)[0], codesOf(input)];
  const lengths = Int32Array.of(first.length, records.length, ...records.map(({ length }) => length));
  const bytes = [new Uint8Array(lengths.buffer), Uint8Array.from(matrix), first, ...records];
  return {
    input: new Uint8Array(Buffer.concat(bytes)),
    wanted: (output) => {
      const { hits } = JSON.parse(new TextDecoder().decode(output)) as { hits: { score: number }[] };
      return new Uint8Array(Int32Array.from({ length: 25 }, (_, at) => hits[at]?.score ?? 0).buffer);
    },
  };
}

/** Letters that the matrix has not count as X. */
function codeOf(letters: string, letter: string): number {
  const code = letters.indexOf(letter);
  return code < 0 ? letters.indexOf('X') : code;
}

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
