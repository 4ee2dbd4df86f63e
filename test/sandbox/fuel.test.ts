// Fuel as the limit that holds everywhere: no guest escapes it, and a receipt says what was used.
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Task } from '../../runtime/job/task.ts';
import { FUEL_PER_PAGE, hostCallFuel, TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { WORLD_IMPORTS } from '../contract/case.ts';
import { ENGINES } from '../contract/engines.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

const grants: Task['grants'] = [{ kind: 'log' }, { kind: 'random' }];
const input = Uint8Array.of(1, 2, 3);

const STEPPER = [
  { type: 'ii>i', export: 'begin', code: 'i32.const 16' },
  { type: '>i', export: 'finish', code: 'i32.const 64' },
];

/** None of them ends by itself. */
const ENDLESS: Readonly<Record<string, KernelParts>> = {
  'an empty loop': { run: { code: 'loop br 0 end unreachable' } },
  'an innermost loop': {
    run: {
      code: 'loop loop local.get 0 i32.const 1 i32.add local.tee 0 i32.const 0 i32.ge_s br_if 0 end br 0 end unreachable',
    },
  },
  'a loop in cabi_realloc': { realloc: { code: 'loop br 0 end unreachable' } },
  'a loop after the answer': { functions: [{ type: 'i>', export: 'cabi_post_run', code: 'loop br 0 end' }] },
  'a loop of host calls': {
    imports: [WORLD_IMPORTS.write],
    run: { code: 'loop i32.const 1 i32.const 0 i32.const 8 call $write br 0 end unreachable' },
  },
  'a loop of large fills': {
    memory: [1024, 1024],
    run: { code: 'loop i32.const 0 i32.const 1 i32.const 67108864 memory.fill br 0 end unreachable' },
  },
  'steps that never get anywhere': {
    run: null,
    functions: [...STEPPER, { type: '>i', export: 'step', code: 'i32.const 16' }],
  },
};

describe.each(ENGINES)('on %s', (_, makeEngine) => {
  const sandbox = createSandbox({ engine: makeEngine() });
  const run = async (parts: KernelParts, limits: Task['limits'] = {}) =>
    sandbox.run({ kernel: await admit(kernelOf(parts)), input, grants, limits });

  test.each(Object.entries(ENDLESS))('%s ends at its limit', async (_name, parts) => {
    expect(await run(parts, { fuelMax: 20_000_000 })).toMatchObject({
      ...{ state: 'failed', code: 'ERR_FUEL_SPENT', fault: 'job', message: 'fuel limit of 20000000 reached' },
      receipt: { fuel: 20_000_000, tariff: TARIFF_VERSION },
    });
  });

  test.each(Object.entries(ENDLESS))("%s ends in time, also in the caller's own thread", async (_name, parts) => {
    const outcome = await run(parts, { wallMsMax: 30 });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_WALL_SPENT' });
    expect(outcome.receipt).not.toHaveProperty('fuel');
  });

  test('a recursion without end ends by its stack, with the same fuel before it everywhere', async () => {
    const outcome = await run({ run: { code: 'local.get 0 local.get 1 call $run' } });
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_STACK_SPENT', fault: 'job' });
    expect(outcome.receipt.fuelAtLeast).toBeGreaterThan(0);
  });

  test('of a trap the receipt says what was used at the last host call', async () => {
    const parts = { imports: [WORLD_IMPORTS.write] };
    const calling = 'i32.const 1 i32.const 0 i32.const 8 call $write';
    const endings = ['unreachable', 'i32.const 0 drop i32.const 0 drop unreachable', `${calling} unreachable`];
    const [one, later, calls] = await Promise.all(
      endings.map(async (code) => (await run({ ...parts, run: { code: `${calling} ${code}` } })).receipt),
    );
    expect(one).not.toHaveProperty('fuel');
    expect(later?.fuelAtLeast).toBe(one?.fuelAtLeast);
    // Three constants and a call.
    expect((calls?.fuelAtLeast ?? 0) - (one?.fuelAtLeast ?? 0)).toBe(hostCallFuel(8) + 3 + 2);
  });

  test('a host call costs by the bytes that it moves, and a page by the page', async () => {
    const used = async (code: string) => {
      const parts = { memory: [4, 100] as const, imports: [WORLD_IMPORTS.write], run: { code } };
      return (await run(parts)).receipt.fuel as number;
    };
    const plain = await used(`${answer(0, 'local.get 0', 'local.get 1')}`);
    const write = (length: number) =>
      used(`i32.const 1 i32.const 0 i32.const ${length} call $write ${answer(0, 'local.get 0', 'local.get 1')}`);
    expect((await write(0)) - plain).toBe(hostCallFuel(0) + 5);
    expect((await write(1_000)) - (await write(0))).toBe(250);
    const grow = (pages: number) =>
      used(`i32.const ${pages} memory.grow drop ${answer(0, 'local.get 0', 'local.get 1')}`);
    expect((await grow(3)) - (await grow(1))).toBe(2 * FUEL_PER_PAGE);
    expect(await grow(1_000)).toBe(await grow(0));
  });

  test('the limit at its edges: none at all, and all there is', async () => {
    expect(await run({}, { fuelMax: 0 })).toMatchObject({ code: 'ERR_FUEL_SPENT', receipt: { fuel: 0 } });
    expect(await run({}, { fuelMax: TASK.fuelMax.max })).toMatchObject({ state: 'done' });
  });

  test('without metering receipts tell of no fuel', async () => {
    const free = createSandbox({ engine: makeEngine(), metered: false });
    const { state, receipt } = await free.run({ kernel: await admit(kernelOf()), input });
    expect(state).toBe('done');
    for (const name of ['fuel', 'fuelAtLeast', 'tariff']) expect(receipt).not.toHaveProperty(name);
  });
});
