// V8's own part: memories that are kept from task to task, and what its errors mean.
import { afterEach, expect, test, vi } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { GUEST, PAGE } from '../../runtime/base/limits.ts';
import { createV8 } from '../../runtime/engine/v8.ts';
import { TaskFailure } from '../../runtime/job/outcome.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { openBench } from '../contract/case.ts';
import { answer, type KernelParts, kernelOf } from '../wasm/kernel.ts';

afterEach(() => vi.restoreAllMocks());

/** Counts how many memories are made from now on. */
function countMemories(): () => number {
  const { Memory } = WebAssembly;
  const made = vi.spyOn(WebAssembly, 'Memory').mockImplementation(function make(bounds) {
    return new Memory(bounds);
  });
  return () => made.mock.calls.length;
}

/** They trap: nothing of them is kept but the memory. */
const sized = (pages: number, max = pages + 20): KernelParts => ({
  ...{ memory: [pages, max], run: { code: 'unreachable' } },
});
const growing: KernelParts = {
  memory: [1, 16],
  run: { code: `i32.const 1 memory.grow drop ${answer(0, 'i32.const 0', 'i32.const 0')}` },
};

test('tasks of one size that fail share one memory', async () => {
  const { run } = openBench(createV8('test'));
  const made = countMemories();
  for (let i = 0; i < 5; i++) await run(sized(1));
  expect(made()).toBe(1);
});

test('a memory that has grown is used for no other task', async () => {
  const { run } = openBench(createV8('test'));
  const made = countMemories();
  for (let i = 0; i < 5; i++) await run(growing);
  expect(made()).toBe(5);
});

test('a memory is used again only under its exact minimum and maximum', async () => {
  const { run } = openBench(createV8('test'));
  const made = countMemories();
  for (const parts of [sized(1), sized(2), sized(1, 30), sized(1), sized(2), sized(1, 30)]) await run(parts);
  expect(made()).toBe(3);
  await run(sized(1), { limits: { memoryBytesMax: 2 * PAGE } });
  expect(made()).toBe(4);
});

test('a larger memory is kept only if its guest used it for long enough that zeroing it costs little', async () => {
  let [time, step] = [0, 0];
  const now = () => (time += step);
  const { run } = openBench(createV8('test', { now }));
  const made = countMemories();
  const small = GUEST.memoryAlwaysKeptBytes.default / PAGE;
  for (const pages of [small, small, 2 * small, 2 * small]) await run(sized(pages));
  expect(made()).toBe(3);
  step = 2;
  for (let i = 0; i < 3; i++) await run(sized(2 * small));
  expect(made()).toBe(4);
});

test('memories beyond what may be kept in all are not kept, the least recently used first', async () => {
  let time = 0;
  const now = () => (time += 1000);
  const { run } = openBench(createV8('test', { now }));
  const made = countMemories();
  const half = GUEST.memoryKeptBytes.default / PAGE / 2;
  for (const pages of [2 * half + 1, 2 * half + 1, half, half - 1, half, half - 1]) await run(sized(pages));
  expect(made()).toBe(4);
  for (const pages of [half + 1, half - 1, half]) await run(sized(pages));
  expect(made()).toBe(6);
});

test('a flood of sizes keeps no more memories than may be kept, and does not end the keeping', async () => {
  const { run } = openBench(createV8('test'));
  const made = countMemories();
  const flood = 100;
  for (let max = 20; max < 20 + flood; max++) await run(sized(1, max));
  expect(made()).toBe(flood);
  // The most recent ones are there, the one before them is not, and what is used again and again is kept.
  const { default: most } = GUEST.memoriesKept;
  for (let max = 20 + flood - most; max < 20 + flood; max++) await run(sized(1, max));
  expect(made()).toBe(flood);
  await run(sized(1, 20 + flood - most - 1));
  for (let i = 0; i < 5; i++) await run(sized(3));
  expect(made()).toBe(flood + 2);
});

test('a memory that this host cannot map is the fault of the host', async () => {
  const { run } = openBench(createV8('test'));
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function make() {
    throw new RangeError('WebAssembly.Memory(): could not allocate memory');
  });
  expect(await run({})).toMatchObject({
    state: 'failed',
    code: 'ERR_HOST_MEMORY',
    fault: 'host',
    receipt: { memoryBytesPeak: 0 },
  });
});

test.each([
  [new TaskFailure('ERR_EXIT', 'mine'), 'ERR_EXIT', 'mine'],
  [new WebAssembly.RuntimeError('unreachable'), 'ERR_TRAP', 'trap: unreachable executed'],
  [new WebAssembly.RuntimeError('a trap of tomorrow'), 'ERR_TRAP', 'trap: a trap of tomorrow'],
  [new RangeError('Maximum call stack size exceeded'), 'ERR_STACK_SPENT', 'the kernel recursed too deeply'],
  [
    new RangeError('Array buffer allocation failed'),
    'ERR_HOST_MEMORY',
    'this host could not provide memory: Array buffer allocation failed',
  ],
  [new WebAssembly.LinkError('no import'), 'ERR_HOST_FAULT', 'this host failed: no import'],
  [new TypeError('not a function'), 'ERR_HOST_FAULT', 'this host failed: not a function'],
  ['thrown text', 'ERR_HOST_FAULT', 'this host failed: thrown text'],
] as const)('%s is explained as %s', (thrown, code, message) => {
  expect(createV8('test').explain(thrown)).toMatchObject({ code, message });
});

test('what V8 does not compile is refused as malformed', async () => {
  const prepared = prepare(await admit(kernelOf()), { memoryForm: 'imported', metered: false });
  const broken = { ...prepared, bytes: prepared.bytes.slice(0, -3) };
  await expect(createV8('test').compile(broken)).rejects.toMatchObject({ code: 'ERR_KERNEL_MALFORMED' });
});
