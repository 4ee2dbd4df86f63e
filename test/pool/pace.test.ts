// A share of one core: what a thread sleeps for what it works, on clocks of the test's own, and what a pool makes of it.
import { admit } from 'lodger';
import { createPool } from 'lodger/host';
import { describe, expect, test } from 'vitest';
import { newControl, setShare } from '../../host/pool/control.ts';
import { createPace } from '../../host/pool/pace.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';

/** CPU time of a sleep. */
const WAKE_MS = 0.03;

/**
 * A thread on clocks of its own, which begins to be paced now. `waiting`: for so many ms of a core that others have, whenever it works;
 * `told`: whether anybody tells its CPU time.
 */
function thread(share: number, { waiting = 0, told = true } = {}) {
  const control = newControl();
  setShare(control, share);
  const clock = { now: 0, cpu: 0, slept: 0 };
  const pace = createPace({
    now: () => clock.now,
    ...(told && { cpuMs: () => clock.cpu }),
    sleep: (_, __, ms) => {
      // No system wakes anybody before time, and all of them a little later.
      clock.now += ms + 0.06 + WAKE_MS;
      clock.cpu += WAKE_MS;
      clock.slept += ms;
    },
  });
  const pass = (ms: number) => {
    clock.cpu += ms;
    clock.now += ms + waiting;
  };
  pace.begin(control);
  pace.rest(control);
  return {
    clock,
    control,
    /** What a task does until it is asked to rest. */
    work: (ms: number) => {
      pass(ms);
      pace.rest(control);
    },
    /** What is done for tasks. */
    pass,
    idle: (ms: number) => {
      pace.idle();
      clock.now += ms + WAKE_MS;
      clock.cpu += WAKE_MS;
      pace.busy();
    },
    share: () => clock.cpu / clock.now,
  };
}

const CLOCKS = [
  ['that is told the CPU time of its thread', { told: true, off: 0.01 }],
  // What waits take is guessed.
  ['that is told nothing but the time', { told: false, off: 0.08 }],
] as const;

describe('a pace', () => {
  describe.each(CLOCKS)('%s', (_, { told, off }) => {
    test.each([0.05, 0.25, 0.5, 0.9])('of %s is kept within a hundredth or so, in pieces of any size', (share) => {
      for (const piece of [0.01, 0.3, 5, 40]) {
        const { work, share: kept } = thread(share, { told });
        for (let done = 0; done < 1_000; done += piece) work(piece);
        expect(Math.abs(kept() / share - 1)).toBeLessThan(off);
      }
    });

    test.each([0.05, 0.25, 0.5])(
      'of %s is kept where most work is done for tasks, between waits for the next ones',
      (share) => {
        const { work, pass, idle, share: kept } = thread(share, { told });
        for (let batch = 0; batch < 2_000; batch++) {
          for (let task = 0; task < 8; task++) work(0.005);
          // A report is packed and sent, the next batch awaited and read.
          pass(0.05);
          idle(0.04);
          pass(0.03);
        }
        expect(Math.abs(kept() / share - 1)).toBeLessThan(off);
      },
    );
  });

  test('of a small share does not use it up by going to sleep and waking', () => {
    const { work, clock } = thread(0.05);
    for (let done = 0; done < 1_000; done += 0.01) work(0.01);
    // Some 1,000 sleeps, 3 % of the share.
    expect(clock.cpu).toBeLessThan(1_035);
  });

  test('makes up for a piece that was far too long, whatever came in between', () => {
    const { work, pass, idle, share: kept } = thread(0.1);
    pass(300);
    idle(1);
    for (let done = 0; done < 300; done++) work(1);
    expect(Math.abs(kept() / 0.1 - 1)).toBeLessThan(0.01);
  });

  test('counts waiting for a core as rest where CPU time is told', () => {
    const { work, clock } = thread(0.5, { waiting: 5 });
    for (let slice = 0; slice < 100; slice++) work(5);
    expect(clock.slept).toBe(0);
  });

  test('lets a thread that waited for work catch up, but not for long', () => {
    const { work, idle, clock } = thread(0.5);
    idle(10);
    work(10);
    expect(clock.slept).toBe(0);
    idle(10_000);
    work(200);
    // But for what to wait takes.
    expect(clock.slept).toBeCloseTo(180, 0);
  });

  test('that changes is kept from then on: what was done before is not reckoned with', () => {
    const { control, work, clock } = thread(1);
    for (let slice = 0; slice < 1_000; slice++) work(5);
    setShare(control, 0.1);
    work(5);
    expect(clock.slept).toBe(0);
    work(5);
    expect(clock.slept).toBe(45);
    setShare(control, 0.5);
    work(5);
    work(5);
    expect(clock.slept).toBe(50);
  });

  test('of a whole core never sleeps', () => {
    const { work, clock } = thread(1);
    for (let slice = 0; slice < 100; slice++) work(5);
    expect(clock.slept).toBe(0);
  });
});

const ENDLESS = kernelOf({ run: { code: 'loop br 0 end unreachable' } });

describe.each(ENGINE_NAMES)('a pool on %s', (engine) => {
  test('refuses shares that are none, and any where nothing asks for fuel', async () => {
    for (const cpuShare of [0, 0.04, 1.01, Number.NaN, '1']) {
      await expect(createPool({ engine, cpuShare: cpuShare as number })).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: expect.stringContaining('option "cpuShare" must be'),
      });
    }
    await expect(createPool({ engine, cpuShare: 0.5, metered: false })).rejects.toMatchObject({
      code: 'ERR_LIMIT_UNENFORCED',
    });
  });

  test('a task that sleeps hears at once that it is not wanted, and of another share', async () => {
    const pool = await createPool({ engine, threads: 1, cpuShare: 0.05 });
    const kernel = await admit(ENDLESS);
    const control = new AbortController();
    const aborted = pool.run({ kernel, input: Uint8Array.of(1) }, { signal: control.signal });
    setTimeout(() => control.abort(), 50);
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(() => pool.setCpuShare(0)).toThrow('option "cpuShare" must be at least 0.05');
    pool.setCpuShare(1);
    const echo = await admit(kernelOf({ run: { code: answer(0, 'local.get 0', 'local.get 1') } }));
    expect(await pool.run({ kernel: echo, input: Uint8Array.of(7) })).toMatchObject({ state: 'done' });
    expect(pool.stats().threadRestarts).toBe(0);
    await pool.close();
  });
});
