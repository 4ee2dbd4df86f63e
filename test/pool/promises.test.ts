// What the threads of a pool promise beside outcomes: kernels compiled once, bytes kept once, a spare thread, order, counts.
import type { Worker } from 'node:worker_threads';
import { admit, createSandbox, type Kernel, type Outcome } from 'lodger';
import { createPool, type Pool, type PoolOptions } from 'lodger/host';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createShelf, share } from '../../host/pool/share.ts';
import { POOL } from '../../runtime/base/limits.ts';
import { kernelOf } from '../wasm/kernel.ts';
import { DO, guest, inputOf, inputs, markOf } from './guest.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest();
});

async function open(options: PoolOptions): Promise<Pool> {
  const pool = await createPool({ engine: 'v8', ...options });
  onTestFinished(() => pool.close('end'));
  return pool;
}

const resultOf = (outcome: Outcome) => (outcome.state === 'done' ? markOf(outcome.output) : outcome.code);

test('a pool counts what was done, what failed by code, and how long each took', async () => {
  const pool = await open({ threads: 1 });
  const job = { kernel, inputs: inputs(30, (mark) => (mark % 3 === 0 ? DO.trap : DO.echo)) };
  for await (const _ of pool.map(job));
  const gone = pool.run({ kernel, input: inputOf(DO.loop, 1) }, { signal: AbortSignal.timeout(20) });
  await expect(gone).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  const { done, failed, latencyMs } = pool.stats();
  expect({ done, failed }).toEqual({ done: 20, failed: { ERR_TRAP: 10, ERR_ABORTED: 1 } });
  const { count, min, median, p99, max } = latencyMs;
  expect(count).toBe(31);
  expect([min, median, p99, max]).toEqual([min, median, p99, max].sort((a, b) => a - b));
  expect(min).toBeGreaterThan(0);
  expect(max).toBeGreaterThanOrEqual(15);
});

test('a kernel is compiled once for all threads and tasks, and again when it was not among those that are kept', async () => {
  const names = ['first', 'second', 'third'] as const;
  const [first, second, third] = await Promise.all(
    names.map((name) => admit(kernelOf({ customs: [{ name, bytes: Uint8Array.of(1) }] }))),
  );
  const compile = vi.spyOn(WebAssembly, 'compile');
  onTestFinished(() => compile.mockRestore());
  const pool = await open({ threads: 2, kernelsKept: 2 });
  const compiledAfter = async (each: Kernel | undefined) => {
    for await (const _ of pool.map({ kernel: each as Kernel, inputs: inputs(8) }));
    return compile.mock.calls.length;
  };
  const counts: number[] = [];
  for (const each of [first, first, second, third, third, first]) counts.push(await compiledAfter(each));
  expect(counts).toEqual([1, 1, 2, 3, 3, 4]);
});

test('a warm thread takes over when another had to be ended', async () => {
  let started = 0;
  let ready = 0;
  let left = Number.POSITIVE_INFINITY;
  const onStart = (worker: Worker) => {
    worker.once('message', () => ready++);
    if (++started > left) void worker.terminate();
  };
  process.on('worker', onStart);
  onTestFinished(() => void process.off('worker', onStart));
  const pool = await open({ threads: 1, metered: false });
  await expect.poll(() => ready, { timeout: 30_000 }).toBe(2);
  // Whatever starts from here on is ended at once.
  left = 2;
  const run = async (what: number, mark: number) =>
    resultOf(await pool.run({ kernel, input: inputOf(what, mark), limits: { wallMsMax: 500 } }));
  expect(await run(DO.loop, 1)).toBe('ERR_WALL_SPENT');
  expect(await run(DO.echo, 2)).toBe(2);
  expect(started).toBeGreaterThan(2);
});

test('those that shared a batch with tasks that had to be ended with their thread run once more, and finish', async () => {
  const pool = await open({ threads: 2, metered: false });
  const loops = [77, 140];
  const job = {
    kernel,
    inputs: inputs(200, (mark) => (loops.includes(mark) ? DO.loop : DO.echo)),
    limits: { wallMsMax: 300 },
  };
  const outcomes: Outcome[] = [];
  for await (const outcome of pool.map(job)) outcomes.push(outcome);
  expect(outcomes.map(resultOf)).toEqual(outcomes.map((_, mark) => (loops.includes(mark) ? 'ERR_WALL_SPENT' : mark)));
  expect(Math.max(...outcomes.map(({ receipt }) => receipt.attempts))).toBe(2);
  expect(pool.stats().threadRestarts).toBe(2);
});

test('large inputs lie in memory that threads share, used again once they are given back; small ones are copied', () => {
  const large = POOL.sharedBytesMin.default;
  const shelf = createShelf(4 * large);
  const input = new Uint8Array(large).fill(7);
  const copy = shelf.own(input);
  expect(copy.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(copy).toEqual(input);
  expect(shelf.own(input).buffer).not.toBe(copy.buffer);
  shelf.giveBack(copy);
  const room = shelf.room(large);
  expect(room.buffer).toBe(copy.buffer);
  expect(shelf.own(room)).toBe(room);
  const small = shelf.own(input.subarray(0, 10));
  expect(small.buffer).toBeInstanceOf(ArrayBuffer);
  expect(small.buffer.byteLength).toBe(10);
});

test('large inputs arrive in guests as they were given, whatever their length', async () => {
  const pool = await open({ threads: 1 });
  const large = POOL.sharedBytesMin.default;
  for (const size of [large - 1, large, large + 3, 5 * large + 13]) {
    const input = Uint8Array.from({ length: size }, (_, index) => (index * 167 + (index >> 8)) & 0xff);
    input.set(inputOf(DO.echo, 1));
    const outcome = await pool.run({ kernel, input });
    expect(outcome.state === 'done' && Buffer.compare(outcome.output, input)).toBe(0);
  }
});

test('no more is kept of what was given back than the shelf may', () => {
  const large = POOL.sharedBytesMin.default;
  const shelf = createShelf(large);
  const [one, other] = [shelf.room(large), shelf.room(large)];
  shelf.giveBack(one);
  shelf.giveBack(other);
  expect([shelf.room(large), shelf.room(large)].map(({ buffer }) => buffer === one.buffer)).toEqual([true, false]);
});

test('a blob is in a process once, whatever the number of tasks and jobs with it', () => {
  const blob = new Uint8Array(100).fill(3);
  const [one, other] = [share({ a: blob }), share({ b: blob })];
  expect(one.a?.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(one.a).toEqual(blob);
  expect(other.b).toBe(one.a);
  expect(share({ c: one.a as Uint8Array }).c).toBe(one.a);
});

test('an input is copied once into the guest, and an output once out of it', async () => {
  const size = 1 << 20;
  const input = inputOf(DO.echo, 5, size);
  const sandbox = createSandbox();
  await sandbox.run({ kernel, input: inputOf(DO.echo, 1) });
  const copied: number[] = [];
  const { set, slice } = Uint8Array.prototype;
  vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, from, at) {
    copied.push(from.length);
    set.call(this, from, at);
  });
  vi.spyOn(Uint8Array.prototype, 'slice').mockImplementation(function (this: Uint8Array, ...range) {
    const copy = slice.apply(this, range);
    copied.push(copy.length);
    return copy;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const outcome = await sandbox.run({ kernel, input });
  vi.restoreAllMocks();
  expect(resultOf(outcome)).toBe(5);
  expect(copied.filter((bytes) => bytes >= size)).toEqual([size, size]);
});
