// What `buildKernel` makes of typed kernels: which types it refuses, the schema in the module, and the declarations beside it.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { componentNew } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { admit, createSandbox } from '../../runtime/index.ts';
import { builtKernel } from '../kernels/built.ts';
import { admitText, buildText, inClasses } from '../payload/kernels.ts';
import { ROOT } from '../project/files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-typed-build-'));
});
afterAll(() => rm(folder, { recursive: true }));

const HELP = 'use numbers, bool, string, classes, Array, StaticArray and typed arrays';
const RUN = 'export function run(x: In): i32 { return 1; }';
/** A class whose field on line 3 is looked at. */
const field = (text: string, before = '') => `${before}\nclass In {\n  ${text}\n}\n${RUN}`;

describe('a type that no payload carries is refused with file, line and column', () => {
  test.each<[string, string, string]>([
    ['a map', field('f: Map<string, f64>;'), `3:6: 'Map<String,f64>' cannot be carried in a payload: ${HELP}`],
    ['a set in an array', field('f: Array<Set<i32>>;'), `3:6: 'Set<i32>' cannot be carried in a payload: ${HELP}`],
    ['a date that may be null', field('f: Date | null;'), `3:6: 'Date' cannot be carried in a payload: ${HELP}`],
    ['a buffer', field('f: ArrayBuffer;'), `3:6: 'ArrayBuffer' cannot be carried in a payload: ${HELP}`],
    ['a size', field('f: usize;'), `3:6: 'usize' cannot be carried in a payload: ${HELP}`],
    ['a signed size', field('f: isize;'), `3:6: 'isize' cannot be carried in a payload: ${HELP}`],
    ['a vector', field('f: v128;'), `3:6: 'v128' cannot be carried in a payload: ${HELP}`],
    [
      'a function',
      field('f: (x: f64) => f64;'),
      "3:6: '(f64) => f64' cannot be carried in a payload: functions and foreign references have no bytes",
    ],
    [
      'an interface',
      field('f: Shape;', 'interface Shape { area: f64; }'),
      "3:6: 'Shape' cannot be carried in a payload: it is an interface, and bytes do not say which class to make",
    ],
    [
      'an abstract class',
      field('f: Shape;', 'abstract class Shape { area: f64; }'),
      "3:6: 'Shape' cannot be carried in a payload: it is abstract, and bytes do not say which class to make",
    ],
    [
      'an unmanaged class',
      field('f: Shape;', '@unmanaged class Shape { area: f64; }'),
      "3:6: 'Shape' cannot be carried in a payload: it is unmanaged",
    ],
    [
      'a class that another one extends',
      field('f: Shape;', 'class Shape { area: f64; } class Square extends Shape { side: f64; }'),
      "3:6: 'Shape' cannot be carried in a payload: 'Square' extends it, and bytes do not say which of the two to make",
    ],
    [
      'a class that another one extends in a namespace',
      field('f: N.Shape;', 'namespace N { export class Shape { area: f64; } class Square extends Shape {} }'),
      "3:6: 'Shape' cannot be carried in a payload: 'Square' extends it, and bytes do not say which of the two to make",
    ],
    [
      'a class without fields',
      field('f: Shape;', 'class Shape {}'),
      "1:7: 'Shape' has no fields, and a payload carries nothing else of a class",
    ],
    [
      'a private field',
      field('private f: i32;'),
      "3:11: field 'f' cannot be carried in a payload: it is private, and a payload is open to everybody",
    ],
    [
      'a protected field',
      field('protected f: i32;'),
      "3:13: field 'f' cannot be carried in a payload: it is protected, and a payload is open to everybody",
    ],
    [
      'a name that is none in JavaScript',
      field('__proto__: i32;'),
      "3:3: field '__proto__' cannot be carried in a payload: its name has a meaning of its own in JavaScript",
    ],
    [
      'a long name',
      field(`${'a'.repeat(101)}: i32;`),
      `3:3: field '${'a'.repeat(101)}' cannot be carried in a payload: its name has over 100 bytes`,
    ],
    [
      'too many fields',
      field(Array.from({ length: 65 }, (_, at) => `f${at}: i32;`).join(' ')),
      "2:7: 'In' has 65 fields; a payload carries 64 of a class at most",
    ],
    [
      'a result',
      'export function run(x: i32): Date { return new Date(1); }',
      `1:30: 'Date' cannot be carried in a payload: ${HELP}`,
    ],
    [
      'a step’s plan',
      'export function begin(x: Date): void {}\nexport function step(): f64 { return 1; }\nexport function finish(): i32 { return 1; }',
      `1:26: 'Date' cannot be carried in a payload: ${HELP}`,
    ],
    [
      'bytes by another name',
      'export function run(x: StaticArray<u8>): i32 { return 1; }',
      '1:24: a whole input or output of bytes is written Uint8Array, which a host takes and gives as it is',
    ],
  ])('%s', async (_name, text, message) => {
    const source = join(folder, 'refused.ts');
    await writeFile(source, text);
    const refused = { code: 'ERR_BUILD_FAILED', message: `kernel does not build: ${source}:${message}` };
    await expect(buildKernel({ source })).rejects.toMatchObject(refused);
  });

  test('all of them in one run, and nothing follows from them', async () => {
    const text = field('a: Date;\n  b: i32;\n  c: Set<i32>;\n  d: f64 = 1;');
    const error = await buildText(text).catch((thrown: Error) => thrown);
    expect((error as Error).message.split('\n').map((line) => /:(\d+:\d+): /.exec(line)?.[1])).toEqual(['3:6', '5:6']);
  });
});

describe('the schema', () => {
  test('names base fields first, then own, in the order of the source, and which may be left out', async () => {
    const kernel = await admitText(`
      class Base { b: i32; a: string | null; }
      class In extends Base { get twice(): i32 { return 2 * this.c; } static count: i32 = 0; c: i32 = 5; d: i32 = this.b; }
      export function run(x: In): f64[] { return [1]; }`);
    expect(inClasses(kernel)).toEqual({
      version: 1,
      input: { class: 'In' },
      output: { numbers: 'Float64Array' },
      classes: {
        In: [
          { name: 'b', type: 'i32' },
          { name: 'a', type: { nullable: 'string' }, optional: true },
          { name: 'c', type: 'i32', optional: true },
          { name: 'd', type: 'i32' },
        ],
      },
    });
  });

  test('tells classes of one name from each other, and instances of one generic class', async () => {
    const kernel = await admitText(`
      namespace A { export class Same { a: i32; } }
      namespace B { export class Same { b: i32; } }
      class Box<T> { of: T; }
      class In { a: A.Same; b: B.Same; c: Box<f64>; d: Box<string>; e: Box<f64>; }
      export function run(x: In): i32 { return 1; }`);
    const { classes } = inClasses(kernel);
    expect(Object.keys(classes).sort()).toEqual(['Box_String', 'Box_f64', 'In', 'Same', 'Same_2']);
  });

  test.each(['kernels/echo', 'stepper'])('is not in %s, which takes and gives bytes', async (name) => {
    const { wasm, declarations } = await builtKernel(name);
    const kernel = await admit(wasm);
    expect([kernel.payload, declarations]).toEqual([undefined, undefined]);
    expect(kernel.encode(Uint8Array.of(1))).toEqual(Uint8Array.of(1));
    expect(kernel.decode(Uint8Array.of(1))).toEqual(Uint8Array.of(1));
  });

  test('stays with a kernel that becomes a component, and the component runs', async () => {
    const { wasm } = await buildText('class In { x: f64; } export function run(given: In): In { return given; }');
    const kernel = await admit(await componentNew(wasm, []));
    expect(kernel).toMatchObject({ format: 'component', payload: (await admit(wasm)).payload });
    const outcome = await createSandbox().run({ kernel, input: { x: 1.5 } });
    expect(outcome.state === 'done' && kernel.decode(outcome.output)).toEqual({ x: 1.5 });
  });
});

test('a typed build is the same in a debug build, whose map knows the generated code', async () => {
  const { wasm, map = '{}' } = await buildKernel({ source: 'test/fixtures/kernels/typed.ts', target: 'debug' });
  expect((await admit(wasm)).payload).toEqual((await admit((await builtKernel('typed')).wasm)).payload);
  expect(JSON.parse(map).sources).toContain('typed.ts');
});

describe('the declarations', () => {
  test('are written beside the kernel, and go when it is not typed any more; a file of somebody else’s stays', async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    const source = join(own, 'kernel.ts');
    const out = join(own, 'k.wasm');
    const names = async () => (await readdir(own)).sort();
    await writeFile(source, 'export function run(x: f64): f64 { return x; }');
    const { declarations } = await buildKernel({ source, out });
    expect(await readFile(`${out}.d.ts`, 'utf8')).toBe(declarations);
    expect(await names()).toEqual(['k.wasm', 'k.wasm.d.ts', 'kernel.ts']);
    await writeFile(source, 'export function run(x: Uint8Array): Uint8Array { return x; }');
    await buildKernel({ source, out });
    expect(await names()).toEqual(['k.wasm', 'kernel.ts']);
    await writeFile(`${out}.d.ts`, 'export {};\n');
    await buildKernel({ source, out });
    expect(await names()).toEqual(['k.wasm', 'k.wasm.d.ts', 'kernel.ts']);
  });

  const KERNEL = `
    class Leg { strike: f64; days: u64 = 5; }
    class Input { legs: Leg[]; prices: Float64Array; note: string | null; big: Int64Array | null; any: any; }
    class any { x: i32; }
    class Output { total: f64; legs: Leg[] = []; }
    export function run(given: Input): Output { return new Output(); }`;
  const PROGRAM = `
    import { admit, createPool_ } from './lodger.js';
    import type { Input, Output } from './k.wasm.js';
    declare const bytes: Uint8Array;
    const kernel = await admit<Input, Output>(bytes);
    const input: Input = { legs: [{ strike: 1 }, { strike: 1, days: 2 }, { strike: 1, days: 2n }], prices: [1], any: { x: 1 } };
    const outcome = await createPool_().run({ kernel, input });
    for await (const each of createPool_().map({ kernel, inputs: [input, bytes] })) console.log(each.state);
    if (outcome.state === 'done') {
      const { total, legs } = kernel.decode(outcome.output);
      const days: bigint | undefined = legs[0]?.days;
      console.log(total.toFixed(2), days);
    }`;

  test.each<[string, string, string | undefined]>([
    ['a program that uses them', PROGRAM, undefined],
    ['a wrong field', PROGRAM.replace('strike: 1 }', "strike: '1' }"), 'TS2322'],
    ['an unknown field', PROGRAM.replace('prices: [1]', 'prices: [1], colour: 1'), 'TS2353'],
    ['a missing field', PROGRAM.replace('prices: [1],', ''), 'TS2741'],
    ['an input that is none', PROGRAM.replace('.run({ kernel, input })', ".run({ kernel, input: 'text' })"), 'TS2322'],
    ['an output of another type', PROGRAM.replace('total.toFixed(2)', 'total.toUpperCase()'), 'TS2339'],
  ])('are checked by tsc: %s', async (_name, program, fault) => {
    const own = await mkdtemp(join(folder, 'tsc-'));
    await writeFile(join(own, 'kernel.ts'), KERNEL);
    await buildKernel({ source: own, out: join(own, 'k.wasm') });
    await writeFile(join(own, 'package.json'), '{ "type": "module" }');
    const door = JSON.stringify(join(ROOT, 'dist/runtime/index.js'));
    await writeFile(join(own, 'lodger.ts'), `export { admit, createSandbox as createPool_ } from ${door};`);
    await writeFile(join(own, 'program.ts'), program);
    const compilerOptions = {
      ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      ...{ module: 'nodenext', target: 'es2023', lib: ['es2023', 'dom'], types: [], skipLibCheck: false },
    };
    await writeFile(join(own, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    const tsc = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', own, '--pretty', 'false'];
    const said = await promisify(execFile)(process.execPath, tsc).then(
      () => undefined,
      (error: { stdout: string }) => error.stdout,
    );
    if (fault === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(`error ${fault}`);
  });
});
