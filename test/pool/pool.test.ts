// What a pool promises its callers: refusals, order, limits, abort, bounded memory, and that nothing is left behind.
import { type Kernel, type Outcome, parsePolicy, type Task } from 'lodger';
import { createPool, type Pool, type PoolOptions } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ISOLATIONS } from '../../host/cell/isolation.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { DO, guest, inputOf, inputs, markOf } from './guest.ts';

const done = (outcome: Outcome) => {
  if (outcome.state !== 'done') throw new Error(`${outcome.code}: ${outcome.message}`);
  return outcome;
};

const PLACES = ENGINE_NAMES.flatMap((engine) => ISOLATIONS.map((isolation) => ({ engine, isolation })));

describe.each(PLACES)('on $engine, in a $isolation,', ({ engine, isolation }) => {
  const open = (options: PoolOptions): Promise<Pool> => createPool({ engine, isolation, ...options });
  let kernel: Kernel;
  let pool: Pool;

  beforeAll(async () => {
    kernel = await guest();
    pool = await open({ threads: 2 });
  });
  afterAll(() => pool.close('end'));

  describe('a pool refuses', () => {
    test.each([
      [{ threads: 0 }, 'option "threads" must be an integer from 1 to 256'],
      [{ threads: Number.POSITIVE_INFINITY }, 'option "threads" must be an integer from 1 to 256'],
      [{ queueMax: Number.POSITIVE_INFINITY }, 'option "queueMax" must be an integer from 0 to 1048576'],
      [{ treads: 4 }, 'option "treads" must be a known option'],
    ])('the option %o', async (options, message) => {
      await expect(open(options as PoolOptions)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID', message });
    });

    test.each([
      [{ input: 'text' }, 'option "input" must be a Uint8Array'],
      [
        { input: new Uint8Array(1), limits: { wallMsMax: -1 } },
        'option "limits.wallMsMax" must be an integer from 0 to 604800000',
      ],
      [{ input: new Uint8Array(1), wall: 1 }, 'option "wall" must be a known option'],
      [
        { input: new Uint8Array(9), limits: { inputBytesMax: 8 } },
        'option "input" must be at most 8 bytes (limits.inputBytesMax), not 9',
      ],
    ])('the task %o', async (task, message) => {
      await expect(pool.run({ kernel, ...task } as never)).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message,
      });
    });

    test('a task that looks like the one before it but says something more', async () => {
      done(await pool.run({ kernel, input: inputOf(DO.echo, 1) }));
      const more = { kernel, input: inputOf(DO.echo, 1), index: -1 };
      await expect(pool.run(more)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    });

    test('a look-alike of a kernel', async () => {
      await expect(pool.run({ kernel: { ...kernel }, input: inputOf(DO.echo, 1) })).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: 'option "kernel" must be a kernel made by admit()',
      });
    });

    test('a task too many, and says how many wait', async () => {
      const small = await open({ threads: 1, queueMax: 2 });
      const tasks = Array.from({ length: 3 }, (_, mark) => small.run({ kernel, input: inputOf(DO.echo, mark) }));
      await expect(tasks[2]).rejects.toMatchObject({
        code: 'ERR_QUEUE_FULL',
        message: '2 tasks are waiting already, the ceiling is queueMax: await some, or use map()',
      });
      expect((await Promise.all(tasks.slice(0, 2))).map((outcome) => markOf(done(outcome).output))).toEqual([0, 1]);
      await small.close();
    });

    test('tasks after it was closed', async () => {
      const closed = await open({ threads: 1 });
      await closed.close();
      await expect(closed.run({ kernel, input: inputOf(DO.echo, 1) })).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    });

    test('inputs that are no bytes, in the middle of a map', async () => {
      const outcomes: number[] = [];
      const work = async () => {
        for await (const outcome of pool.map({ kernel, inputs: [inputOf(DO.echo, 0), 'text' as never] })) {
          outcomes.push(markOf(done(outcome).output));
        }
      };
      await expect(work()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
      expect(outcomes).toEqual([0]);
    });
  });

  describe('a pool runs', () => {
    test('tasks of every size, whole, and gives a receipt', async () => {
      for (const size of [5, 1000, 65_535, 65_536, 65_537, 1 << 20, 16 << 20]) {
        const input = inputOf(DO.echo, size, size).fill(7, 5);
        const { output, receipt } = done(await pool.run({ kernel, input, digests: true }));
        expect(Buffer.compare(output, input)).toBe(0);
        expect(receipt).toMatchObject({ bytesIn: size, bytesOut: size, attempts: 1, kernel: kernel.digest });
        expect(receipt.inputDigest).toBe(receipt.outputDigest);
        expect(input.byteLength).toBe(size);
      }
    });

    test('tasks that ask for nothing under a policy with less than the defaults', async () => {
      const policy = parsePolicy({ version: 1, limits: { wallMsMax: 300 } });
      const bounded = await open({ threads: 1, policy });
      expect(markOf(done(await bounded.run({ kernel, input: inputOf(DO.echo, 4) })).output)).toBe(4);
      const looped = await bounded.run({ kernel, input: inputOf(DO.loop, 4) });
      expect(looped).toMatchObject({ state: 'failed', code: 'ERR_WALL_SPENT' });
      await bounded.close();
    });

    test('a moved input, which the caller then no longer has', async () => {
      const input = inputOf(DO.echo, 9, 1 << 20);
      const { output } = done(await pool.run({ kernel, input, transfer: true }));
      expect(markOf(output)).toBe(9);
      expect(input.byteLength).toBe(0);
    });

    test.each<[string, (input: Uint8Array) => Task]>([
      ['a Uint8Array', (input) => ({ kernel, input })],
      ['a Buffer, whose slices are no copies', ({ buffer }) => ({ kernel, input: Buffer.from(buffer) })],
      [
        'another view each time',
        (bytes) => Object.defineProperty({ kernel } as Task, 'input', { get: () => bytes.subarray() }),
      ],
    ])('an input whose buffer the caller uses again at once: %s', async (_, taskOf) => {
      const input = inputOf(DO.echo, 1);
      const first = pool.run(taskOf(input));
      input.fill(0);
      expect(markOf(done(await first).output)).toBe(1);
    });

    test('jobs side by side, each in its own order', async () => {
      const read = async (count: number) => {
        const marks: number[] = [];
        for await (const outcome of pool.map({ kernel, inputs: inputs(count) }))
          marks.push(markOf(done(outcome).output));
        return marks;
      };
      const all = await Promise.all([read(500), read(300), read(700)]);
      expect(all.map((marks) => marks.length)).toEqual([500, 300, 700]);
      for (const marks of all) expect(marks).toEqual(marks.map((_, place) => place));
    });

    test('a job that fails here and there, and counts what it did', async () => {
      const states: string[] = [];
      let last = {};
      const job = { kernel, inputs: inputs(60, (mark) => (mark % 3 === 1 ? DO.trap : DO.echo)) };
      for await (const outcome of pool.map(job, {
        onProgress: (progress) => {
          last = progress;
        },
      })) {
        states.push(outcome.state === 'done' ? 'done' : outcome.code);
      }
      expect(states).toEqual(Array.from({ length: 60 }, (_, mark) => (mark % 3 === 1 ? 'ERR_TRAP' : 'done')));
      expect(last).toEqual({ done: 40, failed: 20, started: 60 });
    });

    test('an async source of inputs no faster than its results are taken', async () => {
      let taken = 0;
      async function* source() {
        for (let mark = 0; mark < 5_000; mark++) {
          taken++;
          yield inputOf(DO.echo, mark, 1_000);
        }
      }
      const small = await open({ threads: 1, windowBytesMax: 10_000 });
      const results = small.map({ kernel, inputs: source() });
      for (let count = 0; count < 20; count++) await results.next();
      expect(taken).toBeLessThan(60);
      await results.return?.(undefined);
      expect(small.stats().waiting).toBe(0);
      await small.close();
    });

    test('1,000 tasks of 1 MiB without holding them all', async () => {
      const before = process.memoryUsage().rss;
      let peak = 0;
      function* large() {
        for (let mark = 0; mark < 1_000; mark++) yield inputOf(DO.echo, mark, 1 << 20);
      }
      let count = 0;
      for await (const outcome of pool.map({ kernel, inputs: large() })) {
        if (markOf(done(outcome).output) !== count++) throw new Error('out of order');
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      expect(count).toBe(1_000);
      expect(peak - before).toBeLessThan(700 << 20);
    });
  });

  describe('a pool ends', () => {
    test('a kernel that loops for ever, at its wall time, and says so', async () => {
      const outcome = await pool.run({ kernel, input: inputOf(DO.loop, 1), limits: { wallMsMax: 50 } });
      expect(outcome).toMatchObject({
        state: 'failed',
        code: 'ERR_WALL_SPENT',
        fault: 'job',
        message: 'wall time limit of 50 ms reached',
      });
    });

    test('a running task, when its signal fires; the reason is kept', async () => {
      const control = new AbortController();
      const task = pool.run({ kernel, input: inputOf(DO.loop, 1) }, { signal: control.signal });
      setTimeout(() => control.abort('enough'), 50);
      await expect(task).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
    });

    test('a waiting task without touching the running one', async () => {
      const single = await open({ threads: 1 });
      const control = new AbortController();
      const first = single.run({ kernel, input: inputOf(DO.burn, 1) });
      const second = single.run({ kernel, input: inputOf(DO.echo, 2) }, { signal: control.signal });
      control.abort();
      await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      expect(markOf(done(await first).output)).toBe(1);
      expect(single.stats().threadRestarts).toBe(0);
      await single.close();
    });

    test('only the task that loops: the others of its batch run again, once, and finish', async () => {
      const job = {
        kernel,
        inputs: inputs(200, (mark) => (mark === 77 || mark === 140 ? DO.loop : DO.echo)),
        limits: { wallMsMax: 300 },
      };
      const outcomes: Outcome[] = [];
      for await (const outcome of pool.map(job)) outcomes.push(outcome);
      expect(outcomes).toHaveLength(200);
      outcomes.forEach((outcome, mark) => {
        if (mark === 77 || mark === 140) expect(outcome).toMatchObject({ code: 'ERR_WALL_SPENT' });
        else expect(markOf(done(outcome).output)).toBe(mark);
        expect(outcome.receipt.attempts).toBeLessThanOrEqual(2);
      });
    });

    test('a map whose consumer leaves, at once and wholly', async () => {
      for await (const outcome of pool.map({
        kernel,
        inputs: inputs(10_000, (mark) => (mark === 5 ? DO.loop : DO.echo)),
      })) {
        if (markOf(done(outcome).output) === 3) break;
      }
      expect(pool.stats().waiting).toBe(0);
      await expect.poll(() => pool.stats().running).toBe(0);
    });

    test('what is behind a task that loops in its batch does not wait for it, nor what was before it', async () => {
      // Batches of more than one: the lane has learnt that these tasks are short.
      const marks: number[] = [];
      const control = new AbortController();
      const job = { kernel, inputs: inputs(2_000, (mark) => (mark === 1_500 ? DO.loop : DO.echo)) };
      try {
        for await (const outcome of pool.map(job, { signal: control.signal })) {
          if (marks.push(markOf(done(outcome).output)) === 1_500) break;
        }
      } finally {
        control.abort();
      }
      expect(marks).toHaveLength(1_500);
    });

    test('a map when its signal fires', async () => {
      const control = new AbortController();
      const work = async () => {
        for await (const _ of pool.map({ kernel, inputs: inputs(100, () => DO.loop) }, { signal: control.signal }));
      };
      setTimeout(() => control.abort(), 50);
      await expect(work()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      expect(pool.stats().waiting).toBe(0);
      await expect.poll(() => pool.stats().running).toBe(0);
    });

    test('itself: close waits for what was submitted, or ends it', async () => {
      const draining = await open({ threads: 1 });
      const tasks = Array.from({ length: 100 }, (_, mark) => draining.run({ kernel, input: inputOf(DO.echo, mark) }));
      await draining.close();
      expect((await Promise.all(tasks)).map((outcome) => markOf(done(outcome).output))).toHaveLength(100);

      const ending = await open({ threads: 1 });
      const stuck = [DO.loop, DO.echo].map((what) => ending.run({ kernel, input: inputOf(what, 1) }));
      const settled = Promise.allSettled(stuck);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await ending.close('end');
      expect((await settled).map((each) => each.status === 'rejected' && each.reason.code)).toEqual([
        'ERR_CLOSED',
        'ERR_CLOSED',
      ]);
    });
  });
});
