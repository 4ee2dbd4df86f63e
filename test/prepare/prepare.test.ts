// What an engine is given: the same functions, the memory in the form it wants, and nothing else that a kernel brought along.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { type Form, MEMORY_IMPORT } from '../../runtime/prepare/form.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

const IMPORTS = [
  { module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' },
  { module: 'lodger:kernel/clock@0.1.3', name: 'now', type: '>I' },
];

test.each([
  [5, 4],
  [5, 4.5],
  [1, Number.NaN],
])('a kernel that starts with %s pages cannot be prepared for %s', async (min, pagesMax) => {
  const kernel = await admit(kernelOf({ memory: [min] }));
  expect(() => prepare(kernel, { memoryForm: 'defined', metered: false, memoryPagesMax: pagesMax })).toThrow(
    'option "memoryPagesMax" must be an integer from',
  );
});

test('a look-alike of a kernel is not prepared', async () => {
  const kernel = await admit(kernelOf());
  expect(() => prepare({ ...kernel }, { memoryForm: 'imported', metered: false })).toThrow(
    'option "kernel" must be a kernel made by admit()',
  );
});

test.each<[string, KernelParts, number, unknown]>([
  ['no maximum', { memory: [2] }, 100, { min: 2, max: 100 }],
  ['a higher maximum', { memory: [2, 200] }, 100, { min: 2, max: 100 }],
  ['a lower maximum', { memory: [2, 50] }, 100, { min: 2, max: 50 }],
  ['the same maximum', { memory: [2, 100] }, 100, { min: 2, max: 100 }],
  ['nothing to spare', { memory: [100] }, 100, { min: 100, max: 100 }],
])('a memory with %s, defined, gets the lower maximum', async (_, parts, pagesMax, wanted) => {
  const { bytes } = prepare(await admit(kernelOf(parts)), {
    memoryForm: 'defined',
    metered: false,
    memoryPagesMax: pagesMax,
  });
  expect(WebAssembly.validate(bytes)).toBe(true);
  expect(readModule(bytes).memories).toEqual([wanted]);
});

test.each<[string, KernelParts]>([
  ['imports', { imports: IMPORTS, memory: [2, 50] }],
  ['no imports', { memory: [2, 50] }],
])('a kernel with %s gets its memory from the host, and its functions keep their numbers', async (_, parts) => {
  const kernel = await admit(kernelOf(parts));
  const { bytes } = prepare(kernel, { memoryForm: 'imported', metered: false, memoryPagesMax: 10 });
  const before = readModule(kernel.core);
  const after = readModule(bytes);
  expect(after.memories).toEqual([{ min: 2, max: 50 }]);
  expect(after.imports.at(-1)).toMatchObject({ ...MEMORY_IMPORT, kind: 'memory' });
  expect(after.imports.slice(0, -1)).toEqual(before.imports);
  expect(after.exports).toEqual(before.exports.filter(({ name }) => name !== 'memory'));
  expect(after.functions).toEqual(before.functions);

  const module = new WebAssembly.Module(bytes);
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 10 });
  const nothing = () => 0;
  const { exports } = new WebAssembly.Instance(module, {
    'lodger:kernel/exit@0.1.0': { fail: nothing },
    'lodger:kernel/clock@0.1.3': { now: nothing },
    [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: memory },
  });
  expect(Object.keys(exports)).toEqual(['run', 'cabi_realloc']);
  (exports.cabi_realloc as (...args: number[]) => number)(0, 0, 1, 2 * 65_536);
  expect(memory.buffer.byteLength).toBe(3 * 65_536);
});

const call = (name: string) => ({ type: name === 'cabi_post_run' ? 'i>' : '>', export: name, code: '' });

test.each<[string, KernelParts, string[]]>([
  ['a kernel', {}, ['run', 'cabi_realloc']],
  [
    'a kernel with what is optional',
    { functions: [call('cabi_post_run'), call('_initialize')] },
    ['run', 'cabi_realloc', 'cabi_post_run', '_initialize'],
  ],
  [
    'a stepper',
    {
      run: null,
      functions: [
        { type: 'ii>i', export: 'begin', code: 'i32.const 16' },
        { type: '>i', export: 'step', code: 'i32.const 16' },
        { type: '>i', export: 'finish', code: 'i32.const 16' },
      ],
    },
    ['cabi_realloc', 'begin', 'step', 'finish'],
  ],
])('%s keeps what is called of its exports; the rest goes, as each costs every instance', async (_, parts, wanted) => {
  const further = [call('helper'), call('__proto__'), call('cabi_post_step_2')];
  const kernel = await admit(
    kernelOf({
      table: [1],
      ...parts,
      functions: [...(parts.functions ?? []), ...further],
      exports: [
        { name: 'table', kind: 1, index: 0 },
        { name: 'global', kind: 3, index: 0 },
      ],
    }),
  );
  const names = (form: 'imported' | 'defined') =>
    readModule(prepare(kernel, { memoryForm: form, metered: false }).bytes).exports.map(({ name }) => name);
  expect(names('imported')).toEqual(wanted);
  expect(names('defined')).toEqual([...wanted, 'memory']);
  for (const form of ['imported', 'defined'] as const) {
    expect(WebAssembly.validate(prepare(kernel, { memoryForm: form, metered: false }).bytes)).toBe(true);
  }
});

test('nothing else changes: all other sections are the same, byte for byte', async () => {
  const kernel = await admit(
    kernelOf({
      imports: IMPORTS,
      table: [2],
      elements: [{ offset: 0, functions: ['$run'] }],
      data: [{ offset: 600, bytes: [1, 2] }, { bytes: [3] }],
      functions: [call('helper')],
    }),
  );
  const sections = (bytes: Uint8Array) => {
    const others = readModule(bytes).sections.filter(({ id }) => ![2, 5, 7].includes(id));
    return others.map(({ start, end }) => [...bytes.subarray(start, end)]);
  };
  expect(sections(kernel.core).length).toBeGreaterThan(7);
  for (const form of ['imported', 'defined'] as const) {
    expect(sections(prepare(kernel, { memoryForm: form, metered: false }).bytes)).toEqual(sections(kernel.core));
  }
});

test.each(['lodger:host', 'lodger:host/fuel', 'lodger:host2'])(
  'a kernel that imports from %s is refused',
  async (module) => {
    await expect(admit(kernelOf({ imports: [{ module, name: 'x', type: '>' }] }))).rejects.toMatchObject({
      code: 'ERR_KERNEL_INTERFACE',
      message: expect.stringContaining('names that begin with "lodger:host" are reserved for the host'),
    });
  },
);

test('custom sections are left behind, except names', async () => {
  const customs = ['name', 'producers', '.debug_info'].map((name) => ({ name, bytes: [] }));
  const { bytes } = prepare(await admit(kernelOf({ customs })), { memoryForm: 'imported', metered: false });
  expect(readModule(bytes).customs.map(({ name }) => name)).toEqual(['name']);
});

test('the key tells kernels, forms and maxima apart, and nothing else', async () => {
  const [one, same, other] = await Promise.all(
    [{}, {}, { memory: [3, 50] as const }].map((parts) => admit(kernelOf(parts))),
  );
  const key = (kernel: Kernel | undefined, form: Partial<Form>) =>
    kernel === undefined ? '' : prepare(kernel, { memoryForm: 'imported', metered: true, ...form }).key;
  const defined = (memoryPagesMax?: number): Partial<Form> => ({
    memoryForm: 'defined',
    ...(memoryPagesMax !== undefined && { memoryPagesMax }),
  });
  expect(key(one, {})).toBe(key(same, {}));
  expect(key(one, { memoryPagesMax: 8 })).toBe(key(one, { memoryPagesMax: 9 }));
  expect(key(one, defined(100))).toBe(key(one, defined(200)));
  const keys = [key(one, {}), key(one, defined()), key(one, defined(8)), key(other, {}), key(one, { metered: false })];
  expect(new Set(keys).size).toBe(keys.length);
});

test('what is told to a thread about a kernel can be cloned and holds no bytes', async () => {
  const { facts } = prepare(await admit(kernelOf({ imports: IMPORTS })), { memoryForm: 'imported', metered: false });
  expect(structuredClone(facts)).toEqual(facts);
  expect(Object.keys(facts).sort()).toEqual(['digest', 'encoding', 'imports', 'memory', 'optional', 'shape']);
});
