// An author's small tests in AssemblyScript: each exported function of `tests/*.ts` is run as a task of its own, in the sandbox.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import { compile, type Load } from '../build/compile.ts';
import { fileError } from '../jobs/files.ts';

/** The source that takes the tests together. Nobody's file is called so. */
const ENTRY = 'lodger-tests.ts';
const EXPORTED = /^export\s+function\s+([A-Za-z_]\w*)\s*(\([^)]*\)\s*(?::\s*\w+)?)/gm;
const PLAIN = /^\(\s*\)\s*(?::\s*void)?$/;
const TESTS_MAX = 10_000;

/** A file of tests, built for debugging: what fails in it is named by function, file and line. */
export interface Assertions {
  readonly names: readonly string[];
  readonly wasm: Uint8Array;
  readonly map: string | undefined;
  /** The input by which the test at that place runs. */
  input(place: number): Uint8Array;
}

/** Builds the tests of a file in `tests/` of a kernel's folder. Throws `ERR_FILE` for one without tests, and like `buildKernel`. */
export async function buildAssertions(dir: string, file: string, load: Load): Promise<Assertions> {
  const path = join(dir, 'tests', file);
  const source = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  const names = testsIn(source, path);
  const built = await compile(
    { file: join(dir, ENTRY), text: entryOf(file, names), target: 'debug', lift: false, runtime: 'stub', name: 'tests.wasm' },
    load,
  );
  return {
    names,
    wasm: built.wasm,
    map: built.map,
    input: (place) => new Uint8Array(Uint16Array.of(place).buffer),
  };
}

/** Exported functions, in their order. */
function testsIn(source: string, path: string): readonly string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const found = [...code.matchAll(EXPORTED)];
  const wrong = (reason: string) => new LodgerError('ERR_FILE', ['test', path, reason]);
  for (const [, name, signature = ''] of found) {
    if (!PLAIN.test(signature)) throw wrong(`a test is written "export function ${name}(): void"`);
  }
  if (found.length === 0) throw wrong('it exports no function "(): void", which is what a test is');
  if (found.length > TESTS_MAX) throw wrong(`it has over ${TESTS_MAX} tests`);
  return found.map(([, name = '']) => name);
}

function entryOf(file: string, names: readonly string[]): string {
  const cases = names.map((name, place) => `  if (which == ${place}) tests.${name}();\n`).join('');
  return `import * as tests from './tests/${basename(file, '.ts')}';
export function run(input: Uint8Array): Uint8Array {
  const which = <i32>input[0] | (<i32>input[1] << 8);
${cases}  return new Uint8Array(0);
}
`;
}
