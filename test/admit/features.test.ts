// What a kernel may use of WebAssembly, and what it may not, each refused by its name.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { KernelParts } from '../wasm/kernel.ts';
import { kernelOf } from '../wasm/kernel.ts';

const code = (text: string): KernelParts => ({ functions: [{ type: '>', code: text }] });
const raw = (section: number, bytes: number[], rest: KernelParts = {}): KernelParts => ({
  ...rest,
  raw: { [section]: bytes },
});
const global = (...bytes: number[]) => raw(6, [1, ...bytes]);
const constant = (...bytes: number[]) => global(0x7f, 0, ...bytes, 0x0b);

/** The feature's name, a kernel that uses it, and what of it. */
const REFUSED: readonly (readonly [string, KernelParts, string])[] = [
  ['threads', { memory: [1, 1], raw: { 5: [1, 3, 1, 1] } }, 'a shared memory'],
  ['threads', raw(5, [1, 2, 1]), 'a shared memory without a maximum'],
  ['threads', code('0xfe 0x03 0x00'), 'an atomic fence'],
  ['threads', code('i32.const 0 0xfe 0x10 0x02 0x00 drop'), 'an atomic load'],
  ['threads', code('memory.discard'), 'memory.discard'],
  ['threads', global(0x7f, 2, 0x41, 0, 0x0b), 'a shared global'],
  ['memory64', raw(5, [1, 4, 1]), 'a memory of 64-bit addresses'],
  ['memory64', raw(4, [1, 0x70, 4, 0]), 'a table of 64-bit indexes'],
  ['custom-page-sizes', raw(5, [1, 8, 1, 0]), 'pages of one byte'],
  ['multi-memory', raw(5, [2, 0, 1, 0, 1]), 'two memories'],
  ['multi-memory', code('i32.const 0 0x28 0x42 0x01 0x00 drop'), 'a load from memory 1'],
  ['multi-memory', code('0x3f 0x01 drop'), 'the size of memory 1'],
  ['multi-memory', code('i32.const 0 i32.const 0 i32.const 0 0xfc 0x0a 0x00 0x01'), 'a copy to memory 1'],
  ['multi-memory', raw(11, [1, 2, 1, 0x41, 0, 0x0b, 0]), 'data for memory 1'],
  ['reference-types', { functions: [{ type: 'x>', code: '' }] }, 'an externref parameter'],
  ['reference-types', { functions: [{ type: 'r>', code: '' }] }, 'a funcref parameter'],
  ['reference-types', { functions: [{ type: '>', locals: 'x', code: '' }] }, 'an externref local'],
  ['reference-types', raw(4, [1, 0x6f, 0, 1]), 'a table of externref'],
  ['reference-types', global(0x70, 0, 0xd0, 0x70, 0x0b), 'a global of funcref'],
  ['reference-types', raw(9, [1, 5, 0x6f, 0], { table: [1] }), 'elements of externref'],
  ['reference-types', code('ref.func 0x00 drop'), 'ref.func'],
  ['reference-types', code('ref.null 0x70 drop'), 'ref.null'],
  ['reference-types', code('i32.const 0 i32.const 0 i32.const 0 select_t 0x01 0x7f drop'), 'select with a type'],
  ['reference-types', code('i32.const 0 table.get 0x00 drop'), 'table.get'],
  ['reference-types', code('table.size 0x00 drop'), 'table.size'],
  ['reference-types', code('block x unreachable end drop'), 'a block that gives an externref'],
  ['table-mutation', code('table.set 0x00'), 'table.set'],
  ['table-mutation', code('table.grow 0x00'), 'table.grow'],
  ['table-mutation', code('table.fill 0x00'), 'table.fill'],
  ['table-mutation', code('table.copy 0x00 0x00'), 'table.copy'],
  ['table-mutation', code('table.init 0x00 0x00'), 'table.init'],
  ['table-mutation', code('elem.drop 0x00'), 'elem.drop'],
  ['several tables', raw(4, [2, 0x70, 0, 1, 0x70, 0, 1]), 'two tables'],
  ['several tables', raw(9, [1, 2, 1, 0x41, 0, 0x0b, 0, 0], { table: [1] }), 'elements for table 1'],
  ['tail-calls', code('return_call 0x00'), 'return_call'],
  ['tail-calls', code('return_call_indirect 0x00 0x00'), 'return_call_indirect'],
  ['exceptions', raw(13, [1, 0, 0]), 'a tag section'],
  ['exceptions', code('try 0x40 end'), 'try'],
  ['exceptions', code('throw 0x00'), 'throw'],
  ['exceptions', code('throw_ref'), 'throw_ref'],
  ['exceptions', code('try_table 0x40 0x00 end'), 'try_table'],
  ['exceptions', raw(7, [1, 1, 0x61, 4, 0]), 'an exported tag'],
  ['function-references', code('call_ref 0x00'), 'call_ref'],
  ['function-references', code('return_call_ref 0x00'), 'return_call_ref'],
  ['function-references', raw(4, [1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b]), 'a table with an initial value'],
  ['function-references', global(0x63, 0x70, 0, 0xd0, 0x70, 0x0b), 'a typed reference'],
  ['gc', raw(1, [1, 0x5f, 0]), 'a struct type'],
  ['gc', raw(1, [1, 0x5e, 0x7f, 0]), 'an array type'],
  ['gc', raw(1, [1, 0x4e, 1, 0x60, 0, 0]), 'a group of types'],
  ['gc', code('0xfb 0x00 0x00'), 'struct.new'],
  ['gc', code('ref.eq'), 'ref.eq'],
  ['gc', constant(0xfb, 0x1c), 'a constant of i31'],
  ['gc', global(0x6e, 0, 0xd0, 0x6e, 0x0b), 'an anyref'],
  ['stack-switching', raw(1, [1, 0x5d, 0]), 'a continuation type'],
  ['stack-switching', code('suspend 0x00'), 'suspend'],
  ['relaxed-simd', code('0xfd 0x80 0x02'), 'i8x16.relaxed_swizzle'],
  ['relaxed-simd', code('0xfd 0x93 0x02'), 'i32x4.relaxed_dot'],
  ['wide-arithmetic', code('i64.add128'), 'i64.add128'],
  ['extended-const', constant(0x41, 1, 0x41, 2, 0x6a), 'a sum in a constant'],
  ['extended-const', constant(0x23, 0, 0x41, 2, 0x6c), 'a product in a constant'],
  ['a start section', { functions: [{ type: '>', code: '' }], start: 2 }, 'a start function'],
];

test.each(REFUSED.map(([name, parts, what]) => [name, what, parts] as const))(
  '%s are refused by that name: %s',
  async (name, _, parts) => {
    await expect(admit(kernelOf(parts))).rejects.toMatchObject({
      code: 'ERR_KERNEL_FEATURE',
      message: expect.stringMatching(new RegExp(`^kernel uses ${name}, which is not admitted: .`)),
    });
  },
);

test.each<[string, KernelParts, string[]]>([
  ['nothing but the first version', {}, ['bulk-memory']],
  [
    'a mutable global that is exported',
    { exports: [{ name: 'g', kind: 3, index: 0 }] },
    ['bulk-memory', 'mutable-globals'],
  ],
  ['sign extension', code('i32.const 0 i32.extend8_s drop'), ['bulk-memory', 'sign-extension']],
  ['saturating conversions', code('f32.const 0 i32.trunc_sat_f32_s drop'), ['bulk-memory', 'saturating-conversions']],
  [
    'several results',
    { functions: [{ type: '>ii', code: 'i32.const 0 i32.const 1' }] },
    ['bulk-memory', 'multi-value'],
  ],
  [
    'a block with parameters',
    { types: ['i>i'], ...code('i32.const 0 block 0 end drop') },
    ['bulk-memory', 'multi-value'],
  ],
  ['fixed-width SIMD', { functions: [{ type: '>', locals: 'v', code: '' }] }, ['bulk-memory', 'simd']],
  ['passive data', { data: [{ bytes: [1] }], ...code('data.drop 0') }, ['bulk-memory']],
  ['an indirect call', { types: ['>'], table: [1, 1], ...code('i32.const 0 call_indirect 0') }, ['bulk-memory']],
  [
    'an indirect call with its table in 5 bytes',
    { types: ['>'], table: [1], ...code('i32.const 0 0x11 0x00 0x80 0x80 0x80 0x80 0x00') },
    ['bulk-memory'],
  ],
  ['passive elements', raw(9, [1, 1, 0, 1, 0], { table: [1] }), ['bulk-memory']],
  ['declared elements', raw(9, [1, 3, 0, 1, 0], { table: [1] }), ['bulk-memory']],
  [
    'elements as expressions',
    raw(9, [1, 4, 0x41, 0, 0x0b, 2, 0xd2, 0, 0x0b, 0xd0, 0x70, 0x0b], { table: [2] }),
    ['bulk-memory'],
  ],
])('%s: admitted, and the features are named', async (_, parts, features) => {
  expect((await admit(kernelOf(parts))).features).toEqual(features);
});
