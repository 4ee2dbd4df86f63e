// A profile is exact: what it says of each instruction adds up to the fuel of the task's receipt.
import { describe, expect, test } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { admit, createSandbox, type Task } from '../../runtime/index.ts';
import { WEIGHTS } from '../../runtime/meter/weights.ts';
import { profile } from '../../runtime/profile/profile.ts';
import { rowAt } from '../../runtime/wasm/outline.ts';
import { generateKernel } from '../fuzz/generate.ts';
import { coreOf, GIVEN, GRANTS, SUBJECTS } from '../kernels/subjects.ts';
import { type KernelParts, kernelOf } from '../wasm/kernel.ts';

async function compare(bytes: Uint8Array, task: Omit<Task, 'kernel'>) {
  const kernel = await admit(bytes, { platform: node });
  const sandbox = createSandbox({ platform: node });
  const plain = await sandbox.run({ ...task, kernel });
  if (plain.receipt.fuel === undefined || (plain.state === 'failed' && plain.code !== 'ERR_EXIT')) return undefined;
  const found = await profile(node, { ...task, kernel });
  expect(found.fuel).toBe(plain.receipt.fuel);
  expect(found.outcome.state).toBe(plain.state);
  if (found.outcome.state === 'done' && plain.state === 'done') expect(found.outcome.output).toEqual(plain.output);
  return found;
}

const profiled = Object.entries(SUBJECTS).filter(([name]) => name !== 'align');

describe('of kernels of the project and of other toolchains', () => {
  test.each(profiled)('%s', async (_, subject) => {
    const core = await coreOf(subject);
    const inputs = [...subject.special, subject.input(0), subject.input(5_000)];
    const found = [];
    for (const input of inputs) found.push(await compare(core, { ...GIVEN, input, grants: GRANTS }));
    expect(found.some((one) => one !== undefined && one.fuel > 0)).toBe(true);
  });
});

test('of generated kernels', async () => {
  let ended = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const { bytes } = generateKernel(seed, {});
    const input = Uint8Array.from({ length: seed % 50 }, (_, at) => (at * seed) & 0xff);
    if (
      await compare(bytes, {
        input,
        grants: [{ kind: 'log' }, { kind: 'random' }],
        limits: { wallMsMax: 300, memoryBytesMax: 3 * 65_536 },
      })
    )
      ended++;
  }
  expect(ended).toBeGreaterThan(10);
});

test.each([
  [
    'ranges',
    'i32.const 0 i32.const 1 i32.const 4003 memory.fill i32.const 0 i32.const 9 i32.const 1002 memory.copy',
    'memory.fill',
    8 + 1000,
  ],
  [
    'pages that were added',
    'i32.const 2 memory.grow drop i32.const 100 memory.grow drop',
    'memory.grow',
    256 + 2 * 16_384,
  ],
] as const)('%s are paid for where they are used', async (_, code, __, fuel) => {
  const kernel: KernelParts = {
    run: { code: `${code} i32.const 16 local.get 0 i32.store 2 4 i32.const 16 i32.const 0 i32.store 2 8 i32.const 16` },
  };
  const found = await compare(kernelOf(kernel), { input: new Uint8Array() });
  const largest = found?.spent.find((one) => one.fuel === fuel);
  expect(largest?.function).toBe(0);
});

test('an instruction in a loop is counted as often as it runs', async () => {
  const code = 'loop local.get 2 i32.const 1 i32.add local.tee 2 i32.const 1000 i32.lt_u br_if 0 end';
  const bytes = kernelOf({
    run: {
      locals: 'i',
      code: `${code} i32.const 16 local.get 0 i32.store 2 4 i32.const 16 i32.const 0 i32.store 2 8 i32.const 16`,
    },
  });
  const found = await compare(bytes, { input: new Uint8Array() });
  const inLoop = found?.spent.filter(({ fuel }) => fuel === 1000) ?? [];
  expect(inLoop).toHaveLength(7);
  for (const { offset } of inLoop) expect(WEIGHTS[rowAt(bytes, offset)]).toBe(1);
});

test('a task that traps has no exact sum, and is refused', async () => {
  const kernel = await admit(kernelOf({ run: { code: 'unreachable' } }));
  await expect(profile(node, { kernel, input: new Uint8Array() })).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
  });
});
