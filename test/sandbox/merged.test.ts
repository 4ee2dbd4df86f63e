// What a merge promises: one outcome of all results, by a tree that inputs and arity settle, the same wherever the job runs.
import { describe, expect, test } from 'vitest';
import { nodeEngine } from '../../host/platform/engines.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { mergeInput, seedOf } from '../../runtime/job/merge.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';
import { mergedEchoes } from '../wasm/merges.ts';

const ECHO = answer(0, 'local.get 0', 'local.get 1');
/** Traps on an input of one byte that is 2. */
const PICKY = `local.get 1 i32.const 1 i32.eq if local.get 0 i32.load8_u 0 0 i32.const 2 i32.eq if unreachable end end ${ECHO}`;
/** Traps on an input of more than 40 bytes: on merges of merges. */
const SMALL = `local.get 1 i32.const 40 i32.gt_u if unreachable end ${ECHO}`;

const kernelBy = (code: string) =>
  admit(kernelOf({ run: { locals: '', code }, memory: [1, 4_096] }), { platform: node });
const sandbox = createSandbox({ engine: nodeEngine('v8'), platform: node });
const inputsOf = (count: number) => Array.from({ length: count }, (_, at) => Uint8Array.of(at + 10, at >> 8));
const all = async (outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> => {
  const found: Outcome[] = [];
  for await (const outcome of outcomes) found.push(outcome);
  return found;
};

describe('a job with a merge', () => {
  test.each([
    [1, 2],
    [2, 2],
    [3, 2],
    [7, 3],
    [27, 3],
    [28, 3],
    [17, 16],
    [300, 64],
  ])('of %i inputs, %i at a time, gives what its tree comes to', async (count, arity) => {
    const kernel = await kernelBy(ECHO);
    const inputs = inputsOf(count);
    const [outcome, ...more] = await all(sandbox.map({ kernel, inputs, merge: { kernel, arity } }));
    expect(more).toEqual([]);
    expect(outcome).toMatchObject({ state: 'done', output: mergedEchoes(inputs, arity) });
  });

  test('of no inputs gives nothing, and merges 16 results at a time where it does not say', async () => {
    const kernel = await kernelBy(ECHO);
    expect(await all(sandbox.map({ kernel, inputs: [], merge: { kernel } }))).toEqual([]);
    const inputs = inputsOf(40);
    const [outcome] = await all(sandbox.map({ kernel, inputs, merge: { kernel } }));
    expect(outcome).toMatchObject({ output: mergedEchoes(inputs, 16) });
  });

  test('a task or a merge that fails is what the job comes to, and says where it was', async () => {
    const [kernel, picky, small] = [await kernelBy(ECHO), await kernelBy(PICKY), await kernelBy(SMALL)];
    const inputs = [...inputsOf(5), Uint8Array.of(2), ...inputsOf(3)];
    const task = await all(sandbox.map({ kernel: picky, inputs, merge: { kernel, arity: 2 } }));
    expect(task).toMatchObject([{ state: 'failed', code: 'ERR_TRAP', receipt: { kernel: picky.digest } }]);
    expect((task[0] as { message: string }).message).toMatch(/^in task 5: /);
    const merge = await all(sandbox.map({ kernel, inputs: inputsOf(32), merge: { kernel: small, arity: 4 } }));
    expect(merge).toMatchObject([{ state: 'failed', code: 'ERR_TRAP', receipt: { kernel: small.digest } }]);
    expect((merge[0] as { message: string }).message).toMatch(/^in merge 0 of level 2: /);
  });

  test('tells progress of its tasks, and ends with the signal', async () => {
    const kernel = await kernelBy(ECHO);
    const job = { kernel, inputs: inputsOf(9), merge: { kernel, arity: 2 } };
    const progress: unknown[] = [];
    await all(sandbox.map(job, { onProgress: (each) => progress.push(each) }));
    expect(progress.at(-1)).toEqual({ done: 9, failed: 0, started: 9, total: 9 });
    const control = new AbortController();
    control.abort();
    await expect(all(sandbox.map(job, { signal: control.signal }))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_ABORTED' }),
    );
  });
});

test.each([
  [0, [0xdc, 0, 0]],
  [2, [0xdc, 0, 2]],
  [70_000, [0xdd, 0, 1, 0x11, 0x70]],
])('%i results are an array of MessagePack', (count, head) => {
  const input = mergeInput(
    Array.from({ length: count }, () => new Uint8Array()),
    true,
  );
  expect([...input.subarray(0, 5)].slice(0, head.length)).toEqual(head);
});

test.each([0, 7, Number.MAX_SAFE_INTEGER - 1])('levels of a job of seed %i have seeds of their own', (seed) => {
  const seeds = [0, 1, 2, 3].map((level) => seedOf(seed, level));
  expect(seeds[0]).toBe(seed);
  expect(new Set(seeds).size).toBe(4);
  expect(seeds.every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(true);
});
