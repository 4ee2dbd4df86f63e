// How a kernel must fit the world: imports, exports, memory, string encoding, and the order in which it is looked at.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { sealed } from '../../runtime/job/kernel.ts';
import { WORLD } from '../../runtime/job/world.ts';
import { HEADER } from '../../runtime/wasm/writer.ts';
import type { FunctionPart } from '../wasm/build.ts';
import { encodingSection, type KernelParts, kernelOf } from '../wasm/kernel.ts';

const EXIT = 'lodger:kernel/exit@0.1.0';
const nothing: FunctionPart = { type: '>', code: '' };
const stepper = (...names: ('begin' | 'step' | 'finish')[]): FunctionPart[] =>
  names.map((name) => ({ type: name === 'begin' ? 'ii>i' : '>i', code: 'i32.const 16', export: name }));
const customs = (...bytes: Uint8Array[]): KernelParts => ({
  encoding: null,
  customs: bytes.map((one) => ({ name: 'component-type', bytes: one })),
});
const utf8 = encodingSection('utf8').bytes;
const patched = (index: number, byte: number) => utf8.map((old, at) => (at === utf8.length + index ? byte : old));

test.each<[string, KernelParts, string]>([
  ['an import of a table', { imports: [{ module: EXIT, name: 't', table: [1] }] }, 'a table cannot be imported'],
  [
    'an import of a memory',
    { imports: [{ module: EXIT, name: 'm', memory: [1] }], raw: { 5: [0] } },
    'a memory cannot be imported',
  ],
  ['an import of a global', { imports: [{ module: EXIT, name: 'g', global: 'i' }] }, 'a global cannot be imported'],
  [
    'a parameter too few',
    { imports: [{ module: EXIT, name: 'fail', type: 'i>' }] },
    'it must be (i32, i32) -> (), not (i32) -> ()',
  ],
  [
    'a result too many',
    { imports: [{ module: EXIT, name: 'fail', type: 'ii>i' }] },
    'it must be (i32, i32) -> (), not (i32, i32) -> i32',
  ],
  ['control characters in a name', { imports: [{ module: 'a\u001b[31m\n', name: 'b', type: '>' }] }, '"a?[31m?"'],
  [
    'a name of 2,000 letters',
    { imports: [{ module: 'a'.repeat(2_000), name: 'b', type: '>' }] },
    `"${'a'.repeat(77)}..."`,
  ],
  ['no shape', { run: null }, 'it exports neither "run" (a kernel) nor "begin", "step", "finish" (a stepper)'],
  [
    'names of the other mangling',
    { run: null, functions: [{ type: 'ii>i', code: 'i32.const 0', export: 'cm32p2||run' }] },
    'build with legacy name mangling',
  ],
  ['both shapes', { functions: stepper('begin', 'step', 'finish') }, 'functions of a kernel and of a stepper'],
  ['a kernel with a step', { functions: stepper('step') }, 'functions of a kernel and of a stepper'],
  ['a stepper without begin', { run: null, functions: stepper('step', 'finish') }, 'a stepper exports "begin" as well'],
  ['a stepper without step', { run: null, functions: stepper('begin', 'finish') }, 'a stepper exports "step" as well'],
  [
    'a stepper without finish',
    { run: null, functions: stepper('begin', 'step') },
    'a stepper exports "finish" as well',
  ],
  [
    'a run of no input',
    { run: { type: '>i', code: 'i32.const 0' } },
    'the export "run" must be (i32, i32) -> i32, not () -> i32',
  ],
  [
    'a run of 64-bit pointers',
    { run: { type: 'II>i', code: 'i32.const 0' } },
    'must be (i32, i32) -> i32, not (i64, i64) -> i32',
  ],
  [
    'a run that is a memory',
    { run: null, exports: [{ name: 'run', kind: 2, index: 0 }] },
    'the export "run" must be a function',
  ],
  ['no cabi_realloc', { realloc: null }, 'it does not export "cabi_realloc"'],
  [
    'a cabi_realloc of three',
    { realloc: { type: 'iii>i', locals: '', code: 'i32.const 0' } },
    '"cabi_realloc" must be (i32, i32, i32, i32) -> i32',
  ],
  [
    'an _initialize that takes something',
    { functions: [{ type: 'i>', code: '', export: '_initialize' }] },
    '"_initialize" must be () -> ()',
  ],
  [
    'a cabi_post_run of nothing',
    { functions: [{ ...nothing, export: 'cabi_post_run' }] },
    '"cabi_post_run" must be (i32) -> ()',
  ],
  [
    'no memory',
    { raw: { 5: [0], 7: [2, 3, 0x72, 0x75, 0x6e, 0, 0, 12, ...Buffer.from('cabi_realloc'), 0, 1] } },
    'it has no memory',
  ],
  [
    'a memory that is not exported',
    { raw: { 7: [2, 3, 0x72, 0x75, 0x6e, 0, 0, 12, ...Buffer.from('cabi_realloc'), 0, 1] } },
    'it does not export its memory as "memory"',
  ],
  ['no encoding', { encoding: null }, 'it has no section "component-type" that names its string encoding'],
  [
    'an encoding section with another name',
    { encoding: null, customs: [encodingSection('utf8', 'component-typ')] },
    'it has no section',
  ],
  ['a component without an encoding', customs(utf8.slice(0, 8)), 'it has no section'],
  ['compact-utf16', customs(patched(-1, 2)), 'its string encoding is neither utf8 nor utf16'],
  ['an encoding that does not exist', customs(patched(-1, 9)), 'its string encoding is neither utf8 nor utf16'],
  ['an encoding of another version', customs(patched(-2, 3)), 'the version of its "wit-component-encoding" is not 4'],
  ['two encodings', { customs: [encodingSection('utf16')] }, 'utf8 in one place and utf16 in another'],
])('%s: refused with what is wrong', async (_, parts, message) => {
  await expect(admit(kernelOf(parts))).rejects.toMatchObject({
    code: 'ERR_KERNEL_INTERFACE',
    message: expect.stringContaining(message),
  });
});

test.each<[string, KernelParts, string]>([
  ['an encoding section that is no component', customs(new Uint8Array(9)), 'does not hold a component'],
  ['an encoding section cut off', customs(utf8.slice(0, -1)), 'it ends too early'],
  [
    'a body of wrong types',
    { functions: [{ type: '>i', code: 'i64.const 0' }] },
    'the engine refuses it, Compiling function #2 failed',
  ],
  [
    'an export twice',
    { exports: [{ name: 'run', kind: 0, index: 0 }] },
    'the engine refuses it, Duplicate export name',
  ],
  ['a maximum below the minimum', { memory: [5, 4] }, 'the engine refuses it'],
  ['an export of nobody', { exports: [{ name: 'x', kind: 0, index: 99 }] }, 'the engine refuses it'],
])('%s: malformed', async (_, parts, message) => {
  await expect(admit(kernelOf(parts))).rejects.toMatchObject({
    code: 'ERR_KERNEL_MALFORMED',
    message: expect.stringContaining(message),
  });
});

/** What is wrong with one kernel, from what is looked at last to what is looked at first. */
const ORDER: readonly (readonly [step: string, wrong: KernelParts, says: string])[] = [
  ['validation', { functions: [{ type: '>', code: 'i32.add' }] }, 'the engine refuses it'],
  ['string encoding', { encoding: null }, 'it has no section'],
  ['exports', { realloc: null }, 'it does not export "cabi_realloc"'],
  ['imports', { imports: [{ module: 'env', name: 'puts', type: '>' }] }, 'nothing is called "env" here'],
  ['ceilings', { memory: [5_000] }, 'the ceiling is 4096'],
  ['features', { start: 0 }, 'kernel uses a start section'],
  ['sections', { raw: { 11: [9] } }, 'data segments: 9 announced'],
];

test.each(ORDER.map(([step], index) => [step, index] as const))(
  '%s come before what is listed after them',
  async (_, index) => {
    const wrong = ORDER.slice(0, index + 1).map(([, parts]) => parts);
    const bytes = kernelOf(Object.assign({}, ...wrong));
    await expect(admit(bytes)).rejects.toThrow(ORDER[index]?.[2]);
    if (index < ORDER.length - 1) return;
    const headless = bytes.with(4, 9);
    await expect(admit(headless)).rejects.toThrow('its version is not 1');
    await expect(admit(headless, { ceilings: { moduleBytes: 10 } })).rejects.toThrow('the ceiling is 10');
  },
);

test('every function of the world can be imported, under any 0.1 version, and is listed once', async () => {
  const imports = Object.entries(WORLD).flatMap(([name, { functions }]) =>
    Object.entries(functions).map(([name2, { params, results }]) => ({
      module: `lodger:kernel/${name}@0.1.17`,
      name: name2,
      type: `${params}>${results}`,
    })),
  );
  const kernel = await admit(kernelOf({ imports: [...imports, ...imports.slice(0, 3)] }));
  expect(kernel.imports).toEqual(
    imports.map(({ module, name }) => ({
      interface: module.slice('lodger:kernel/'.length, module.indexOf('@')),
      function: name,
      module,
    })),
  );
});

test('a kernel is what its bytes say, and the caller may reuse them', async () => {
  const bytes = kernelOf({
    memory: [3, 9],
    encoding: 'utf16',
    functions: [
      { ...nothing, export: '_initialize' },
      { type: 'i>', code: '', export: 'cabi_post_run' },
      { ...nothing, export: 'something_else' },
    ],
  });
  const kernel = await admit(bytes);
  const digest = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
  expect(kernel).toMatchObject({
    digest,
    shape: 'kernel',
    encoding: 'utf16',
    format: 'core',
    memory: { min: 3, max: 9 },
    optional: ['_initialize', 'cabi_post_run'],
  });
  expect(kernel.bytes).toEqual(bytes);
  bytes.fill(0);
  expect(kernel.bytes[1]).toBe(HEADER[1]);
});

test('nothing that a caller does to a kernel changes what was admitted', async () => {
  const IMPORTS = [{ module: 'lodger:kernel/log@0.1.0', name: 'write', type: 'iii>' }];
  const kernel = await admit(kernelOf({ imports: IMPORTS }));
  const before = structuredClone({ ...sealed(kernel) });
  for (const [place, change] of Object.entries<(it: Writable) => void>({
    'the imports': ({ imports }) => imports.pop(),
    'one of the imports': ({ imports }) => Object.assign(imports[0] ?? {}, { interface: 'exit' }),
    'the optional exports': ({ optional }) => optional.push('_initialize'),
    'the memory': ({ memory }) => Object.assign(memory, { min: 0 }),
    'the features': ({ features }) => features.push('simd'),
    'the report': ({ report }) => Object.assign(report, { types: 0 }),
    'the kernel itself': (it) => Object.assign(it, { digest: '' }),
  })) {
    expect(() => change(kernel as unknown as Writable), place).toThrow(TypeError);
  }
  kernel.core.fill(0);
  kernel.bytes.fill(0);
  structuredClone(kernel.core, { transfer: [kernel.core.buffer as ArrayBuffer] });
  expect({ ...sealed(kernel) }).toEqual(before);
  expect(sealed(sealed(kernel))).toBe(sealed(kernel));
});

/** A kernel as a caller without types sees it. */
interface Writable {
  imports: object[];
  optional: string[];
  memory: object;
  features: string[];
  report: object;
}

test('a stepper is recognised, and an encoding may be named twice if it is the same', async () => {
  const again = encodingSection('utf8', 'component-type:another');
  const functions = stepper('begin', 'step', 'finish');
  const kernel = await admit(kernelOf({ run: null, functions, customs: [again] }));
  expect(kernel).toMatchObject({ shape: 'stepper', encoding: 'utf8', memory: { min: 1, max: 16 }, optional: [] });
});

test('who digests is the platform that was given', async () => {
  const digest = () => new Uint8Array(32).fill(0xab);
  const kernel = await admit(kernelOf(), { platform: { digest, now: () => 0 } });
  expect(kernel.digest).toBe('ab'.repeat(32));
});
