// Guests in native code: an abort stops the guest itself, so no thread goes on burning, and none has to be ended.
import type { Kernel } from 'lodger';
import { createPool } from 'lodger/host';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { cancels, cpuShareOver } from './cancels.ts';
import { DO, guest, inputOf } from './guest.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest();
});

describe.each(ENGINE_NAMES)('on %s', (engine) => {
  test('an aborted guest burns no more of the processor', async () => {
    const pool = await createPool({ engine, threads: 2 });
    for (let round = 0; round < 5; round++) {
      const control = new AbortController();
      const tasks = [1, 2].map((mark) =>
        pool.run({ kernel, input: inputOf(DO.loop, mark) }, { signal: control.signal }),
      );
      const settled = Promise.allSettled(tasks);
      await new Promise((resolve) => setTimeout(resolve, 30));
      control.abort();
      await settled;
    }
    // A thread that still ran would take a whole core.
    expect(await cpuShareOver(400)).toBeLessThan(0.8);
    await pool.close();
  });

  test('close returns while a guest runs, and leaves nothing that burns', async () => {
    const pool = await createPool({ engine, threads: 2 });
    const tasks = [1, 2, 3].map((mark) => pool.run({ kernel, input: inputOf(DO.loop, mark) }));
    const settled = Promise.allSettled(tasks);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await pool.close('end');
    expect((await settled).map((each) => each.status === 'rejected' && each.reason.code)).toEqual(
      Array(3).fill('ERR_CLOSED'),
    );
    expect(await cpuShareOver(400)).toBeLessThan(0.8);
  });

  test('cancels at random moments all settle, with the right receipts, and the pool works on', async () => {
    expect(await cancels(kernel, { engine, count: 60, seed: 3 })).toEqual([]);
  });
});
