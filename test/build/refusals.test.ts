// What `buildKernel` refuses, and how it says where.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuildOptions, buildKernel } from '../../host/build/build.ts';
import { ASC_VERSION } from '../../host/build/compile.ts';
import manifest from '../../package.json' with { type: 'json' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-refusals-'));
});
afterAll(() => rm(folder, { recursive: true }));

let made = 0;
async function refusalOf(text: string): Promise<string> {
  const source = join(folder, `k${made++}.ts`);
  await writeFile(source, text);
  const error = await buildKernel({ source, out: join(folder, 'never.wasm') }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'LodgerError', code: 'ERR_BUILD_FAILED' });
  return (error as Error).message.replaceAll(source, 'SRC');
}

const RUN = 'export function run(input: Uint8Array): Uint8Array';
const BEGIN = 'export function begin(input: Uint8Array): void {}\n';
const STEP = 'export function step(): f64 { return 1; }\n';
const FINISH = 'export function finish(): Uint8Array { return new Uint8Array(0); }\n';
const BOTH =
  '"run(input: Uint8Array): Uint8Array", or "begin(input: Uint8Array): void", "step(): f64", "finish(): Uint8Array"';

describe('a source that is no kernel is refused with file, line and column', () => {
  test.each([
    ['nothing', '// empty\n', `SRC:1:1: a kernel exports ${BOTH}; not found: run`],
    [
      'a run that is not exported',
      `${RUN.slice(7)} { return input; }`,
      `SRC:1:1: a kernel exports ${BOTH}; not found: run`,
    ],
    ['a stepper without step and finish', BEGIN, `SRC:1:1: a kernel exports ${BOTH}; not found: step, finish`],
    [
      'both shapes',
      `${STEP}${RUN} { return input; }`,
      'SRC:2:17: a kernel has one shape: it exports run, or begin, step and finish, not run and step',
    ],
    [
      'run as a variable',
      'export const run: i32 = 1;',
      'SRC:1:14: run is written "export function run(input: Uint8Array): Uint8Array"',
    ],
    [
      'a parameter of another type',
      '\n\nexport function run(\n  input: Date): Uint8Array { return new Uint8Array(0); }',
      "SRC:4:10: 'Date' cannot be carried in a payload: use numbers, bool, string, classes, Array, StaticArray and typed arrays",
    ],
    [
      'a parameter that may be null',
      'export function run(input: Uint8Array | null): Uint8Array { return input!; }',
      'SRC:1:28: a whole input or output of bytes is written Uint8Array, which a host takes and gives as it is',
    ],
    [
      'no result',
      'export function run(input: Uint8Array): void {}',
      'SRC:1:41: run is written "export function run(input: Uint8Array): Uint8Array"',
    ],
    [
      'a step that gives nothing',
      `${BEGIN}export function step(): void {}\n${FINISH}`,
      'SRC:2:25: step is written "export function step(): f64"',
    ],
    [
      'a begin that gives something',
      `export function begin(input: Uint8Array): i32 { return 1; }\n${STEP}${FINISH}`,
      'SRC:1:43: begin is written "export function begin(input: Uint8Array): void"',
    ],
    [
      'an unknown type',
      'export function run(input: Bytes): Uint8Array { return input; }',
      "SRC:1:28: Cannot find name 'Bytes'.",
    ],
    ['an unknown name', `${RUN} {\n  return nothing;\n}`, "SRC:2:10: Cannot find name 'nothing'."],
    ['wrong syntax', `${RUN} {\n  return (;\n}`, 'SRC:2:11: Expression expected.'],
  ])('%s', async (_, text, message) => {
    expect((await refusalOf(text)).split('\n')[0]).toBe(`kernel does not build: ${message}`);
  });

  test.each([
    ['no parameter', 'export function run(): Uint8Array { return new Uint8Array(0); }'],
    ['two parameters', 'export function run(input: Uint8Array, more: i32): Uint8Array { return input; }'],
    [
      'a parameter that may be left out',
      'export function run(input: Uint8Array = new Uint8Array(0)): Uint8Array { return input; }',
    ],
    ['rest parameters', 'export function run(...input: Uint8Array[]): Uint8Array { return input[0]; }'],
    ['type parameters', 'export function run<T>(input: Uint8Array): Uint8Array { return input; }'],
  ])('a run with %s', async (_, text) => {
    expect(await refusalOf(text)).toMatch(
      /^kernel does not build: SRC:1:\d+: run is written "export function run\(input: /,
    );
  });

  test('every wrong signature is named in one run, and nothing follows from them', async () => {
    const message = await refusalOf(
      `export function begin(): void {}\nexport function step(): i32 { return 1; }\n${FINISH}`,
    );
    expect(message.split('\n')).toEqual([
      expect.stringMatching(/SRC:1:\d+: begin is written/),
      expect.stringMatching(/^SRC:2:25: step is written/),
    ]);
  });

  test('an error in an imported file names that file', async () => {
    await writeFile(join(folder, 'part.ts'), 'export function part(): i32 {\n  return "text";\n}\n');
    const message = await refusalOf(`import { part } from './part';\n${RUN} { part(); return input; }`);
    expect(message).toContain(
      `${join(folder, 'part.ts')}:2:10: Type '~lib/string/String' is not assignable to type 'i32'.`,
    );
  });

  test('nothing was written', async () => {
    expect((await readdir(folder)).filter((name) => !name.endsWith('.ts'))).toEqual([]);
  });
});

describe('what is asked for wrongly is refused before anything is compiled', () => {
  const neverLoaded = async () => {
    throw new Error('the compiler was loaded');
  };
  test.each([
    [{ source: '' }, 'option "source" must be a path'],
    [{ source: 'x.ts', target: 'fast' }, 'option "target" must be one of release, debug'],
    [{ source: 'x.ts', runtime: 'gc' }, 'option "runtime" must be one of stub, minimal, incremental'],
    [{ source: 'x.ts', optimise: true }, 'option "optimise" must be a known option'],
    [{ source: 'package.json' }, 'cannot build "package.json": a kernel in AssemblyScript ends in .ts'],
    [{ source: 'runtime/base' }, 'cannot build "runtime/base": it has neither kernel.ts nor index.ts'],
    [{ source: 'no/such.ts' }, 'cannot read "no/such.ts": there is no such file or folder'],
  ])('%o', async (options, message) => {
    await expect(buildKernel(options as BuildOptions, neverLoaded)).rejects.toThrow(message);
  });
});

describe('the compiler is an optional package', () => {
  test('without it, the message says what to install', async () => {
    const absent = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(buildKernel({ source: 'kernels/echo' }, () => Promise.reject(absent))).rejects.toMatchObject({
      code: 'ERR_PEER_MISSING',
      message: `building a kernel needs the package "assemblyscript": npm install --save-dev assemblyscript@${ASC_VERSION}`,
    });
  });

  test('one that is broken is not taken for an absent one', async () => {
    const broken = new SyntaxError('Unexpected token');
    await expect(buildKernel({ source: 'kernels/echo' }, () => Promise.reject(broken))).rejects.toBe(broken);
  });

  test('the version that is asked for is the one in package.json', () => {
    expect(manifest.peerDependencies.assemblyscript).toBe(ASC_VERSION);
    expect(manifest.devDependencies.assemblyscript).toBe(ASC_VERSION);
    expect(manifest.peerDependenciesMeta.assemblyscript.optional).toBe(true);
  });
});

test('an output that cannot be written is refused, and leaves nothing behind', async () => {
  const out = join(folder, 'taken');
  await mkdir(out);
  await expect(buildKernel({ source: 'kernels/echo', out })).rejects.toMatchObject({ code: 'ERR_FILE' });
  expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
});
