// Where engines and their compilers could differ beside the bits of NaNs: conversions at their edges, growth that fails, and the depth of
// recursion. Same bytes, same fuel and same end on V8's baseline and optimising compilers and on Wasmtime.
import { setFlagsFromString } from 'node:v8';
import { afterAll, describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { TEXT, textAt, WORLD_IMPORTS } from '../contract/case.ts';
import { ENGINES } from '../contract/engines.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

/** Engines, V8 with either of its compilers: it compiles a function when it is first called, by the flags of that moment. */
const WAYS = ENGINES.flatMap(([name, makeEngine]) =>
  (name === 'v8' ? ['--liftoff', '--no-liftoff'] : ['']).map((flag) => ({ name: `${name} ${flag}`, flag, makeEngine })),
);
afterAll(() => setFlagsFromString('--liftoff'));

async function endsOf(parts: KernelParts): Promise<Outcome[]> {
  const kernel = await admit(kernelOf(parts));
  const outcomes: Outcome[] = [];
  for (const { flag, makeEngine } of WAYS) {
    if (flag) setFlagsFromString(flag);
    const limits = { memoryBytesMax: 100 * 65_536, logLinesMax: TASK.logLinesMax.max, logBytesMax: 1 << 20 };
    const task = { kernel, input: new Uint8Array(), grants: [{ kind: 'log' as const }], limits };
    // Compiled anew for each way.
    outcomes.push(await createSandbox({ engine: makeEngine() }).run(task));
  }
  return outcomes;
}

async function expectOneEnd(parts: KernelParts): Promise<Outcome> {
  const [first, ...others] = (await endsOf(parts)).map(({ receipt, ...rest }) => {
    const { engine: _, wallMs: __, cpuMs: ___, ...same } = receipt;
    return { ...rest, receipt: same };
  });
  for (const other of others) expect(other).toEqual(first);
  return first as Outcome;
}

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

describe('the same on all engines and compilers', () => {
  test.each(['f32', 'f64'] as const)('saturating conversions and roundings of %s at their edges', async (type) => {
    const results = F64.flatMap((text) => [
      ...['s', 'u'].map((sign) => ['i32.store', `${value(type, text)} i32.trunc_sat_${type}_${sign}`] as const),
      ...['s', 'u'].map((sign) => ['i64.store', `${value(type, text)} i64.trunc_sat_${type}_${sign}`] as const),
      ...['nearest', 'floor', 'ceil', 'trunc', 'sqrt', 'abs', 'neg'].map(
        (operation) => [`${type}.store`, `${value(type, text)} ${type}.${operation}`] as const,
      ),
      ...F64.map((other) => [`${type}.store`, `${value(type, text)} ${value(type, other)} ${type}.min`] as const),
    ]);
    for (let from = 0; from < results.length; from += 200) {
      expect(await expectOneEnd(storing(results.slice(from, from + 200)))).toMatchObject({ state: 'done' });
    }
  });

  test('conversions that trap', async () => {
    for (const text of F64) {
      for (const to of ['i32', 'i64']) {
        await expectOneEnd(storing([[`${to}.store`, `${value('f64', text)} ${to}.trunc_f64_s`]]));
        await expectOneEnd(storing([[`${to}.store`, `${value('f64', text)} ${to}.trunc_f64_u`]]));
      }
    }
  });

  test('growth that succeeds and growth that fails', async () => {
    const sizes = [0, 1, 100, 91, 1, 0, -1, 65_535, 2_147_483_647, -2_147_483_648, 1];
    const parts = storing(sizes.map((pages) => ['i32.store', `i32.const ${pages} memory.grow`]));
    const { state, output } = (await expectOneEnd({ ...parts, memory: [8, 1_000] })) as Extract<
      Outcome,
      { state: 'done' }
    >;
    expect(state).toBe('done');
    const told = sizes.map((_, index) => new DataView(output.buffer, output.byteOffset).getInt32(16 * index, true));
    expect(told).toEqual([8, 8, -1, 9, -1, 100, -1, -1, -1, -1, -1]);
  });

  test.each([
    ['no locals', {}],
    ['a few', { locals: 'iIfF' }],
    ['vectors', { locals: 'vvvv' }],
    ['hundreds of locals', { locals: 'I'.repeat(300) }],
  ] as const)('the call at which a recursion with %s ends', async (_, shape) => {
    const call = `i32.const 1 i32.const ${TEXT} i32.const 2 call $write local.get 0 local.get 1 call $run`;
    const parts = { imports: [WORLD_IMPORTS.write], data: [textAt('so')] };
    const outcome = await expectOneEnd({ ...parts, run: { ...shape, code: call } });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_STACK_SPENT' });
    expect(outcome.log.lines.length).toBeGreaterThan(50);
  });

  test('the call at which a recursion ends that Cranelift compiles with its simpler register allocator', async () => {
    const set = (local: number) => `local.get ${local} local.get ${local + 1} i32.add local.set ${local}`;
    const ifs = Array.from({ length: 100 }, (_, at) => `local.get ${2 + at} if ${set(3 + at)} else ${set(5 + at)} end`);
    const call = `i32.const 1 i32.const ${TEXT} i32.const 2 call $write ${ifs.join(' ')} local.get 0 local.get 1 call $run`;
    const sums = Array.from({ length: 250 }, (_, at) => `local.get ${2 + at} i32.add`).join(' ');
    const parts = { imports: [WORLD_IMPORTS.write], data: [textAt('so')] };
    const outcome = await expectOneEnd({ ...parts, run: { locals: 'i'.repeat(300), code: `${call} ${sums}` } });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_STACK_SPENT' });
  });

  test('the call at which a recursion with many operands ends', async () => {
    const operands = Array.from(
      { length: 60 },
      (_, index) => `local.get 0 f64.convert_i32_s f64.const ${index} f64.add`,
    );
    const sums = Array.from({ length: 59 }, () => 'f64.add').join(' ');
    const code = `i32.const 1 i32.const ${TEXT} i32.const 2 call $write ${operands.join(' ')} local.get 0 local.get 1 call $run drop ${sums} i32.trunc_sat_f64_s`;
    const parts = { imports: [WORLD_IMPORTS.write], data: [textAt('so')] };
    expect(await expectOneEnd({ ...parts, run: { code } })).toMatchObject({ code: 'ERR_STACK_SPENT' });
  });
});
