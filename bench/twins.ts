// Twins of kernels in C, built by gcc and clang: long-lived processes that time themselves, and modules for WebAssembly.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SuiteKernel } from './suite.ts';

const NATIVE = fileURLToPath(new URL('../../bench/native/', import.meta.url));
const WASM = ['--target=wasm32', '-O3', '-fno-math-errno', '-msimd128', '-mbulk-memory', '-nostdlib', '-Wl,--no-entry'];

/** Name -> compiler and flag. The last is the first once more, for the noise of the machine. */
export const BUILDS = {
  'gcc, 128 bits': ['gcc', '-msse4.2'],
  'clang, 128 bits': ['clang', '-msse4.2'],
  'gcc, native': ['gcc', '-march=native'],
  'clang, native': ['clang', '-march=native'],
  'gcc, 128 bits, again': ['gcc', '-msse4.2'],
} as const;
export type Build = keyof typeof BUILDS;

/** Times of one run, in microseconds. */
export interface Spent {
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** A process; `output` is that of its last run, or its FNV-1a where the twin says only that. */
export interface Twin {
  run(): Promise<Spent>;
  output(): Promise<Uint8Array | string>;
  end(): void;
}

export interface Twins extends AsyncDisposable {
  start(subject: SuiteKernel, build: Build): Promise<Twin>;
  /** The path of a build, which with `--job` does tasks of many files. */
  binary(subject: SuiteKernel, build: Build): Promise<string>;
  /** The twin as a module with the exports of a kernel; undefined for what needs more of C's library than that has. */
  module(subject: SuiteKernel): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** gcc and clang have to be there. */
export async function createTwins(): Promise<Twins> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  const ends: (() => void)[] = [];
  let made = 0;
  const file = async (bytes: Uint8Array) => {
    const path = join(folder, `input-${made++}`);
    await writeFile(path, bytes);
    return path;
  };
  const built = new Map<string, Promise<string>>();
  const make = async (kernel: string, build: Build) => {
    const [compiler, flag] = BUILDS[build];
    const path = join(folder, `twin-${made++}`);
    const source = join(NATIVE, `${kernel}.c`);
    await promisify(execFile)(compiler, ['-O3', '-fno-math-errno', flag, '-o', path, source, '-lm']);
    return path;
  };
  const binary = ({ kernel }: SuiteKernel, build: Build) => {
    const key = `${kernel}: ${build}`;
    const path = built.get(key) ?? make(kernel, build);
    built.set(key, path);
    return path;
  };
  return {
    binary,
    async start(subject, build) {
      const output = join(folder, `output-${made++}`);
      const isAlign = subject.kernel === 'align';
      const input = await file(subject.twinInput);
      const args = isAlign ? ['--serve', await file(subject.blob ?? new Uint8Array()), input] : [input, output];
      const child = spawn(await binary(subject, build), args, { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const end = () => void child.stdin.end();
      ends.push(end);
      let checksum = '';
      return {
        async run() {
          child.stdin.write(isAlign ? 'run 1\n' : '1\n');
          const { value, done } = await lines.next();
          if (done) throw new Error(`${subject.name}, ${build} ended`);
          const said = String(value).split(' ');
          if (isAlign) checksum = said[1] ?? '';
          return { wallUs: Number(said[0]) / 1e3, cpuUs: Number(said.at(-1)) / 1e3 };
        },
        output: async () => (isAlign ? checksum : new Uint8Array(await readFile(output))),
        end,
      };
    },
    async module({ kernel }) {
      if (kernel === 'align') return undefined;
      const path = join(folder, `${kernel}.wasm`);
      await promisify(execFile)('clang', [...WASM, '-o', path, join(NATIVE, `${kernel}.c`)]);
      return new Uint8Array(await readFile(path));
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends) end();
      await rm(folder, { recursive: true });
    },
  };
}

/** FNV-1a of 32 bits, as the twin of align says it. */
export function fnv1a(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return String(hash);
}
