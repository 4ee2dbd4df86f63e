// Reading modules: what is malformed is refused with the reason and the place; what is there is found.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LodgerError } from '../../runtime/base/errors.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { HEADER } from '../../runtime/wasm/writer.ts';
import { type ModuleParts, moduleOf } from './build.ts';
import { kernelOf } from './kernel.ts';

const file = (...rest: number[]) => Uint8Array.from([...HEADER, ...rest]);
const withRaw = (raw: Record<number, number[]>, rest: ModuleParts = {}) => moduleOf({ ...rest, raw });
const withCode = (...code: number[]) => moduleOf({ functions: [{ type: '>', code }] });

test.each<[string, Uint8Array, string]>([
  ['nothing', new Uint8Array(), 'the magic number \\0asm is missing (at byte 0)'],
  ['text', new TextEncoder().encode('(module)'), 'the magic number \\0asm is missing (at byte 0)'],
  ['half a header', Uint8Array.from(HEADER.slice(0, 6)), 'it ends within its header (at byte 6)'],
  ['version 2', Uint8Array.from([...HEADER.slice(0, 4), 2, 0, 0, 0]), 'its version is not 1 (at byte 4)'],
  ['a section without a size', file(1), 'it ends too early (at byte 9)'],
  ['a section longer than the file', file(1, 5, 0), 'section "type" is longer than the file (at byte 8)'],
  ['an unknown section', file(14, 0), 'section id 14 is not known (at byte 8)'],
  ['a section twice', file(1, 1, 0, 1, 1, 0), 'section "type" is there twice (at byte 11)'],
  ['sections out of order', file(3, 1, 0, 1, 1, 0), 'section "type" is out of order (at byte 11)'],
  ['a custom section without a name', file(0, 0), 'it ends too early (at byte 10)'],
  ['a custom section with a name beyond it', file(0, 1, 5, 0x61, 0x61), 'it ends too early (at byte 11)'],
  ['bytes behind what a section holds', file(1, 2, 0, 0), 'section "type" is longer than what it holds (at byte 11)'],
  ['more types than bytes', file(1, 1, 9), 'types: 9 announced, too few bytes left (at byte 10)'],
  ['a type of no form', file(1, 4, 1, 0x40, 0, 0), '0x40 is not the form of a type (at byte 11)'],
  ['a value type that is none', file(1, 5, 1, 0x60, 1, 0x10, 0), '0x10 is not a value type (at byte 13)'],
  ['an import of no kind', file(2, 5, 1, 0, 0, 9, 0), '0x9 is not the kind of an import or export (at byte 13)'],
  ['a function of no type', withRaw({ 3: [1, 7] }), 'a function has type 7, which is not there'],
  ['functions without bodies', withRaw({ 1: [1, 0x60, 0, 0], 3: [1, 0] }), 'functions have no bodies'],
  ['bodies without functions', withRaw({ 10: [1, 2, 0, 11] }), 'functions and bodies differ in number'],
  ['a size of no kind', withRaw({ 5: [1, 0x10, 0] }), '0x10 are not the flags of a size'],
  ['a global neither constant nor mutable', withRaw({ 6: [1, 0x7f, 9, 0x41, 0, 11] }), 'neither constant nor mutable'],
  ['a constant that is none', withRaw({ 6: [1, 0x7f, 0, 0x20, 0, 11] }), 'a constant expression has no constant'],
  ['a constant and more', withRaw({ 6: [1, 0x7f, 0, 0x41, 0, 0x1a, 11] }), 'is more than a constant'],
  ['elements of no kind', withRaw({ 9: [1, 8, 0] }), '8 are not the flags of an element segment'],
  ['elements that are no functions', withRaw({ 9: [1, 1, 1, 0] }), 'an element segment holds no functions'],
  ['data of no kind', withRaw({ 11: [1, 3, 0] }), '3 are not the flags of a data segment'],
  ['data beyond their section', withRaw({ 11: [1, 1, 5, 0] }), 'it ends too early'],
  ['a data count without data', withRaw({ 12: [1] }), 'the data count and the data differ in number'],
  ['another data count than data', withRaw({ 12: [2], 11: [1, 1, 0] }), 'the data count and the data differ in number'],
  ['an opcode that is none', withCode(0x27, 0x0b), 'opcode 0x27 is not known'],
  ['an opcode that is none behind 0xFC', withCode(0xfc, 0x7f, 0x0b), 'is not known'],
  ['an opcode that is none behind 0xFD', withCode(0xfd, 0x9a, 0x01, 0x0b), 'is not known'],
  ['a function without an end', withCode(0x01), 'a function has no end'],
  ['a block without an end', withCode(0x02, 0x40, 0x0b), 'a function has no end'],
  ['instructions behind the end', withCode(0x0b, 0x01), 'a function ends before its body does'],
  ['a call of nobody', withCode(0x10, 9, 0x0b), 'a call of an unknown function or type'],
  ['a call through no type', withCode(0x41, 0, 0x11, 9, 0, 0x0b), 'a call of an unknown function or type'],
  ['a block of no type', withCode(0x02, 9, 0x0b, 0x0b), 'a block has an unknown type'],
  ['an alignment of 2^200', withCode(0x28, 0xc8, 0x01, 0, 0x0b), 'an alignment is out of range'],
  ['more branch targets than bytes', withCode(0x0e, 0x7f, 0, 0x0b), 'branch targets: 127 announced'],
])('%s: refused', (_, bytes, message) => {
  expect(() => readModule(bytes)).toThrow(message);
});

const RICH = kernelOf({
  imports: [{ module: 'lodger:kernel/exit@0.1.0', name: 'fail', type: 'ii>' }],
  types: ['ii>ii'],
  table: [3, 3],
  functions: [
    { type: '>', name: 'nothing', code: 'block loop end end' },
    {
      type: 'i>v',
      locals: 'vF',
      code: 'local.get 0 local.get 0 local.get 0 call_indirect 0 drop drop v128.const 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16',
    },
    { type: '>i', code: 'i64.const -1 i64.extend8_s f64.const 0.5 i64.trunc_sat_f64_s i64.eq' },
    { type: '>', code: 'i32.const 1 br_if 0 i32.const 2 br_table 1 0 0' },
  ],
  elements: [{ offset: 0, functions: ['$nothing', '$run'] }],
  data: [{ offset: 8, bytes: [1, 2, 3] }, { bytes: [4] }],
  customs: [{ name: 'producers', bytes: [0] }],
});

test('a module cut off at any byte is refused, and nothing else happens', () => {
  for (let length = 0; length < RICH.length; length++) {
    const cut = RICH.slice(0, length);
    try {
      readModule(cut);
      // Between two sections a module may end: it is shorter, but whole.
      expect(WebAssembly.validate(cut), `cut at ${length}`).toBe(true);
    } catch (error) {
      expect(error, `cut at ${length}`).toBeInstanceOf(LodgerError);
      expect((error as LodgerError).code).toBe('ERR_KERNEL_MALFORMED');
    }
  }
});

test('any bytes behind a header give a module or a refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (rest) => {
      try {
        readModule(file(...rest));
      } catch (error) {
        // A length may be beyond a ceiling before it is seen to be beyond the end.
        const code = expect.stringMatching(/^ERR_KERNEL_(?:MALFORMED|CEILING)$/);
        expect(error).toMatchObject({ name: 'LodgerError', code });
      }
    }),
    { numRuns: 3_000 },
  );
});

test('what is in a module is found', () => {
  const module = readModule(RICH);
  expect(module).toMatchObject({
    functionsImported: 1,
    tables: [{ min: 3, max: 3 }],
    memories: [{ min: 1, max: 16 }],
    globals: [{ type: 'i', mutable: true }],
    dataCount: 2,
    elements: [{ mode: 'active', table: 0, count: 2, offset: { opcode: 0x41, value: 0 } }],
  });
  expect(module.unread).toBeUndefined();
  expect(module.imports).toEqual([{ module: 'lodger:kernel/exit@0.1.0', name: 'fail', kind: 'function', type: 1 }]);
  expect(module.exports.map(({ name }) => name)).toEqual(['run', 'cabi_realloc', 'memory']);
  expect(module.customs.map(({ name }) => name)).toEqual(['component-type', 'producers']);
  expect(module.data.map(({ mode, start, end }) => [mode, ...RICH.slice(start, end)])).toEqual([
    ['active', 1, 2, 3],
    ['passive', 4],
  ]);
  expect([...module.features.keys()].sort()).toEqual([
    'bulk-memory',
    'multi-value',
    'saturating-conversions',
    'sign-extension',
    'simd',
  ]);
});

test('sections lie one after the other and cover the file', () => {
  const { sections, customs } = readModule(RICH);
  const all = [...sections, ...customs].sort((a, b) => a.start - b.start);
  let at = HEADER.length;
  for (const { start, end } of all) {
    expect(start).toBe(at);
    at = end;
  }
  expect(at).toBe(RICH.length);
});

test.each<[string, string, object]>([
  ['nothing', '', { locals: 2, controlPoints: 0, exits: 0, complexity: 0, nesting: 0, height: 0, loopBytes: 0 }],
  ['operands', 'i32.const 0 i64.const 0 drop drop', { height: 2 }],
  ['a block', 'block end', { controlPoints: 1, nesting: 1, complexity: 2 }],
  ['a block over an operand', 'i32.const 0 block end drop', { controlPoints: 1, complexity: 3 }],
  ['an if and its merge', 'i32.const 0 if else end', { controlPoints: 3, complexity: 4, nesting: 1 }],
  ['a loop of 6 bytes', 'loop nop br 0 end', { controlPoints: 3, nesting: 1, loopBytes: 6 }],
  ['a loop of 3 bytes in one of 6', 'loop loop end end', { nesting: 2, loopBytes: 9 }],
  ['a branch table', 'block i32.const 0 br_table 2 0 0 0 end', { controlPoints: 4, complexity: 8 }],
  ['calls', 'call 0 i32.const 0 call_indirect 0', { controlPoints: 2, exits: 2 }],
  ['operations that may trap', 'i32.const 1 i32.const 1 i32.div_s drop', { controlPoints: 2, exits: 1 }],
  ['an operand after dead code', 'unreachable drop drop i32.const 0 drop', { height: 1 }],
])('%s: the cost of compiling is counted', (_, code, cost) => {
  const [body] = readModule(
    moduleOf({ table: [0], types: ['>'], functions: [{ type: '>', locals: 'ii', code }] }),
  ).bodies;
  expect(body).toMatchObject(cost);
});
