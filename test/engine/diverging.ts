// Kernels in which engines, compilers and browsers could differ: conversions at their edges, bits of NaNs, growth that fails, and the
// depth of recursion.
import { TASK } from '../../runtime/base/limits.ts';
import type { Task } from '../../runtime/job/task.ts';
import { TEXT, textAt, WORLD_IMPORTS } from '../contract/case.ts';
import { nanKernel } from '../meter/nans-sources.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

/** What their tasks are given. */
export const GIVEN = {
  grants: [{ kind: 'log' }],
  limits: { memoryBytesMax: 100 * 65_536, logLinesMax: TASK.logLinesMax.max, logBytesMax: 1 << 20 },
} as const satisfies Partial<Task>;

const F64 = [
  ...['0', '-0', '0.5', '-0.5', '1.5', '2.5', '-1.5', '2147483647', '2147483648', '-2147483648', '-2147483649'],
  ...['4294967295', '4294967296', '9223372036854774784', '9223372036854775808', '-9223372036854775808'],
  ...['18446744073709549568', '18446744073709551616', '1e300', '-1e300', '5e-324', 'inf', '-inf', 'nan'],
] as const;
const value = (type: 'f32' | 'f64', text: string) => {
  if (text === 'nan') return `${type}.const 0 ${type}.const 0 ${type}.div`;
  if (text === 'inf') return `${type}.const 1 ${type}.const 0 ${type}.div`;
  if (text === '-inf') return `${type}.const -1 ${type}.const 0 ${type}.div`;
  return `${type}.const ${text}`;
};

/** Stores one result after the other from 4096 on, and gives them all. */
function storing(results: readonly (readonly [store: string, code: string])[]): KernelParts {
  const stores = results.map(([store, code], index) => `i32.const ${4096 + 16 * index} ${code} ${store} 0 0`);
  const end = answer(0, 'i32.const 4096', `i32.const ${16 * results.length}`);
  return { memory: [8, 8], run: { code: `${stores.join(' ')} ${end}` } };
}

function roundings(type: 'f32' | 'f64'): KernelParts {
  return storing(
    F64.flatMap((text) => [
      ...['s', 'u'].map((sign) => ['i32.store', `${value(type, text)} i32.trunc_sat_${type}_${sign}`] as const),
      ...['s', 'u'].map((sign) => ['i64.store', `${value(type, text)} i64.trunc_sat_${type}_${sign}`] as const),
      ...['nearest', 'floor', 'ceil', 'trunc', 'sqrt', 'abs', 'neg'].map(
        (operation) => [`${type}.store`, `${value(type, text)} ${type}.${operation}`] as const,
      ),
      ...F64.map((other) => [`${type}.store`, `${value(type, text)} ${value(type, other)} ${type}.min`] as const),
    ]),
  );
}

/** One kernel for each conversion, since the first that traps ends its task. */
const TRAPPING = F64.flatMap((text) =>
  ['i32', 'i64'].flatMap((to) =>
    ['s', 'u'].map((sign) => storing([[`${to}.store`, `${value('f64', text)} ${to}.trunc_f64_${sign}`]])),
  ),
);

/** Pages to grow by, and what each growth tells where 100 pages are the most. */
export const GROWTH = [
  ...[[0, 8] as const, [1, 8] as const, [100, -1] as const, [91, 9] as const, [1, -1] as const, [0, 100] as const],
  ...[-1, 65_535, 2_147_483_647, -2_147_483_648, 1].map((pages) => [pages, -1] as const),
];
const growing: KernelParts = {
  ...storing(GROWTH.map(([pages]) => ['i32.store', `i32.const ${pages} memory.grow`])),
  memory: [8, 1_000],
};

/** A function that logs and calls itself for ever, with code before the call and behind it. */
function recursion(locals: string, before = '', after = ''): KernelParts {
  const call = `i32.const 1 i32.const ${TEXT} i32.const 2 call $write ${before} local.get 0 local.get 1 call $run ${after}`;
  return { imports: [WORLD_IMPORTS.write], data: [textAt('so')], run: { locals, code: call } };
}

/** More basic blocks and locals than Cranelift gives to its better register allocator. */
function manyBlocks(): KernelParts {
  const set = (local: number) => `local.get ${local} local.get ${local + 1} i32.add local.set ${local}`;
  const ifs = Array.from({ length: 100 }, (_, at) => `local.get ${2 + at} if ${set(3 + at)} else ${set(5 + at)} end`);
  const sums = Array.from({ length: 250 }, (_, at) => `local.get ${2 + at} i32.add`);
  return recursion('i'.repeat(300), ifs.join(' '), sums.join(' '));
}

function manyOperands(): KernelParts {
  const operands = Array.from({ length: 60 }, (_, at) => `local.get 0 f64.convert_i32_s f64.const ${at} f64.add`);
  return recursion('', operands.join(' '), `drop ${'f64.add '.repeat(59)} i32.trunc_sat_f64_s`);
}

const RECURSIONS = {
  'no locals': recursion(''),
  'a few locals': recursion('iIfF'),
  vectors: recursion('vvvv'),
  'hundreds of locals': recursion('I'.repeat(300)),
  'what only a simpler register allocator compiles': manyBlocks(),
  'many operands': manyOperands(),
};

/** How the tasks of each group end. */
type Ending = 'done' | 'stack' | 'either';

export interface Diverging {
  readonly name: string;
  readonly ends: Ending;
  readonly kernels: readonly Uint8Array<ArrayBuffer>[];
}

export const DIVERGING: readonly Diverging[] = [
  { name: 'every source of NaNs', ends: 'done', kernels: [nanKernel()] },
  { name: 'conversions and roundings of f32 at their edges', ends: 'done', kernels: [kernelOf(roundings('f32'))] },
  { name: 'conversions and roundings of f64 at their edges', ends: 'done', kernels: [kernelOf(roundings('f64'))] },
  { name: 'conversions that trap', ends: 'either', kernels: TRAPPING.map(kernelOf) },
  { name: 'growth that succeeds and growth that fails', ends: 'done', kernels: [kernelOf(growing)] },
  ...Object.entries(RECURSIONS).map(
    ([name, parts]) =>
      ({ name: `the call at which a recursion with ${name} ends`, ends: 'stack', kernels: [kernelOf(parts)] }) as const,
  ),
];
