// Compile bombs: small functions that cost a compiler a great deal. Each is made to a size, so that it can stand at a ceiling.
import { Writer } from '../../runtime/wasm/writer.ts';
import { asm } from '../wasm/asm.ts';
import type { FunctionPart } from '../wasm/build.ts';

/** A function `(i32) -> i32` to be, with further locals and a given number of its own kind of trouble. */
export type Bomb = (locals: number, count: number) => Pick<FunctionPart, 'locals' | 'code'>;

const GET = asm('local.get 0');

/** Adds all locals up, so that none of them is dead. */
const sum = (locals: number) =>
  `local.get 0 ${Array.from({ length: locals }, (_, index) => `local.get ${index + 1} i32.add`).join(' ')}`;

/** Bytes of `piece(0)`, `piece(1)` and so on, with what stands before and after, and the function's end. */
function body(
  count: number,
  piece: (index: number, w: Writer) => void,
  before = '',
  after = 'local.get 0',
): Uint8Array {
  const w = new Writer(count * 8).raw(asm(before));
  for (let index = 0; index < count; index++) piece(index, w);
  return w.raw(asm(after)).byte(0x0b).take();
}

/** Sets one local after the other, so that each is another value in every branch. */
function set(w: Writer, index: number, locals: number): Writer {
  return w
    .raw(GET)
    .byte(0x21)
    .u32(1 + (index % locals));
}

const i32 = (count: number): readonly (readonly [number, string])[] => [[count, 'i']];

export const BOMBS: Readonly<Record<string, Bomb>> = {
  ifs: (locals, count) => ({
    locals: i32(locals),
    code: body(count, (index, w) => set(w.raw(GET).raw([0x04, 0x40]), index, locals).byte(0x0b), '', sum(locals)),
  }),
  'ifs with else': (locals, count) => ({
    locals: i32(locals),
    code: body(
      count >> 1,
      (index, w) => {
        set(w.raw(GET).raw([0x04, 0x40]), index, locals).byte(0x05);
        set(w, index + 7, locals).byte(0x0b);
      },
      '',
      sum(locals),
    ),
  }),
  'nested ifs': (locals, count) => ({
    locals: i32(locals),
    code: body(
      count,
      (index, w) => {
        const depth = index % 1_000;
        if (depth === 0 && index > 0) w.raw(new Uint8Array(1_000).fill(0x0b));
        set(w.raw(GET).raw([0x04, 0x40]), index, locals);
      },
      '',
      `${'end '.repeat(((count - 1) % 1_000) + 1)} ${sum(locals)}`,
    ),
  }),
  branches: (locals, count) => ({
    locals: i32(locals),
    code: body(count, (index, w) => set(w.raw(GET).raw([0x0d, 0x00]), index, locals), 'block', `end ${sum(locals)}`),
  }),
  'branch table': (locals, count) => ({
    locals: i32(locals),
    code: body(
      1,
      (_, w) => {
        w.raw(GET)
          .byte(0x0e)
          .u32(count - 1);
        for (let target = 0; target < count; target++) w.byte(target % 100);
      },
      'block '.repeat(100),
      `${'end local.get 0 local.set 1 '.repeat(100)} ${sum(locals)}`,
    ),
  }),
  'branch tables': (locals, count) => ({
    locals: i32(locals),
    code: body(
      Math.floor(count / 111),
      (index, w) => {
        w.raw([0x02, 0x40]).raw(GET).raw([0x0e, 109]);
        for (let target = 0; target < 110; target++) w.byte(target % 100);
        set(w.byte(0x0b), index, locals);
      },
      'block '.repeat(100),
      `${'end local.get 0 local.set 1 '.repeat(100)} ${sum(locals)}`,
    ),
  }),
  loops: (locals, count) => ({
    locals: i32(locals),
    code: body(
      count >> 1,
      (index, w) => set(w.raw([0x03, 0x40]), index, locals).raw(asm('local.get 0 i32.const -5 i32.eq br_if 0 end')),
      '',
      sum(locals),
    ),
  }),
  'nested loops': (locals, count) => ({
    locals: i32(locals),
    code: body(
      count >> 1,
      (index, w) => set(w.raw([0x03, 0x40]), index, locals),
      '',
      `${'local.get 0 i32.const -5 i32.eq br_if 0 end '.repeat(count >> 1)} ${sum(locals)}`,
    ),
  }),
  /** `locals` is how many operands lie beneath, here. */
  operands: (locals, count) => ({
    locals: i32(1),
    code: body(
      count,
      (_, w) => w.raw(GET).raw([0x04, 0x40, 0x0b]),
      'local.get 0 i32.clz '.repeat(locals),
      `${'i32.add '.repeat(locals - 1)}`,
    ),
  }),
  /** Values are added up; `locals` is how many take turns. */
  'straight line': (locals, count) => ({
    locals: i32(locals),
    code: body(count, (index, w) => {
      const target = 1 + (index % locals);
      w.raw(GET).byte(0x20).u32(target).byte(0x6a).byte(0x21).u32(target);
    }),
  }),
  divisions: (locals, count) => ({
    locals: i32(locals),
    code: body(
      count,
      (index, w) => {
        const target = 1 + (index % locals);
        w.byte(0x20).u32(target).raw(GET).raw([0x6f, 0x21]).u32(target);
      },
      Array.from({ length: locals }, (_, index) => `i32.const ${index} i32.load 0 0 local.set ${index + 1}`).join(' '),
      sum(locals),
    ),
  }),
  saturations: (locals, count) => ({
    locals: [
      [1, 'F'],
      [locals, 'i'],
    ],
    code: body(
      count,
      (_, w) =>
        w.raw(asm('local.get 1 i32.trunc_sat_f64_s local.get 0 i32.xor local.tee 0 f64.convert_i32_s local.set 1')),
      'local.get 0 f64.convert_i32_s local.set 1',
    ),
  }),
  /** One byte an instruction, each of a check and a conversion. */
  conversions: (locals, count) => ({
    locals: i32(locals),
    code: body(count >> 1, (_, w) => w.raw([0xb7, 0xaa]), 'local.get 0', ''),
  }),
  bits: (locals, count) => ({
    locals: i32(locals),
    code: body(count, (_, w) => w.byte(0x67), 'local.get 0', ''),
  }),
  loads: (locals, count) => ({
    locals: i32(locals),
    code: body(
      count,
      (index, w) => set(w, index, locals).raw(asm('local.get 0 i32.load 2 0 local.set 0')),
      '',
      sum(locals),
    ),
  }),
  stores: (locals, count) => ({
    locals: i32(locals),
    code: body(count, (_, w) => w.raw(asm('local.get 0 local.get 0 i32.store 2 0'))),
  }),
  grows: (locals, count) => ({
    locals: i32(locals),
    code: body(count, (_, w) => w.raw(asm('local.get 0 memory.grow local.set 0'))),
  }),
  /** Function 0 is called by number: whatever it is, it takes one i32 and gives one. */
  calls: (locals, count) => ({
    locals: i32(locals),
    code: body(count, (_, w) => w.raw([0x10, 0x00]), 'local.get 0', ''),
  }),
  'indirect calls': (locals, count) => ({
    locals: i32(locals),
    code: body(count, (_, w) => w.raw(GET).raw([0x11, 0x00, 0x00]), 'local.get 0', ''),
  }),
};
