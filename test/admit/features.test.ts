// What admission refuses, by name and in a fixed order, and what it lets through.
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { ADMITTED } from '../../runtime/admit/features.ts';
import { ADMISSION, type CeilingName } from '../../runtime/base/limits.ts';
import { Writer } from '../../runtime/wasm/writer.ts';
import { asm } from '../wasm/asm.ts';
import { type ModuleParts, moduleOf } from '../wasm/build.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

/** A kernel with these instructions, as bytes, somewhere in `run`. */
const doing = (bytes: readonly number[], parts: KernelParts = {}) =>
  kernelOf({
    ...parts,
    run: { locals: 'ii', code: new Writer().raw(bytes).raw(asm('i32.const 16')).byte(0x0b).take() },
  });
const section = (id: number, bytes: readonly number[], parts: KernelParts = {}) =>
  kernelOf({ ...parts, raw: { [id]: bytes } } as KernelParts & ModuleParts);

const REFUSED: readonly (readonly [feature: string, what: string, kernel: Uint8Array<ArrayBuffer>])[] = [
  ['threads', 'an atomic load', doing([0x41, 0, 0xfe, 0x10, 2, 0, 0x1a])],
  ['threads', 'a shared memory', section(5, [1, 3, 1, 2])],
  ['memory64', 'a memory of 64 bits', section(5, [1, 4, 1])],
  ['custom-page-sizes', 'a page of one byte', section(5, [1, 8, 1, 0])],
  ['multi-memory', 'two memories', section(5, [2, 0, 1, 0, 1])],
  ['reference-types', 'ref.null', doing([0xd0, 0x70, 0x1a])],
  ['reference-types', 'ref.is_null', doing([0xd2, 0, 0xd1, 0x1a])],
  ['reference-types', 'a typed select', doing([0x41, 1, 0x41, 2, 0x41, 3, 0x1c, 1, 0x7f, 0x1a])],
  ['reference-types', 'a table of externref', section(4, [1, 0x6f, 0, 1])],
  ['table-mutation', 'table.set', doing([0x41, 0, 0x41, 0, 0x26, 0], { table: [1] })],
  ['table-mutation', 'table.init', doing([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0], { table: [1] })],
  ['table-mutation', 'elem.drop', doing([0xfc, 13, 0], { table: [1] })],
  ['table-mutation', 'table.copy', doing([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 0], { table: [1] })],
  ['table-mutation', 'table.grow', doing([0x41, 0, 0x41, 0, 0xfc, 15, 0, 0x1a], { table: [1] })],
  ['table-mutation', 'table.fill', doing([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 17, 0], { table: [1] })],
  ['several tables', 'two tables', section(4, [2, 0x70, 0, 1, 0x70, 0, 1])],
  ['tail-calls', 'return_call', doing([0x41, 0, 0x41, 0, 0x12, 0])],
  ['exceptions', 'try', doing([0x06, 0x40, 0x0b])],
  ['exceptions', 'throw', doing([0x08, 0])],
  ['exceptions', 'a tag section', section(13, [1, 0, 0])],
  ['function-references', 'call_ref', doing([0x14, 0])],
  ['gc', 'struct.new', doing([0xfb, 0, 0])],
  ['relaxed-simd', 'a relaxed multiply and add', doing([0xfd, 0x85, 0x02])],
  [
    'extended-const',
    'arithmetic in a constant',
    kernelOf({ globals: [{ type: 'i', value: 'i32.const 1 i32.const 2 i32.add' }] }),
  ],
  ['a start section', 'a start function', kernelOf({ functions: [{ type: '>', code: '' }], start: 2 })],
];

describe('admission refuses a feature by its name', () => {
  test.each(REFUSED)('%s: %s', async (feature, _, kernel) => {
    await expect(admit(kernel)).rejects.toMatchObject({
      code: 'ERR_KERNEL_FEATURE',
      message: expect.stringContaining(`kernel uses ${feature}, which is not admitted: `),
    });
  });

  test('and every feature that it knows is either admitted or refused with a remedy', () => {
    for (const verdict of Object.values(ADMITTED)) expect(verdict === true || verdict.length > 10).toBe(true);
  });
});

test('admission names the admitted features that a kernel uses', async () => {
  const kernel = await admit(
    kernelOf({
      run: {
        locals: 'i',
        code: `i32.const 0 i32.const 0 i32.const 0 memory.fill local.get 0 i32.extend8_s drop
               i32.const 0 f64.convert_i32_s i32.trunc_sat_f64_s drop i32.const 16`,
      },
    }),
  );
  expect(kernel.features).toEqual(['bulk-memory', 'saturating-conversions', 'sign-extension']);
});

describe('admission checks in a fixed order: of two faults, the earlier is told', () => {
  const wasi = { module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii>i' };
  const threads = { raw: { 5: [1, 3, 1, 2] } };
  test.each([
    ['size before header', new Uint8Array(64).fill(1), { moduleBytes: 63 }, 'ERR_KERNEL_CEILING'],
    ['sections before features', doing([0x06, 0x40, 0x0b]).subarray(0, 40), {}, 'ERR_KERNEL_MALFORMED'],
    [
      'features before ceilings',
      doing([0xd0, 0x70, 0x1a], { functions: [{ type: '>', code: '' }] }),
      { functions: 1 },
      'ERR_KERNEL_FEATURE',
    ],
    ['features before imports', kernelOf({ imports: [wasi], ...threads } as KernelParts), {}, 'ERR_KERNEL_FEATURE'],
    ['ceilings before imports', kernelOf({ imports: [wasi] }), { functions: 1 }, 'ERR_KERNEL_CEILING'],
    ['imports before exports', kernelOf({ imports: [wasi], run: null }), {}, 'ERR_KERNEL_INTERFACE'],
    [
      'exports before the engine',
      kernelOf({ run: null, functions: [{ type: '>i', code: '' }] }),
      {},
      'ERR_KERNEL_INTERFACE',
    ],
    ['the engine last', kernelOf({ functions: [{ type: '>i', code: '' }] }), {}, 'ERR_KERNEL_MALFORMED'],
  ])('%s', async (_, kernel, ceilings, code) => {
    await expect(admit(kernel, { ceilings })).rejects.toMatchObject({ code });
  });

  test('imports before exports, in words', async () => {
    await expect(admit(kernelOf({ imports: [wasi], run: null }))).rejects.toThrow(/fd_write/);
  });
});

describe('admission holds every ceiling at its edge', () => {
  /** Something of everything, so that each count is at least 1. */
  const rich = kernelOf({
    imports: [{ module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' }],
    types: ['>i'],
    table: [3],
    elements: [{ offset: 0, functions: ['$run'] }],
    data: [{ offset: 600, bytes: [1] }],
    functions: [
      {
        type: 'i>i',
        locals: 'ii',
        code: 'loop local.get 0 br_if 0 end block local.get 0 i32.const 3 i32.div_s drop i32.const 0 i32.const 0 call $fail end i32.const 7',
      },
    ],
    customs: [{ name: 'x', bytes: [1] }],
  });

  test.each(Object.keys(ADMISSION) as CeilingName[])('%s', async (name) => {
    const { report } = await admit(rich);
    const count = report[name] ?? 0;
    expect(count).toBeGreaterThan(0);
    expect((await admit(rich, { ceilings: { [name]: count } })).report[name]).toBe(count);
    await expect(admit(rich, { ceilings: { [name]: count - 1 } })).rejects.toMatchObject({
      code: 'ERR_KERNEL_CEILING',
      message: expect.stringContaining(`the ceiling is ${count - 1} (${name}: `),
    });
  });

  test.each([
    [{ functions: -1 }, 'ceilings.functions'],
    [{ functions: Number.POSITIVE_INFINITY }, 'ceilings.functions'],
    [{ functons: 5 }, 'ceilings.functons'],
  ])('and refuses %o for a ceiling', async (ceilings, path) => {
    await expect(admit(rich, { ceilings } as never)).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringContaining(`"${path}"`),
    });
  });
});

describe('the string encoding is told once', () => {
  const section = (encoding: number) =>
    new Writer()
      .raw([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00])
      .section(0, (w) => w.name('wit-component-encoding').raw([0x04, encoding]))
      .take();
  test.each([
    ['absent', kernelOf({ encoding: null })],
    ['mixed', kernelOf({ encoding: 'utf8', customs: [{ name: 'component-type:other', bytes: section(1) }] })],
    ['compact utf-16', kernelOf({ encoding: null, customs: [{ name: 'component-type', bytes: section(2) }] })],
    ['unknown', kernelOf({ encoding: null, customs: [{ name: 'component-type', bytes: section(9) }] })],
  ])('%s: refused', async (_, kernel) => {
    await expect(admit(kernel)).rejects.toMatchObject({ code: 'ERR_KERNEL_INTERFACE' });
  });

  test.each(['utf8', 'utf16'] as const)('%s: taken', async (encoding) => {
    expect((await admit(kernelOf({ encoding }))).encoding).toBe(encoding);
  });
});

test('a module that is not a kernel is refused for what it lacks', async () => {
  await expect(admit(moduleOf({}))).rejects.toMatchObject({ code: 'ERR_KERNEL_INTERFACE' });
});
