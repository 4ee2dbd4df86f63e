// A thousand tasks in a storm: every promise settles, with the right answer, and nothing leaks.
import { readdirSync } from 'node:fs';
import { createPool } from 'lodger/host';
import { expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { guest } from './guest.ts';
import { storm, wrong } from './storm.ts';

/** Threads of this process, as the system counts them. */
const threadCount = () => readdirSync('/proc/self/task').length;

test
  .runIf(process.platform === 'linux')
  .each([...ENGINE_NAMES.map((engine) => ({ engine, metered: true })), { engine: 'v8', metered: false } as const])(
  'a pool on $engine, metered: $metered, comes through aborts, loops and traps, and leaves no thread and no memory',
  async ({ engine, metered }) => {
    const kernel = await guest();
    let before = { threads: 0, rss: 0 };
    for (let round = 0; round < 2; round++) {
      const pool = await createPool({ engine, metered, threads: 2 });
      const fates = await storm(pool, kernel, 1_000, 0.01, 7 + round);
      expect(fates.map(wrong).filter((text) => text !== undefined)).toEqual([]);
      expect(pool.stats()).toMatchObject({ running: 0, waiting: 0 });
      if (metered) expect(pool.stats().threadRestarts).toBe(0);
      else expect(pool.stats().threadRestarts).toBeGreaterThan(5);
      await pool.close();
      // The first pool loads code and starts the process's own helpers; the second may not add to that.
      if (round === 0) before = { threads: threadCount(), rss: process.memoryUsage().rss };
    }
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(100 << 20);
    expect(threadCount()).toBeLessThanOrEqual(before.threads);
  },
);
