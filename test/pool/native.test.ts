// Guests in native code: an abort stops the guest itself, so no thread goes on burning, and none has to be ended.
import { once } from 'node:events';
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import type { Kernel } from 'lodger';
import { createPool, type Pool } from 'lodger/host';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAddon } from '../../host/platform/native.ts';
import { burning, burnt } from './burning.ts';
import { cancels, STOPPED } from './cancels.ts';
import { DO, guest, inputOf } from './guest.ts';

const seen = test.runIf(process.platform === 'linux');

let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest();
});

/** Two threads of their own that have run a guest already: what they use of the processor from now on is used by guests. */
async function warm(pool: Pool): Promise<void> {
  await Promise.all([1, 2].map((mark) => pool.run({ kernel, input: inputOf(DO.burn, mark) })));
}

seen('a thread that burns is seen', async () => {
  const thread = new Worker('while (true);', { eval: true });
  await once(thread, 'online');
  await burnt(50);
  expect(await burning()).toBe(1);
  await thread.terminate();
});

describe.each(STOPPED)('on %s', (_, options) => {
  seen('an aborted guest burns no more of the processor', async () => {
    const pool = await createPool({ ...options, threads: 2 });
    await warm(pool);
    for (let round = 0; round < 5; round++) {
      const control = new AbortController();
      const tasks = [1, 2].map((mark) =>
        pool.run({ kernel, input: inputOf(DO.loop, mark) }, { signal: control.signal }),
      );
      const settled = Promise.allSettled(tasks);
      await burnt(30);
      control.abort();
      await settled;
    }
    expect(await burning()).toBe(0);
    expect(pool.stats().threadRestarts).toBe(0);
    await pool.close();
  });

  seen('close returns while a guest runs, and leaves nothing that burns', async () => {
    const pool = await createPool({ ...options, threads: 2 });
    await warm(pool);
    const tasks = [1, 2, 3].map((mark) => pool.run({ kernel, input: inputOf(DO.loop, mark) }));
    const settled = Promise.allSettled(tasks);
    await burnt(50);
    await pool.close('end');
    expect((await settled).map((each) => each.status === 'rejected' && each.reason.code)).toEqual(
      Array(3).fill('ERR_CLOSED'),
    );
    expect(await burning()).toBe(0);
  });

  test('cancels at random moments all settle, with the right receipts, and the pool works on', async () => {
    expect(await cancels(kernel, { options, count: 60, seed: 3 })).toEqual([]);
  });
});

describe.each(STOPPED.filter(([, { metered }]) => metered === false))('on %s', (_, options) => {
  async function aborted(pool: Pool): Promise<string> {
    const control = new AbortController();
    const task = pool.run({ kernel, input: inputOf(DO.loop, 1) }, { signal: control.signal });
    await burnt(30);
    control.abort();
    return task.then(
      ({ state }) => state,
      ({ code }) => code,
    );
  }

  test('the engine itself is told to stop a guest, and to forget it afterwards', async () => {
    const addon = loadAddon();
    const [cancel, forget] = [vi.spyOn(addon, 'cancel'), vi.spyOn(addon, 'forget')];
    const pool = await createPool({ ...options, threads: 1 });
    await pool.run({ kernel, input: inputOf(DO.burn, 0) });
    expect(cancel).not.toHaveBeenCalled();
    // One that comes before its guest is remembered, and answered with false.
    while (!cancel.mock.results.some(({ value }) => value)) expect(await aborted(pool)).toBe('ERR_ABORTED');
    expect(forget.mock.calls).toEqual(cancel.mock.calls);
    await pool.close();
    vi.restoreAllMocks();
  });

  seen('a guest that the engine does not stop in time loses its thread, and the pool works on', async () => {
    const addon = loadAddon();
    const deaf = vi.spyOn(addon, 'cancel').mockReturnValue(false);
    const pool = await createPool({ ...options, threads: 1 });
    await pool.run({ kernel, input: inputOf(DO.burn, 0) });
    while (deaf.mock.calls.length === 0) expect(await aborted(pool)).toBe('ERR_ABORTED');
    const [job = 0] = deaf.mock.calls[0] ?? [];
    vi.restoreAllMocks();
    expect(pool.stats().threadRestarts).toBe(1);
    expect(await pool.run({ kernel, input: inputOf(DO.echo, 1) })).toMatchObject({ state: 'done' });
    // That thread runs on in native code, where nothing else reaches it.
    expect(addon.cancel(job)).toBe(true);
    await pool.close();
    expect(await burning()).toBe(0);
  });
});
