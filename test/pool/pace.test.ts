// A share of one core: what a thread sleeps for what it works, on clocks of the test's own, and what a pool makes of it.
import { admit } from 'lodger';
import { createPool } from 'lodger/host';
import { describe, expect, test } from 'vitest';
import { newControl, setShare } from '../../host/pool/control.ts';
import { createPace } from '../../host/pool/pace.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { answer, kernelOf } from '../wasm/kernel.ts';

/** A thread on a clock of its own; `waiting`: for so many ms of a core that others have, whenever it works. */
function thread(share: number, waiting = 0) {
  const control = newControl();
  setShare(control, share);
  const clock = { now: 0, cpu: 0, slept: 0 };
  const pace = createPace({
    now: () => clock.now,
    cpuMs: () => clock.cpu,
    sleep: (_, __, ms) => {
      // No system wakes anybody before time, and all of them a little later.
      clock.now += ms + 0.06;
      clock.slept += ms;
    },
  });
  pace.begin(control);
  return {
    clock,
    control,
    work: (ms: number) => {
      clock.cpu += ms;
      clock.now += ms + waiting;
      pace.rest(control);
    },
    idle: (ms: number) => {
      clock.now += ms;
      pace.begin(control);
    },
    share: () => clock.cpu / clock.now,
  };
}

describe('a pace', () => {
  test.each([0.05, 0.25, 0.5, 0.9])('of %s is kept within a hundredth, in pieces of any size', (share) => {
    for (const piece of [0.01, 0.3, 5, 40]) {
      const { work, share: kept } = thread(share);
      for (let done = 0; done < 1_000; done += piece) work(piece);
      expect(kept() / share).toBeGreaterThan(0.99);
      expect(kept() / share).toBeLessThan(1.01);
    }
  });

  test('counts waiting for a core as rest where CPU time is told', () => {
    const { work, clock } = thread(0.5, 5);
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
    expect(clock.slept).toBe(180);
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
