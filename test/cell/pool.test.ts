// What a pool of cells promises beyond a pool of threads: the same answers, walls that receipts name, and tasks that survive their cell.
import { readFile } from 'node:fs/promises';
import {
  admit,
  type ImageNotice,
  type Kernel,
  memoryStore,
  type Outcome,
  type Receipt,
  type StepProgress,
} from 'lodger';
import { type CellPool, createPool, type IsolatedOptions } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookAt } from '../../host/cell/watch.ts';
import { findJail } from '../../host/platform/jail.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { DO, guest, inputOf, inputs, markOf } from '../pool/guest.ts';
import { hog } from './hog.ts';

const hasJail = 'path' in findJail();

const open = (options: Partial<IsolatedOptions> = {}): Promise<CellPool> =>
  createPool({ threads: 2, ...options, isolation: 'process' });

/** The process of the cell that works. */
const workerOf = (pool: CellPool): number => {
  const [pid] = pool.pids();
  // Zero would be this whole group of processes.
  if (pid === undefined || pid <= 1) throw new Error(`no process: ${pid}`);
  return pid;
};

/** Sends a signal to every process of a pool, working or warm. */
const signalAll = (pool: CellPool, signal: NodeJS.Signals) => {
  for (const pid of pool.pids())
    try {
      if (pid > 1) process.kill(pid, signal);
    } catch {
      // One that has ended, and whose end was not heard of yet.
    }
};
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What two runs of a task have in common. */
const told = (outcome: Outcome) => {
  const { wallMs: _w, cpuMs: _c, isolation: _i, ...receipt } = outcome.receipt as Receipt;
  return { ...outcome, ...('output' in outcome && { output: Buffer.from(outcome.output) }), receipt };
};

describe.each(ENGINE_NAMES)('on %s, a cell', (engine) => {
  let kernel: Kernel;
  let cells: CellPool;
  beforeAll(async () => {
    kernel = await guest();
    cells = await open({ engine });
  });
  afterAll(() => cells.close('end'));

  test('gives the outcomes and receipts of threads, to the byte and the fuel, and names its walls', async () => {
    const threads = await createPool({ engine, threads: 2 });
    const tasks = [
      { kernel, input: inputOf(DO.echo, 3), digests: true },
      { kernel, input: inputOf(DO.trap, 3) },
      { kernel, input: inputOf(DO.burn, 3, 100_000), seed: 7, index: 5 },
      { kernel, input: inputOf(DO.burn, 3), limits: { fuelMax: 1_000 } },
      { kernel, input: inputOf(DO.echo, 3, 100), limits: { outputBytesMax: 99 } },
      { kernel, input: inputOf(DO.echo, 3), deterministic: false },
    ];
    for (const task of tasks) {
      const [inside, outside] = [await cells.run(task), await threads.run(task)];
      expect(told(inside)).toEqual(told(outside));
      expect(inside.receipt.isolation).toEqual(cells.isolation);
      expect(outside.receipt).not.toHaveProperty('isolation');
    }
    await threads.close();
  });

  test('gives logs, random bytes and blobs as granted', async () => {
    const search = await admit(await readFile(new URL('../../dist/kernels/align.wasm', import.meta.url)));
    const query = new Uint8Array(await readFile(new URL('../../kernels/align/data/query.fasta', import.meta.url)));
    const text = await readFile(new URL('../../kernels/align/data/proteins.fasta', import.meta.url), 'latin1');
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(query).digest('hex');
    const task = {
      kernel: search,
      // Whole records.
      input: new Uint8Array(Buffer.from(text.slice(0, text.indexOf('\n>', 4_000) + 1), 'latin1')),
      grants: [{ kind: 'blobs', name: 'query', digest }, { kind: 'log' }] as const,
      blobs: { query },
    };
    const threads = await createPool({ engine, threads: 1 });
    const [inside, outside] = [await cells.run(task), await threads.run(task)];
    await threads.close();
    expect(inside).toMatchObject({ state: 'done' });
    expect(told(inside)).toEqual(told(outside));
  });

  test('refuses what the pool refuses, before the cell hears of it', async () => {
    const greedy = { kernel, input: inputOf(DO.echo, 1), limits: { inputBytesMax: 4 } };
    await expect(cells.run(greedy)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    expect(cells.stats().running).toBe(0);
  });
});

test.each<[object, string]>([
  [{ isolation: 'vm' }, 'option "isolation" must be one of thread, process'],
  [{ isolation: 'process', strict: 'very' }, 'option "strict" must be one of any, floor, all, or names of walls'],
  [{ isolation: 'process', strict: ['moat'] }, 'option "strict" must be one of any, floor, all, or names of walls'],
  [{ isolation: 'process', cellMemoryBytesMax: 1 }, 'option "cellMemoryBytesMax" must be an integer from 268435456'],
  [{ strict: 'floor' }, 'option "strict" must be left out but with isolation "process"'],
])('a pool refuses the options %o', async (options, message) => {
  await expect(createPool(options as never)).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
    message: expect.stringContaining(message),
  });
});

describe.runIf(process.platform === 'linux')('when its cell', () => {
  test('is killed, tasks finish in the next one, and the pool goes on', async () => {
    const pool = await open();
    const kernel = await guest();
    const outcomes: Outcome[] = [];
    for await (const outcome of pool.map({ kernel, inputs: inputs(400, () => DO.burn) })) {
      if (outcomes.push(outcome) === 20) process.kill(workerOf(pool), 'SIGKILL');
    }
    expect(outcomes.map((outcome) => outcome.state === 'done' && markOf(outcome.output))).toEqual([
      ...Array(400).keys(),
    ]);
    const attempts = outcomes.map(({ receipt }) => receipt.attempts);
    expect(Math.max(...attempts)).toBe(2);
    expect(pool.stats().threadRestarts).toBe(1);
    expect(await pool.run({ kernel, input: inputOf(DO.echo, 9) })).toMatchObject({ state: 'done' });
    await pool.close();
  });

  test('is killed, the one that takes its place was ready before', async () => {
    const pool = await open({ threads: 1 });
    await expect.poll(() => pool.pids().length, { timeout: 30_000 }).toBe(2);
    const [worker = 0, warm = 0] = pool.pids();
    const cpuMsOf = (pid: number) => lookAt(pid)?.cpuMs ?? 0;
    const before = cpuMsOf(warm);
    process.kill(worker, 'SIGKILL');
    const control = new AbortController();
    const looping = pool.run({ kernel: await guest(), input: inputOf(DO.loop, 1) }, { signal: control.signal });
    await expect.poll(() => cpuMsOf(warm) - before, { timeout: 30_000 }).toBeGreaterThan(300);
    expect(pool.pids()).not.toContain(worker);
    control.abort();
    await expect(looping).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await pool.close();
  });

  test('is stopped, tasks finish in the next one', async () => {
    const pool = await open({ threads: 1 });
    const kernel = await guest();
    const control = new AbortController();
    const looping = pool.run({ kernel, input: inputOf(DO.loop, 1) }, { signal: control.signal });
    const waiting = pool.run({ kernel, input: inputOf(DO.echo, 2), limits: { wallMsMax: 100_000 } });
    await sleep(200);
    process.kill(workerOf(pool), 'SIGSTOP');
    await expect.poll(() => pool.stats().threadRestarts, { timeout: 30_000 }).toBe(1);
    control.abort();
    await expect(looping).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(await waiting).toMatchObject({ state: 'done', receipt: { attempts: 2 } });
    await pool.close();
  });

  test('dies again and again with a kernel, that one is at fault, once it was alone, and no other', async () => {
    const pool = await open({ threads: 2 });
    const kernel = await guest();
    const guilty = pool.run({ kernel, input: inputOf(DO.loop, 1) });
    const innocent = Array.from({ length: 20 }, (_, mark) => pool.run({ kernel, input: inputOf(DO.echo, mark) }));
    const ended = guilty.then(() => true);
    // Whatever cell has it dies, as if it were its doing.
    for (let isOver = false; !isOver; isOver = await Promise.race([ended, sleep(100).then(() => false)])) {
      const { running, waiting } = pool.stats();
      if (running === 1 && waiting === 0) signalAll(pool, 'SIGKILL');
    }
    expect(await guilty).toMatchObject({
      state: 'failed',
      code: 'ERR_CELL_ENDED',
      fault: 'job',
      message: 'the kernel was alone in its cell, and the cell ended: it was killed by SIGKILL',
      receipt: { attempts: 3 },
    });
    for (const outcome of await Promise.all(innocent)) expect(outcome.state).toBe('done');
    expect(await pool.run({ kernel, input: inputOf(DO.echo, 9) })).toMatchObject({ state: 'done' });
    await pool.close();
  });

  test('is killed, a stepper in it goes on from its last image, and comes to the end that it would have come to', async () => {
    const walk = await admit((await builtKernel('walk')).wasm);
    const grants = [{ kind: 'log' as const }, { kind: 'random' as const }];
    const limits = { memoryBytesMax: 60 * 65_536 };
    const task = { kernel: walk, input: new Uint8Array(Uint32Array.of(20_000).buffer), grants, limits, seed: 3 };
    const pool = await open({ threads: 1 });
    const expected = await pool.run(task);
    const steps: number[] = [];
    let killedAt = 0;
    const onImage = ({ step }: ImageNotice) => {
      if (steps.push(step) !== 2) return;
      killedAt = step;
      process.kill(workerOf(pool), 'SIGKILL');
    };
    const starts: number[] = [];
    const onProgress = ({ step }: StepProgress) => {
      if (killedAt > 0 && pool.stats().threadRestarts === 1) starts.push(step);
    };
    const outcome = await pool.run(task, {
      checkpoint: { store: memoryStore(), everyFuel: 5_000_000, onImage },
      onProgress,
    });
    expect(outcome).toMatchObject({ state: 'done', log: expected.log, receipt: { fuel: expected.receipt.fuel } });
    expect(outcome.receipt).toMatchObject({ attempts: 2, isolation: pool.isolation });
    expect(Buffer.from(outcome.state === 'done' ? outcome.output : [])).toEqual(
      Buffer.from(expected.state === 'done' ? expected.output : []),
    );
    expect(starts[0]).toBeGreaterThan(killedAt);
    await pool.close();
  });

  test('ends while nothing runs, the pool starts another and goes on', async () => {
    const pool = await open();
    const kernel = await guest();
    signalAll(pool, 'SIGKILL');
    expect(await pool.run({ kernel, input: inputOf(DO.echo, 9) })).toMatchObject({ state: 'done' });
    await pool.close();
  });

  test('is closed, no process of it is left', async () => {
    const pool = await open();
    const pids = pool.pids();
    expect(pids.length).toBeGreaterThan(0);
    await pool.close();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe.runIf(process.platform === 'linux')('a kernel that takes more memory than its cell may hold', () => {
  test('does not get it, the machine is not at fault for long, and other tasks go on', async () => {
    const hungry = await admit(hog(1_024));
    const kernel = await guest();
    const pool = await open({ threads: 1, cellMemoryBytesMax: 512 * 2 ** 20 });
    const outcome = await pool.run({ kernel: hungry, input: new Uint8Array(1), limits: { memoryBytesMax: 2 ** 32 } });
    expect(outcome.state).toBe('failed');
    expect(['ERR_HOST_MEMORY', 'ERR_CELL_ENDED']).toContain(outcome.state === 'failed' && outcome.code);
    expect(await pool.run({ kernel, input: inputOf(DO.echo, 9) })).toMatchObject({ state: 'done' });
    await pool.close();
  });
});

test('a pool that insists on the floor starts where there is a jail, and says what is missing where there is none', async () => {
  const starting = open({ strict: 'floor' });
  if (hasJail) {
    const pool = await starting;
    expect(pool.isolation).toEqual(expect.arrayContaining(['landlock', 'seccomp', 'lock']));
    await pool.close();
  } else await expect(starting).rejects.toMatchObject({ code: 'ERR_ISOLATION_MISSING' });
});
