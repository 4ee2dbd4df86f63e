// A thousand tasks in a storm: every promise settles, with the right answer, and nothing leaks.
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Kernel } from 'lodger';
import { createPool, type Pool } from 'lodger/host';
import { expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { DO, guest, inputs, markOf } from './guest.ts';
import { storm, wrong } from './storm.ts';

setFlagsFromString('--expose-gc');
/** Bytes of this process, without what only waits to be collected. */
const memoryBytes = () => {
  runInNewContext('gc')();
  return process.memoryUsage().rss;
};

/** Threads of this process, as the system counts them. */
const threadCount = () => readdirSync('/proc/self/task').length;

/** What a map gives beside a storm: its marks as they come, and the codes of those that trap. */
async function inOrder(pool: Pool, kernel: Kernel): Promise<(number | string)[]> {
  const marks: (number | string)[] = [];
  const job = { kernel, inputs: inputs(300, (mark) => (mark % 50 === 49 ? DO.trap : DO.echo)) };
  for await (const outcome of pool.map(job))
    marks.push(outcome.state === 'done' ? markOf(outcome.output) : outcome.code);
  return marks;
}

test
  .runIf(process.platform === 'linux')
  .each([...ENGINE_NAMES.map((engine) => ({ engine, metered: true })), { engine: 'v8', metered: false } as const])(
  'a pool on $engine, metered: $metered, comes through aborts, loops and traps, and leaves no thread and no memory',
  async ({ engine, metered }) => {
    const kernel = await guest();
    const once = async (round: number) => {
      const pool = await createPool({ engine, metered, threads: 2 });
      const [fates, marks] = await Promise.all([storm(pool, kernel, 1_000, 0.01, 7 + round), inOrder(pool, kernel)]);
      expect(marks).toEqual(Array.from({ length: 300 }, (_, mark) => (mark % 50 === 49 ? 'ERR_TRAP' : mark)));
      expect(fates.map(wrong).filter((text) => text !== undefined)).toEqual([]);
      expect(pool.stats()).toMatchObject({ running: 0, waiting: 0 });
      if (metered) expect(pool.stats().threadRestarts).toBe(0);
      else expect(pool.stats().threadRestarts).toBeGreaterThan(5);
      await pool.close();
    };
    // The first pools load code, start the process's own helpers and fill what allocators keep; the last may not add to that.
    await once(0);
    await once(1);
    const before = { threads: threadCount(), rss: memoryBytes() };
    await once(2);
    // What was collected is given back a little later.
    await expect.poll(() => memoryBytes() - before.rss, { timeout: 20_000, interval: 200 }).toBeLessThan(100 << 20);
    expect(threadCount()).toBeLessThanOrEqual(before.threads);
  },
);
