// Guests that never end, wherever they may run: the pool ends each at its wall time and goes on.
import { admit } from 'lodger';
import { createPool, type Pool } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WORLD_IMPORTS } from '../contract/case.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

const FOR_EVER = 'loop br 0 end';

const GUESTS: Readonly<Record<string, KernelParts>> = {
  run: { run: { code: `${FOR_EVER} unreachable` } },
  'run, by calling an import': {
    imports: [WORLD_IMPORTS.write],
    run: { code: 'loop i32.const 1 i32.const 0 i32.const 8 call $write br 0 end unreachable' },
  },
  'run, by filling its memory': {
    memory: [1024, 1024],
    run: { code: 'loop i32.const 0 i32.const 1 i32.const 1048576 memory.fill br 0 end unreachable' },
  },
  _initialize: { functions: [{ type: '>', export: '_initialize', code: FOR_EVER }] },
  cabi_realloc: { realloc: { code: `${FOR_EVER} unreachable` } },
  cabi_post_run: { functions: [{ type: 'i>', export: 'cabi_post_run', code: FOR_EVER }] },
  step: {
    run: null,
    functions: [
      { type: 'ii>i', export: 'begin', code: 'i32.const 16' },
      { type: '>i', export: 'step', code: `${FOR_EVER} unreachable` },
      { type: '>i', export: 'finish', code: 'i32.const 64' },
    ],
  },
  'steps that never get anywhere': {
    run: null,
    functions: [
      { type: 'ii>i', export: 'begin', code: 'i32.const 16' },
      { type: '>i', export: 'step', code: 'i32.const 16' },
      { type: '>i', export: 'finish', code: 'i32.const 64' },
    ],
  },
};

const honest = kernelOf({ run: { code: answer(0, 'local.get 0', 'local.get 1') } });

describe.each(ENGINE_NAMES)('on %s', (engine) => {
  let pool: Pool;

  beforeAll(async () => {
    pool = await createPool({ engine, threads: 1 });
  });
  afterAll(() => pool.close('end'));

  test.each(Object.entries(GUESTS))('a guest that never ends in %s costs its own task only', async (_, guest) => {
    const kernel = await admit(kernelOf(guest));
    const task = { kernel, input: Uint8Array.of(1), grants: [{ kind: 'log' as const }], limits: { wallMsMax: 150 } };
    expect(await pool.run(task)).toMatchObject({ state: 'failed', code: 'ERR_WALL_SPENT', fault: 'job' });
    const after = await pool.run({ kernel: await admit(honest), input: Uint8Array.of(1, 2, 3) });
    expect(after).toMatchObject({ state: 'done', output: Uint8Array.of(1, 2, 3) });
  });

  test('no thread is ended for it', () => {
    expect(pool.stats().threadRestarts).toBe(0);
  });
});

test('without metering, a thread is ended for it only where the engine cannot stop the guest', async () => {
  for (const engine of ENGINE_NAMES) {
    const pool = await createPool({ engine, threads: 1, metered: false });
    const kernel = await admit(kernelOf(GUESTS.run as KernelParts));
    const outcome = await pool.run({ kernel, input: Uint8Array.of(1), limits: { wallMsMax: 150 } });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_WALL_SPENT', fault: 'job' });
    expect(pool.stats().threadRestarts).toBe(engine === 'wasmtime' ? 0 : 1);
    await pool.close('end');
  }
});
