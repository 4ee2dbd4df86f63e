// A kernel that collects every source of NaNs whose bits differ between engines, compilers and machines, and every way that leads from
// there to where they can be seen.
import { moduleOf } from '../wasm/build.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';

/** In memory, so that no compiler folds them: NaNs of both signs with bits of their own, signalling ones, infinities, numbers. */
const F64 = ['7ff8000000001234', 'fff8000000005678', '7ff4000000000001', '7ff0000000000000', 'fff0000000000000'];
const F64_NUMBERS = ['0000000000000000', '8000000000000000', '3ff0000000000000', 'bff0000000000000'];
const F32 = [
  '7fc01234',
  'ffc05678',
  '7fa00001',
  '7f800000',
  'ff800000',
  '00000000',
  '80000000',
  '3f800000',
  'bf800000',
];
const [F64_AT, F32_AT] = [64, 192];
const OUT = 512;

const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const UNARY = ['sqrt', 'ceil', 'floor', 'trunc', 'nearest'];
const bytes = (hexes: readonly string[]) => Buffer.concat(hexes.map((hex) => Buffer.from(hex, 'hex').reverse()));

/** Expressions of one type, and how wide a result is. */
interface Width {
  readonly name: string;
  readonly letter: string;
  readonly size: number;
  readonly load: (index: number) => string;
  readonly store: string;
}

const f64: Width = {
  ...{ name: 'f64', letter: 'F', size: 8, store: 'f64.store 3 0' },
  load: (index) => `i32.const ${F64_AT + index * 8} f64.load 3 0`,
};
const f32: Width = {
  ...{ name: 'f32', letter: 'f', size: 4, store: 'f32.store 2 0' },
  load: (index) => `i32.const ${F32_AT + index * 4} f32.load 2 0`,
};
const lanes = (name: string, of: Width): Width => ({
  ...{ name, letter: 'v', size: 16, store: 'v128.store 0 0' },
  load: (index) => `${of.load(index)} ${name}.splat ${of.load((index * 5 + 2) % F32.length)} ${name}.replace_lane 1`,
});
const WIDTHS = [f64, f32, lanes('f64x2', f64), lanes('f32x4', f32)];

/** Every operation on every pair of inputs, and on constants. */
function expressions({ name, load }: Width): string[] {
  const inputs = F32.map((_, index) => index);
  const pairs = inputs.flatMap((a) => inputs.map((b) => `${load(a)} ${load(b)}`));
  const folded = name.startsWith('f64') ? 'f64.const' : 'f32.const';
  const constant = (value: number) => `${folded} ${value} ${name.includes('x') ? `${name}.splat` : ''}`;
  return [
    ...BINARY.flatMap((op) => pairs.map((pair) => `${pair} ${name}.${op}`)),
    ...UNARY.flatMap((op) => inputs.map((a) => `${load(a)} ${name}.${op}`)),
    `${constant(0)} ${constant(0)} ${name}.div`,
    `${constant(-1)} ${name}.sqrt`,
    `${constant(Number.POSITIVE_INFINITY)} ${constant(0)} ${name}.mul`,
    `${constant(Number.POSITIVE_INFINITY)} ${constant(Number.POSITIVE_INFINITY)} ${name}.sub`,
  ];
}

/** Ways from a value on the stack to one that is stored; local 1 is of its type, and so are the global and the function. */
function ways({ name, letter }: Width, globalsFrom: number): ((value: string) => string)[] {
  const place = globalsFrom + WIDTHS.findIndex((width) => width.name === name);
  const scalars = letter === 'v' ? [] : [(value: string) => `${name}.const 1 ${value} ${name}.copysign`];
  return [
    (value) => value,
    (value) => `${value} ${name}.neg`,
    (value) => `${value} ${name}.neg ${name}.abs`,
    (value) => `${value} global.set ${place} global.get ${place}`,
    (value) => `${value} call $${name}`,
    (value) => `block ${letter} ${value} local.get 0 br_if 0 end`,
    (value) => `local.get 0 if ${letter} ${value} ${name}.neg else ${value} end`,
    (value) => `loop ${value} local.get 1 ${name}.add local.set 1 local.get 0 br_if 0 end local.get 1`,
    (value) => `${value} local.tee 1 ${name}.neg local.get 1 local.get 0 select`,
    ...scalars,
  ];
}

const CONVERTED = [
  ...F32.map((_, index) => ({ of: f64, value: `${f32.load(index)} f64.promote_f32` })),
  ...F32.map((_, index) => ({ of: f32, value: `${f64.load(index)} f32.demote_f64` })),
  ...F32.map((_, index) => ({ of: f64, value: `${f64.load(index)} f32.demote_f64 f64.promote_f32` })),
  ...F32.map((_, index) => ({
    of: f64,
    value: `${lanes('f32x4', f32).load(index)} f64x2.promote_low_f32x4 f64x2.extract_lane 1`,
  })),
  ...F32.map((_, index) => ({
    of: f32,
    value: `${lanes('f64x2', f64).load(index)} f32x4.demote_f64x2_zero f32x4.extract_lane 1`,
  })),
];

/** What collects them: functions, globals from that place on, data, the calls that fill memory from OUT on, and what lies there then. */
function collecting(globalsFrom: number) {
  const results: Result[] = [];
  let end = OUT;
  const functions = WIDTHS.flatMap((width) => {
    const values = [
      ...expressions(width),
      ...CONVERTED.flatMap(({ of, value }) => (of.name === width.name ? [value] : [])),
    ].flatMap((value, index) => {
      const all = ways(width, globalsFrom);
      // Every value is stored at once, and goes one of the other ways.
      return [value, (all[1 + (index % (all.length - 1))] as (value: string) => string)(value)];
    });
    const code = values.map((value) => {
      end += width.size;
      results.push({ at: end - width.size, size: width.size, lane: width.name.startsWith('f64') ? 8 : 4 });
      return `i32.const ${end - width.size} ${value} ${width.store}`;
    });
    return { type: 'i>', name: `all${width.name}`, locals: width.letter, code: code.join(' ') };
  });
  const passing = WIDTHS.map(({ name, letter }) => ({ type: `${letter}>${letter}`, name, code: 'local.get 0' }));
  return {
    functions: [...functions, ...passing],
    globals: WIDTHS.map(({ letter, name }) => ({
      ...{ type: letter, mutable: true },
      value: letter === 'v' ? `v128.const ${'0 '.repeat(16)}` : `${name}.const 0`,
    })),
    data: [
      { offset: F64_AT, bytes: bytes([...F64, ...F64_NUMBERS]) },
      { offset: F32_AT, bytes: bytes(F32) },
    ],
    calls: WIDTHS.map(({ name }) => `i32.const 0 call $all${name}`).join(' '),
    ...{ results, end },
  };
}

/** Results as they lie in memory, in bytes; and the module, which exports `run`, `() -> ()`. */
export function collect(): { readonly kernel: Uint8Array<ArrayBuffer>; readonly results: readonly Result[] } {
  const { calls, results, functions, end: _, ...parts } = collecting(0);
  const kernel = moduleOf({
    ...parts,
    memory: [4],
    exports: [{ name: 'memory', kind: 2, index: 0 }],
    functions: [{ type: '>', export: 'run', code: calls }, ...functions],
  });
  return { kernel, results };
}

/** The same as a whole kernel: whatever its input, its output is all results. */
export function nanKernel(): Uint8Array<ArrayBuffer> {
  const { calls, results: _, end, ...parts } = collecting(1);
  const code = `${calls} ${answer(0, `i32.const ${OUT}`, `i32.const ${end - OUT}`)}`;
  return kernelOf({ ...parts, memory: [4, 4], run: { code } });
}

/** A result in memory; of vectors, its lanes. */
export interface Result {
  readonly at: number;
  readonly size: number;
  readonly lane: number;
}
