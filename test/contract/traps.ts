// Contract: every way to trap has one name, whatever the engine calls it, and what looks like a trap but is none goes on.
import type { KernelParts } from '../wasm/kernel.ts';
import { type Case, tell } from './case.ts';

const MEMORY = 'memory access out of bounds';
const ZERO = 'integer divided by zero';
const NUMBER = 'integer overflow or invalid conversion';
const TABLE = 'table index out of bounds';
const CALL = 'indirect call to a missing or wrongly typed function';

/** Three entries: 0 is of type 0, 1 is missing, 2 is of another type. */
const table: KernelParts = {
  types: ['>', '>I'],
  table: [3, 3],
  elements: [
    { offset: 0, functions: ['$nothing'] },
    { offset: 2, functions: ['$number'] },
  ],
  functions: [
    { type: '>', name: 'nothing', code: '' },
    { type: '>I', name: 'number', code: 'i64.const 1' },
  ],
};

/** Name of the trap, the code that leads to it (an i32 is left on the stack), what else the kernel needs. */
const TRAPS: readonly (readonly [string, string, KernelParts?])[] = [
  ['unreachable executed', 'unreachable'],
  [MEMORY, 'i32.const 65533 i32.load 2 0'],
  [MEMORY, 'i32.const -1 i32.load8_u 0 0'],
  [MEMORY, 'i32.const -4 i32.load 2 8'],
  [MEMORY, 'i32.const 0 i32.load 2 4294967295'],
  [MEMORY, 'i32.const 65535 i64.load16_u 1 0 i32.wrap_i64'],
  [MEMORY, 'i32.const 65521 v128.load 4 0 i32x4.extract_lane 0'],
  [MEMORY, 'i32.const 65533 i32.const 1 i32.store 2 0 i32.const 0'],
  [MEMORY, 'i32.const 65529 i64.const 1 i64.store 3 0 i32.const 0'],
  [MEMORY, 'i32.const 65536 i32.const 1 i32.store8 0 0 i32.const 0'],
  [MEMORY, 'i32.const 65535 i32.const 0 i32.const 2 memory.fill i32.const 0'],
  [MEMORY, 'i32.const 65537 i32.const 0 i32.const 0 memory.fill i32.const 0'],
  [MEMORY, 'i32.const 0 i32.const 65535 i32.const 2 memory.copy i32.const 0'],
  [MEMORY, 'i32.const -1 i32.const 0 i32.const 1 memory.copy i32.const 0'],
  [MEMORY, 'i32.const 0 i32.const 2 i32.const 2 memory.init 0 i32.const 0', { data: [{ bytes: [1, 2, 3] }] }],
  [MEMORY, 'i32.const 65535 i32.const 0 i32.const 2 memory.init 0 i32.const 0', { data: [{ bytes: [1, 2, 3] }] }],
  [
    MEMORY,
    'data.drop 0 i32.const 0 i32.const 0 i32.const 1 memory.init 0 i32.const 0',
    { data: [{ bytes: [1, 2, 3] }] },
  ],
  [ZERO, 'local.get 1 i32.const 0 i32.div_s'],
  [ZERO, 'local.get 1 i32.const 0 i32.div_u'],
  [ZERO, 'local.get 1 i32.const 0 i32.rem_s'],
  [ZERO, 'local.get 1 i32.const 0 i32.rem_u'],
  [ZERO, 'i64.const 1 i64.const 0 i64.div_s i32.wrap_i64'],
  [ZERO, 'i64.const 1 i64.const 0 i64.rem_u i32.wrap_i64'],
  [NUMBER, 'i32.const -2147483648 i32.const -1 i32.div_s'],
  [NUMBER, 'i64.const -9223372036854775808 i64.const -1 i64.div_s i32.wrap_i64'],
  [NUMBER, 'f64.const NaN i32.trunc_f64_s'],
  [NUMBER, 'f64.const 2147483648 i32.trunc_f64_s'],
  [NUMBER, 'f64.const -1 i32.trunc_f64_u'],
  [NUMBER, 'f32.const Infinity i32.trunc_f32_u'],
  [NUMBER, 'f64.const 1e300 i64.trunc_f64_s i32.wrap_i64'],
  [TABLE, 'i32.const 3 call_indirect 0 i32.const 0', table],
  [TABLE, 'i32.const -1 call_indirect 0 i32.const 0', table],
  [CALL, 'i32.const 1 call_indirect 0 i32.const 0', table],
  [CALL, 'i32.const 2 call_indirect 0 i32.const 0', table],
  [CALL, 'i32.const 0 call_indirect 1 i32.wrap_i64', table],
];

export const TRAP_CASES: readonly Case[] = TRAPS.map(([trap, code, parts]) => ({
  name: `${code} traps: ${trap}`,
  kernel: { memory: [1, 1], ...parts, run: { code } },
  failed: 'ERR_TRAP',
  message: `trap: ${trap}`,
}));

/** Traps before the first call: segments are copied when the instance is made. */
export const SEGMENT_CASES: readonly Case[] = [
  {
    name: 'a data segment that ends one byte past the memory traps',
    kernel: { data: [{ offset: 65_535, bytes: [1, 2] }] },
    failed: 'ERR_TRAP',
    message: `trap: ${MEMORY}`,
  },
  {
    name: 'a data segment at -1 traps',
    kernel: { data: [{ offset: -1, bytes: [1] }] },
    failed: 'ERR_TRAP',
    message: `trap: ${MEMORY}`,
  },
  {
    name: 'an empty data segment past the end of the memory traps',
    kernel: { data: [{ offset: 65_537, bytes: [] }] },
    failed: 'ERR_TRAP',
    message: `trap: ${MEMORY}`,
  },
  {
    name: 'an element segment past the end of the table traps',
    kernel: { table: [1, 1], elements: [{ offset: 1, functions: ['$run'] }] },
    failed: 'ERR_TRAP',
    message: `trap: ${TABLE}`,
  },
  {
    name: 'a data segment that ends with the memory is there',
    kernel: { data: [{ offset: 65_532, bytes: [1, 2, 3, 4] }], run: { code: tell('i32.const 65532 i32.load 2 0') } },
    tells: [0x0403_0201],
  },
];

/** Code that comes close to a trap and gives a number instead. */
export const NO_TRAPS: readonly Case[] = [
  ['i32.const -2147483648 i32.const -1 i32.rem_s', 0],
  ['f64.const NaN i32.trunc_sat_f64_s', 0],
  ['f64.const 1e300 i32.trunc_sat_f64_s', 2_147_483_647],
  ['f64.const 2147483647.9 i32.trunc_f64_s', 2_147_483_647],
  ['i32.const 65532 i32.load 2 0', 0],
  ['i32.const 65536 i32.const 0 i32.const 0 memory.fill i32.const 3', 3],
  ['i32.const 7 i32.const 33 i32.shl', 14],
].map(([code, value]) => ({
  name: `${code} gives ${value}`,
  kernel: { memory: [1, 1], run: { code: tell(String(code)) } },
  tells: [Number(value)],
}));

/** Every recursion ends as the same failure of the job. */
export const RECURSIONS: readonly Case[] = [
  { name: 'endless recursion', kernel: { run: { code: 'local.get 0 local.get 1 call $run' } } },
  {
    name: 'endless recursion with large frames',
    kernel: {
      run: { locals: [[500, 'I']], code: 'local.get 0 local.get 1 call $run i64.const 1 local.set 300' },
    },
  },
  {
    name: 'endless mutual recursion through the table',
    kernel: {
      types: ['ii>i'],
      table: [1, 1],
      elements: [{ offset: 0, functions: ['$other'] }],
      run: { code: 'local.get 0 local.get 1 i32.const 0 call_indirect 0' },
      functions: [{ type: 'ii>i', name: 'other', code: 'local.get 0 local.get 1 call $run' }],
    },
  },
].map((one) => ({
  ...one,
  name: `${one.name} spends the stack`,
  failed: 'ERR_STACK_SPENT' as const,
  message: 'the kernel recursed too deeply',
})) as readonly Case[];
