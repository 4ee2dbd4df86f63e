// Instances that V8 puts back in place of new ones: no guest can tell, whatever the one before did, and none is held for longer than its module.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test, vi } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { Limits } from '../../runtime/base/limits.ts';
import { GUEST, PAGE } from '../../runtime/base/limits.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { tell, tellsOf, WORLD_IMPORTS } from '../contract/case.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

afterEach(() => vi.restoreAllMocks());

/** Counts how many instances or memories are made from now on. */
function count(what: 'Instance' | 'Memory'): () => number {
  const Real = WebAssembly[what] as new (...args: unknown[]) => object;
  const made = vi.spyOn(WebAssembly, what).mockImplementation(function make(...args: unknown[]) {
    return new Real(...args);
  } as never);
  return () => made.mock.calls.length;
}

/** Runs tasks of one kernel, one after the other. NaNs stay as they are: what comes back is seen to the bit. */
async function open(parts: KernelParts, engine = createV8('test')) {
  const ready = await compileFor(engine, await admit(kernelOf(parts)), { canonicalNaNs: false });
  return (input: readonly number[] = [], limits: Partial<Limits> = {}): Outcome =>
    execute({ engine, platform: node }, ready, {
      ...{ input: Uint8Array.from(input), limits: fillLimits({ memoryBytesMax: 16 * PAGE, ...limits }) },
      ...{ blobs: {}, seed: 1, index: 0, digests: false },
    });
}

const global = (type: string, value: string) => ({ globals: [{ type, mutable: true, value }] });
const data = (offset: number, bytes: number[]) => ({ data: [{ offset, bytes }] });
/** Reads at an address, and writes there. */
const touch = (at: number) => `i32.const ${at} i32.load 0 0 i32.const ${at} i32.const -1 i32.store 0 0`;
const lanes = (what: string) => [0, 1, 2, 3].map((lane) => `${what} i32x4.extract_lane ${lane}`);

/** What each tells at first, and changes then. */
const PUT_BACK: readonly (readonly [string, KernelParts, readonly string[], readonly number[]])[] = [
  ['an i32', global('i', 'i32.const 7'), ['global.get 1 i32.const 9 global.set 1'], [7]],
  [
    'an i64',
    global('I', 'i64.const -2'),
    ['global.get 1 i32.wrap_i64', 'global.get 1 i64.const 32 i64.shr_u i32.wrap_i64 i64.const 3 global.set 1'],
    [-2, -1],
  ],
  [
    'an f32 that is a signalling NaN',
    global('f', '0x43 0x01 0x00 0xa0 0x7f'),
    ['global.get 1 i32.reinterpret_f32 0x43 0x00 0x00 0x00 0x00 global.set 1'],
    [0x7fa0_0001],
  ],
  [
    'an f64 that is a signalling NaN',
    global('F', '0x44 0x02 0x00 0x00 0x00 0x01 0x00 0xf4 0x7f'),
    [
      'global.get 1 i64.reinterpret_f64 i32.wrap_i64',
      'global.get 1 i64.reinterpret_f64 i64.const 32 i64.shr_u i32.wrap_i64 f64.const 0 global.set 1',
    ],
    [2, 0x7ff4_0001],
  ],
  [
    'a v128',
    global('v', `0xfd 0x0c ${[1, 2, 3, 4].map((lane) => `0x0${lane} 0x00 0x00 0x00`).join(' ')}`),
    [...lanes('global.get 1'), 'i32.const 0 i32.const 0 i8x16.splat global.set 1'],
    [1, 2, 3, 4, 0],
  ],
  ['bytes of initial data', data(600, [1, 2, 3, 4]), [touch(600)], [0x0403_0201]],
  ['bytes before and behind initial data', data(600, [1, 2, 3, 4]), [touch(596), touch(604)], [0, 0]],
  [
    'what a passive segment was copied to',
    { data: [{ bytes: [5, 6, 7, 8] }], dataCount: 1 },
    ['i32.const 600 i32.load 0 0 i32.const 600 i32.const 0 i32.const 4 memory.init 0', 'i32.const 600 i32.load 0 0'],
    [0, 0x0807_0605],
  ],
  ['memory without initial data', {}, [touch(600), touch(PAGE - 4)], [0, 0]],
  [
    'the last of the data where segments overlap',
    {
      data: [
        { offset: 600, bytes: [1, 1, 1, 1, 1] },
        { offset: 601, bytes: [2, 2] },
      ],
    },
    [touch(600)],
    [0x0102_0201],
  ],
  [
    'what a table leads to',
    {
      types: ['>i'],
      table: [2],
      elements: [{ offset: 1, functions: ['$six'] }],
      functions: [{ type: '>i', name: 'six', code: 'i32.const 6' }],
    },
    ['i32.const 1 call_indirect 0'],
    [6],
  ],
];

test.each(PUT_BACK)(
  'the guest after one that changed %s, in the same instance, sees it as it was',
  async (_, parts, values, told) => {
    const run = await open({ ...parts, run: { code: tell(...values) } });
    const made = count('Instance');
    const outcomes = [run([1, 2, 3]), run(), run()];
    for (const outcome of outcomes) expect(tellsOf(outcome)).toEqual(told);
    expect(new Set(outcomes.slice(1).map(({ receipt }) => receipt.fuel)).size).toBe(1);
    expect(made()).toBe(1);
  },
);

/** What has state that is not put back, or too much of it. */
const MADE_ANEW: readonly (readonly [string, KernelParts, readonly string[], readonly number[]])[] = [
  [
    'dropped a passive segment',
    { data: [{ bytes: [5, 6, 7, 8] }], dataCount: 1 },
    ['i32.const 600 i32.const 0 i32.const 4 memory.init 0 data.drop 0 i32.const 600 i32.load 0 0'],
    [0x0807_0605],
  ],
  ['grew its memory', {}, ['memory.size i32.const 1 memory.grow drop'], [1]],
  ['has data far up', { memory: [5, 16], ...data(4 * PAGE + 4, [9]) }, [touch(4 * PAGE + 4)], [9]],
  [
    'has very many globals',
    { globals: Array.from({ length: 2_000 }, () => ({ type: 'i', mutable: true, value: 'i32.const 3' })) },
    ['global.get 1999 i32.const 1 global.set 1999'],
    [3],
  ],
];

test.each(MADE_ANEW)('one that %s is not used again', async (_, parts, values, told) => {
  const run = await open({ ...parts, run: { code: tell(...values) } });
  const made = count('Instance');
  for (const outcome of [run(), run(), run()]) expect(tellsOf(outcome)).toEqual(told);
  expect(made()).toBe(3);
});

const FAILING: readonly (readonly [string, string, Partial<Limits>, string])[] = [
  ['trapped', 'unreachable', {}, 'ERR_TRAP'],
  ['ended itself', 'i32.const 0 i32.const 0 call $fail', {}, 'ERR_EXIT'],
  ['had no fuel left', 'loop br 0 end', { fuelMax: 1_000_000 }, 'ERR_FUEL_SPENT'],
  ['had no stack left', 'local.get 0 local.get 1 call $run drop', {}, 'ERR_STACK_SPENT'],
  ['broke the ABI', 'i32.const -1 return', {}, 'ERR_ABI'],
];

test.each(FAILING)('the instance of a guest that %s is not used again', async (_, code, limits, failed) => {
  const value = `global.get 1 i32.const 9 global.set 1 local.get 1 if ${code} end`;
  const run = await open({
    ...{ ...global('i', 'i32.const 7'), imports: [WORLD_IMPORTS.fail] },
    run: { code: tell(value) },
  });
  const made = count('Instance');
  expect(tellsOf(run())).toEqual([7]);
  expect(made()).toBe(1);
  expect(run([1], limits)).toMatchObject({ state: 'failed', code: failed });
  expect(tellsOf(run())).toEqual([7]);
  expect(made()).toBe(2);
  expect(tellsOf(run())).toEqual([7]);
  expect(made()).toBe(2);
});

test('an instance is put back under the same maximum of memory only', async () => {
  const run = await open({ run: { code: tell('memory.size i32.const 10 memory.grow drop') } });
  const idle = await open({ run: { code: tell('i32.const 1') } });
  const made = count('Instance');
  for (const pages of [16, 16, 8, 8, 16]) idle([], { memoryBytesMax: pages * PAGE });
  expect(made()).toBe(3);
  expect(tellsOf(run([], { memoryBytesMax: 4 * PAGE }))).toEqual([1]);
});

test('memories with an instance are bounded like others, and zeroed for whoever else gets one', async () => {
  const most = GUEST.memoriesKept.default;
  const engine = createV8('test');
  const values = [touch(600), touch(2_000)];
  const openOne = (index: number) => open({ ...data(600, [index, 0, 0, 0]), run: { code: tell(...values) } }, engine);
  const runs = await Promise.all(Array.from({ length: most + 1 }, (_, index) => openOne(index + 1)));
  const [instances, memories] = [count('Instance'), count('Memory')];
  const runAll = (some: typeof runs, from: number) => {
    for (const [index, run] of some.entries()) expect(tellsOf(run())).toEqual([from + index, 0]);
  };
  runAll(runs.slice(0, most), 1);
  runAll(runs.slice(0, most), 1);
  expect([instances(), memories()]).toEqual([most, most]);
  // The one kernel too many gets the memory of the first, which then gets that of the second.
  runAll(runs.slice(most), most + 1);
  runAll(runs.slice(0, 1), 1);
  expect([instances(), memories()]).toEqual([most + 2, most]);
  runAll(runs.slice(2, most), 3);
  expect([instances(), memories()]).toEqual([most + 2, most]);
});

test('an instance that was put back is held by nobody once its module is gone', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const engine = createV8('test');
  const runOnce = async () => {
    const ready = await compileFor(engine, await admit(kernelOf()));
    const call = { input: new Uint8Array(), limits: fillLimits(), blobs: {}, seed: 1, index: 0, digests: false };
    expect(execute({ engine, platform: node }, ready, call).state).toBe('done');
    return new WeakRef(ready.compiled);
  };
  const module = await runOnce();
  await vi.waitFor(() => {
    collect();
    // Not the module itself: whoever fails holds it.
    expect(module.deref() === undefined).toBe(true);
  });
});
