// What guests do in a whole call, and how far they come.
import type { FailureCode } from '../../runtime/base/errors.ts';
import { type Given, TEXT, textAt, WORLD_IMPORTS } from '../contract/case.ts';
import { answer, type KernelParts, RESULT } from '../wasm/kernel.ts';

export interface Row {
  readonly name: string;
  readonly kernel: KernelParts;
  readonly given?: Given;
  readonly came: 'all the way' | 'to a misfit' | 'to a failure';
  readonly state: 'done' | 'failed';
  readonly code?: FailureCode;
}

const INPUT = Uint8Array.of(9, 8, 7, 6, 5);
const MIB = 1 << 20;

type Short = readonly [name: string, kernel: KernelParts, given?: Given];

const run = (code: string, parts: KernelParts = {}): KernelParts => ({ ...parts, run: { code } });
const realloc = (code: string, parts: KernelParts = {}): KernelParts => ({ ...parts, realloc: { code } });
const gives = (pointer: number, length: number, parts?: KernelParts) =>
  run(answer(0, `i32.const ${pointer}`, `i32.const ${length}`), parts);
const initialize = (code: string, parts: KernelParts = {}): KernelParts => ({
  ...parts,
  functions: [{ type: '>', export: '_initialize', code }],
});
const post = (code: string, parts: KernelParts = {}): KernelParts => ({
  ...parts,
  functions: [{ type: 'i>', export: 'cabi_post_run', code }],
});

const LOG = { grants: [{ kind: 'log' as const }], input: INPUT };
const RANDOM = { grants: [{ kind: 'random' as const }], input: INPUT };
const logging = { imports: [WORLD_IMPORTS.write], data: [textAt('so')] };
const failing = { imports: [WORLD_IMPORTS.fail], data: [textAt('no')] };
const LOGS = `i32.const 1 i32.const ${TEXT} i32.const 2 call $write`;
const FAILS = `i32.const ${TEXT} i32.const 2 call $fail`;
const NOTHING = answer(0, 'i32.const 0', 'i32.const 0');
/** Draws 70,000 random bytes, for which `cabi_realloc` has to grow the memory, and gives the first and last of them. */
const DRAWS = `i32.const 70000 i32.const 32 call $fill ${answer(0, 'i32.const 32 i32.load 2 0', 'i32.const 70000')}`;

const DONE: readonly Short[] = [
  ['an input comes back', {}, { input: INPUT }],
  ['an input of no bytes', {}],
  ['no output', gives(0, 0), { input: INPUT }],
  ['no output at the end of the memory', gives(65_536, 0)],
  ['the last byte of the memory', gives(65_535, 1)],
  ['a result area in the last bytes', run('i32.const 65524')],
  ['an output at its limit', gives(0, 100), { limits: { outputBytesMax: 100 } }],
  ['no output where none is allowed', gives(0, 0), { limits: { outputBytesMax: 0 } }],
  ['an output of 1 MiB', gives(0, MIB, { memory: [32, 32] })],
  ['room at the end for no bytes', realloc('i32.const 65536')],
  ['room at an odd place', realloc('i32.const 1025'), { input: INPUT }],
  ['room over the result area', realloc(`i32.const ${RESULT}`), { input: INPUT }],
  ['room in a page that is new', realloc('i32.const 1 memory.grow drop i32.const 65536'), { input: INPUT }],
  ['growth in run', run(`i32.const 3 memory.grow drop ${answer(0, 'i32.const 196608', 'i32.const 9')}`)],
  ['growth beyond the limit', run(`i32.const 3 memory.grow drop ${NOTHING}`), { limits: { memoryBytesMax: 131_072 } }],
  ['growth in cabi_post_run', post('i32.const 2 memory.grow drop'), { input: INPUT }],
  ['cabi_post_run fills the memory', post('i32.const 0 i32.const 255 i32.const 65536 memory.fill'), { input: INPUT }],
  ['_initialize and cabi_post_run', initialize('i32.const 8 i32.const 4 i32.store8 0 0'), { input: INPUT }],
  ['a line of the log from _initialize', initialize(LOGS, logging), LOG],
  ['lines of the log from run', run(`${LOGS} ${LOGS} ${NOTHING}`, logging), LOG],
  ['random bytes, for which an import calls the guest', run(DRAWS, { imports: [WORLD_IMPORTS.fill] }), RANDOM],
];

/** Their end is told by the driver in TypeScript, which finds the guest as `run` left it. */
const MISFITS: readonly (readonly [FailureCode, ...Short])[] = [
  ['ERR_ABI', 'room outside', realloc('i32.const -1'), { input: INPUT }],
  ['ERR_ABI', 'room half outside', realloc('i32.const 65532'), { input: INPUT }],
  ['ERR_ABI', 'room outside for no bytes', realloc('i32.const 65537')],
  ['ERR_ABI', 'an odd result area', run('i32.const 17')],
  ['ERR_ABI', 'a result area outside', run('i32.const -4')],
  ['ERR_ABI', 'a result area half outside', run('i32.const 65528')],
  ['ERR_ABI', 'a result area in no memory', run('i32.const 0', { memory: [0, 1], realloc: { code: 'i32.const 0' } })],
  ['ERR_ABI', 'a tag of 2', run(`i32.const ${RESULT} i32.const 2 i32.store8 0 0 i32.const ${RESULT}`)],
  ['ERR_ABI', 'a tag of 255', run(`i32.const ${RESULT} i32.const -1 i32.store8 0 0 i32.const ${RESULT}`)],
  ['ERR_ABI', 'an output outside', gives(-1, 1)],
  ['ERR_ABI', 'an output whose end wraps', gives(-1, 2)],
  ['ERR_ABI', 'an output of ones', gives(0, -1)],
  ['ERR_ABI', 'an output one byte past the end', gives(65_535, 2)],
  ['ERR_ABI', 'no output, far outside', gives(65_537, 0)],
  ['ERR_ABI', 'an output outside and too long', gives(-1, 5), { limits: { outputBytesMax: 4 } }],
  ['ERR_OUTPUT_TOO_LARGE', 'an output over its limit', gives(0, 101), { limits: { outputBytesMax: 100 } }],
  ['ERR_EXIT', 'the err branch', run(answer(1, `i32.const ${TEXT}`, 'i32.const 2'), { data: [textAt('no')] })],
  ['ERR_ABI', 'the err branch with a message outside', run(answer(1, 'i32.const -1', 'i32.const 2'))],
];

const FAILURES: readonly (readonly [FailureCode, ...Short])[] = [
  ['ERR_TRAP', 'a segment outside', { data: [{ offset: 65_535, bytes: [1, 2] }] }],
  ['ERR_TRAP', 'a trap in _initialize', initialize('i32.const 1 memory.grow drop unreachable')],
  ['ERR_TRAP', 'a trap in cabi_realloc', realloc('i32.const 2 memory.grow drop unreachable')],
  ['ERR_TRAP', 'a trap in run', run('i32.const 3 memory.grow drop unreachable')],
  ['ERR_TRAP', 'a trap in cabi_post_run', post('i32.const 4 memory.grow drop unreachable')],
  ['ERR_STACK_SPENT', 'recursion without end', run('local.get 0 local.get 1 call $run')],
  ['ERR_EXIT', 'fail in _initialize', initialize(FAILS, failing)],
  ['ERR_EXIT', 'fail in cabi_realloc', realloc(`${FAILS} i32.const 0`, failing)],
  ['ERR_EXIT', 'fail in run', run(`${FAILS} i32.const 0`, failing)],
  ['ERR_EXIT', 'fail in cabi_post_run', post(FAILS, failing)],
  ['ERR_ABI', 'a line of the log from cabi_realloc', realloc(`${LOGS} i32.const 1024`, logging), LOG],
  ['ERR_ABI', 'a line of the log from cabi_post_run', post(LOGS, logging), LOG],
  [
    'ERR_ABI',
    'a line of the log from cabi_realloc that an import called',
    {
      ...run(DRAWS, { imports: [WORLD_IMPORTS.fill, WORLD_IMPORTS.write], data: [textAt('so')] }),
      realloc: { code: `local.get 3 i32.const 5 i32.ne if ${LOGS} end i32.const 1024` },
    },
    { ...RANDOM, grants: [...RANDOM.grants, ...LOG.grants] },
  ],
];

export const ROWS: readonly Row[] = [
  ...DONE.map(([name, kernel, given]) => rowOf(name, kernel, given, { came: 'all the way', state: 'done' })),
  {
    name: 'an output of over 1 MiB',
    kernel: gives(0, MIB + 1, { memory: [32, 32] }),
    came: 'to a misfit',
    state: 'done',
  },
  ...MISFITS.map(([code, name, kernel, given]) =>
    rowOf(name, kernel, given, { came: 'to a misfit', state: 'failed', code }),
  ),
  ...FAILURES.map(([code, name, kernel, given]) =>
    rowOf(name, kernel, given, { came: 'to a failure', state: 'failed', code }),
  ),
];

function rowOf(
  name: string,
  kernel: KernelParts,
  given: Given | undefined,
  end: Omit<Row, 'name' | 'kernel' | 'given'>,
): Row {
  return { name, kernel, ...(given && { given }), ...end };
}
