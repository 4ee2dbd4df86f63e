// Components: what is one kernel gives its core module unchanged, broken bytes are refused, and nothing else happens.
import { readFileSync } from 'node:fs';
import { componentNew, parse } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { extractCore } from '../../runtime/admit/component.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { describeCore, IMPORT_NAMES, type Made, makeComponent, refusal, SIMPLE } from './component-made.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/components/${name}`, import.meta.url)));
const kernelFolder = (name: string) => new URL(`../../kernels/${name}`, import.meta.url).pathname;

let simple: Uint8Array;

beforeAll(async () => {
  simple = await parse(SIMPLE);
});

/** A type section of records, each of two of the one before: the text of the last is 2^n long. */
const DOUBLING = Array.from({ length: 40 }, (_, n) => (n === 0 ? [7, 2, 1, 0x7d] : [7, 5, 1, 0x6f, 2, n - 1, n - 1]));

describe('bytes are refused', () => {
  test.each<[promise: string, change: (bytes: Uint8Array) => Uint8Array, reason: string]>([
    ['that are none', () => new Uint8Array(), 'ERR_KERNEL_MALFORMED: not a well-formed WebAssembly binary: the header'],
    ['that are a core module', () => fixture('kernel.core.wasm'), 'the header of a component is missing'],
    ['of an older draft', (bytes) => bytes.with(4, 0x0c), 'the header of a component is missing'],
    ['that end in a section', (bytes) => bytes.subarray(0, -1), 'it ends too early'],
    ['that end behind the header', (bytes) => bytes.subarray(0, 8), 'it has 0 main core modules'],
    ['with an unknown section', more(13, 0), 'section id 13 is not known'],
    ['with a start function', more(9, 0, 0, 0), 'it has a start function'],
    ['with values', more(12, 0), 'it defines values'],
    ['with a section longer than its contents', more(7, 1, 0x7f, 0), 'a section is longer than its contents'],
    ['with an unknown type', more(7, 1, 0x60), 'unknown type form 0x60'],
    ['with an asynchronous function type', more(7, 1, 0x43, 0, 1, 0), 'it uses asynchronous functions'],
    ['with a type that is not there', more(7, 1, 0x70, 0x3f), 'no value type of index 63'],
    ['with an instance that is not there', more(6, 1, 1, 0, 99, 1, 0x61), 'no instance of index 99'],
    [
      'with a function of an instance that has no such',
      more(6, 1, 1, 0, 0, 1, 0x61),
      'the instance has no function "a"',
    ],
    ['with an asynchronous lower', more(8, 1, 1, 0, 0, 1, 6), 'it uses asynchronous functions'],
    ['with an option given twice', more(8, 1, 1, 0, 0, 2, 0, 1), 'a canonical option is given twice'],
    ['with a built-in of threads', more(8, 1, 5, 0), 'it uses asynchronous functions, threads'],
    ['with names with options', more(11, 1, 2, 1, 0x61), 'it uses names with options'],
    ['with long lists', more(7, 0x81, 2), 'one of its lists has 257 members, more than 256'],
    ['with many definitions', many(257, [7, 2, 1, 0x7f]), 'it has more than 256 definitions of one kind'],
    ['with many sections', many(1_000, [0, 1, 0]), 'it has more than 1000 sections'],
    ['with a type that means too much', (bytes) => join(bytes.subarray(0, 8), ...DOUBLING), 'far longer than any'],
    ['with two exports of one name', more(11, 1, 0, 3, 0x72, 0x75, 0x6e, 1, 0, 0), '"run" is exported twice'],
  ])('%s', (_promise, change, reason) => {
    expect(refusal(change(simple))).toContain(reason);
  });

  test('in any other way than by a LodgerError, never: random sections', () => {
    const section = fc.tuple(fc.integer({ min: 0, max: 13 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(section, { maxLength: 8 }), fc.boolean(), (sections, behind) => {
        const added = sections.map(([id, bytes]) => [id, bytes.length, ...bytes]);
        expect(refusal(join(behind ? simple : simple.subarray(0, 8), ...added))).toMatch(/^(ERR_|accepted)/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the core module of a component', () => {
  test('is the same, or the component is refused, after any mutation', () => {
    const originals = [simple, fixture('kernel.component.wasm')].map((bytes) => ({ bytes, ...rangeOf(bytes) }));
    const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.constantFrom(...originals), fc.array(edit, { minLength: 1, maxLength: 4 }), (original, edits) => {
        const bytes = original.bytes.slice();
        for (const [at, value] of edits) bytes[at % bytes.length] = value;
        const got = attempt(bytes);
        if (got === undefined) return;
        expect(got.encoding).toBe('utf8');
        expect(Buffer.compare(got.core, bytes.subarray(original.start, original.end))).toBe(0);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each<[promise: string, made: Made]>([
    ['that imports nothing', {}],
    ['that imports nothing and has nothing to initialize', { initialized: 'no' }],
    ['that imports what needs no memory', { imports: ['clock.now'] }],
    ['that imports one function through shim and fix-up', { imports: ['log.write'], initialized: 'no' }],
    ['that imports some of both kinds', { imports: ['random.fill', 'clock.now', 'log.write', 'exit.fail'] }],
    ['that imports the whole world', { imports: IMPORT_NAMES, encoding: 'utf16' }],
    ['of a stepper', { shape: 'stepper', encoding: 'utf16' }],
    ['of a stepper that imports the whole world', { shape: 'stepper', imports: IMPORT_NAMES }],
  ])('%s is taken out', async (_promise, made) => {
    const { core, encoding } = extractCore(await makeComponent(made));
    const { imports, exports } = describeCore(core);
    expect(encoding).toBe(made.encoding ?? 'utf8');
    expect(imports).toEqual(made.imports ?? []);
    expect(exports).toContain(made.shape === 'stepper' ? 'finish' : 'run');
    expect(exports.includes('_initialize')).toBe(made.initialized !== 'no');
  });

  test('that AssemblyScript made is taken out, and its strings are utf16', async () => {
    const { wasm } = await buildKernel({ source: kernelFolder('echo') });
    const { core, encoding } = extractCore(await componentNew(wasm, []));
    expect(encoding).toBe('utf16');
    expect(describeCore(core)).toEqual(describeCore(wasm));
  });

  test('that C made is taken out, and its strings are utf8', async () => {
    const component = fixture('kernel.component.wasm');
    const { core, encoding } = extractCore(component);
    expect(encoding).toBe('utf8');
    expect(describeCore(core)).toEqual(describeCore(fixture('kernel.core.wasm')));
    expect(await componentNew(fixture('kernel.core.wasm'), [])).toEqual(component);
  });

  test('is a view, not a copy', () => {
    expect(extractCore(simple).core.buffer).toBe(simple.buffer);
  });

  test('may leave an encoding to the default, which is utf8', async () => {
    const silent = '$fail) (memory $memory)';
    const one = SIMPLE.replace(`${silent} string-encoding=utf8`, silent);
    expect(extractCore(await parse(one)).encoding).toBe('utf8');
    expect(refusal(await parse(one.replaceAll('=utf8', '=utf16')))).toContain('mixes string encodings: utf16, utf8');
  });
});

/** The bytes with one more section behind them. */
function more(id: number, ...contents: number[]): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => join(bytes, [id, contents.length, ...contents]);
}

/** The bytes with a section, so many times, behind them. */
function many(count: number, section: number[]): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => join(bytes, ...Array.from({ length: count }, () => section));
}

function join(...parts: ArrayLike<number>[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

/** Where the core module lies in the component. */
function rangeOf(component: Uint8Array): { start: number; end: number } {
  const { core } = extractCore(component);
  const start = core.byteOffset - component.byteOffset;
  return { start, end: start + core.length };
}

function attempt(component: Uint8Array): ReturnType<typeof extractCore> | undefined {
  try {
    return extractCore(component);
  } catch (error) {
    if (error instanceof LodgerError) return undefined;
    throw error;
  }
}
