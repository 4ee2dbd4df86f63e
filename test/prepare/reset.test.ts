// Which modules get a function that resets their globals, and that no guest can call it.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { type Form, RESET_EXPORT } from '../../runtime/prepare/form.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { resetOf } from '../../runtime/prepare/reset.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

const METERED: Form = { memoryForm: 'imported', metered: true };
const exportsOf = async (form: Form, parts: KernelParts = {}) => {
  const { bytes } = prepare(await admit(kernelOf(parts)), form);
  expect(WebAssembly.validate(bytes)).toBe(true);
  return readModule(bytes).exports.map(({ name }) => name);
};

test("a metered kernel whose memory is the host's has the function, behind all others", async () => {
  expect((await exportsOf(METERED)).at(-1)).toBe(RESET_EXPORT);
  const { exports, functions } = readModule(prepare(await admit(kernelOf()), METERED).bytes);
  expect(exports.at(-1)).toEqual({ name: RESET_EXPORT, kind: 'function', index: functions.length - 1 });
});

test.each<[string, Form]>([
  ['a kernel that defines its memory', { memoryForm: 'defined', metered: true }],
  ['a kernel that is not metered', { memoryForm: 'imported', metered: false }],
])('%s does not', async (_, form) => {
  expect(await exportsOf(form)).not.toContain(RESET_EXPORT);
});

const plain: ModuleParts = {
  functions: [{ type: '>', export: 'run', code: '' }],
  memory: [1],
  globals: [{ type: 'i', mutable: true, value: 'i32.const 1' }],
  data: [{ offset: 8, bytes: [1] }],
};

test.each<[string, ModuleParts]>([
  ['a start function', { start: 0 }],
  [
    'passive data that it drops',
    { data: [{ bytes: [1] }], dataCount: 1, functions: [{ type: '>', code: 'data.drop 0' }] },
  ],
  ['data at an address that is not written there', { raw: { 11: [1, 0, 0x23, 0, 0x0b, 1, 1] } }],
  ['an imported table', { imports: [{ module: 'a', name: 't', table: [1] }] }],
  ['an imported global', { imports: [{ module: 'a', name: 'g', global: 'i', mutable: true }] }],
  ['a table that is shown', { table: [1], exports: [{ name: 't', kind: 1, index: 0 }] }],
  ['an instruction that is not read', { functions: [{ type: '>', code: '0xfc 0x0d 0x00' }] }],
  ['more data than is worth a copy', { data: [{ offset: 256 * 1024, bytes: [1] }] }],
  [
    'more globals than are worth it',
    { globals: Array.from({ length: 2_000 }, () => ({ type: 'i', mutable: true, value: 'i32.const 1' })) },
  ],
])('a module with %s is not reset', (_, parts) => {
  expect(resetOf(readModule(moduleOf(plain)))).toBeDefined();
  expect(resetOf(readModule(moduleOf({ ...plain, ...parts })))).toBeUndefined();
});

test('the function gives back where the initial data ends', async () => {
  const ends: [KernelParts, number][] = [
    [{}, 0],
    [{ data: [{ offset: 600, bytes: [0, 0] }] }, 602],
    [
      {
        data: [
          { offset: 700, bytes: [1] },
          { offset: 600, bytes: [2] },
          { offset: 900, bytes: [] },
        ],
      },
      701,
    ],
  ];
  for (const [parts, end] of ends) {
    const { bytes } = prepare(await admit(kernelOf(parts)), METERED);
    const nothing = () => undefined;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      'lodger:host': { memory, refill: nothing, stack: nothing, grow: nothing },
    });
    expect((exports[RESET_EXPORT] as () => number)()).toBe(end);
  }
});

test.each<[string, KernelParts, RegExp]>([
  [
    'exports something under its name',
    { exports: [{ name: RESET_EXPORT, kind: 3, index: 0 }] },
    /names that begin with/,
  ],
  ['calls a function behind its own', { functions: [{ type: '>', code: 'call 3' }] }, /unknown function/],
  ['has such a function in a table', { table: [1], elements: [{ offset: 0, functions: [2] }] }, /function index/],
  ['shows such a function', { exports: [{ name: 'more', kind: 0, index: 2 }] }, /function index/],
])('a guest that %s is refused', async (_, parts, reason) => {
  await expect(admit(kernelOf(parts))).rejects.toThrow(reason);
});
