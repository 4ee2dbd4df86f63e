// Twenty storms in one process: neither threads nor memory may grow from one to the next.
import { readdirSync } from 'node:fs';
import { createPool } from 'lodger/host';
import { expect, test } from 'vitest';
import { guest } from './guest.ts';
import { storm, wrong } from './storm.ts';

const ROUNDS = 20;
const SETTLED = 5;

test.runIf(process.platform === 'linux')('twenty storms of 2,000 tasks leave no thread and no memory', async () => {
  const kernel = await guest();
  const seen: { threads: number; rss: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const pool = await createPool({ threads: 2 });
    const fates = await storm(pool, kernel, 2_000, 0.01, 100 + round);
    expect(fates.map(wrong).filter((text) => text !== undefined)).toEqual([]);
    expect(pool.stats()).toMatchObject({ running: 0, waiting: 0 });
    await pool.close();
    seen.push({ threads: readdirSync('/proc/self/task').length, rss: process.memoryUsage().rss });
  }
  // The first rounds load code and start the process's own helpers; allocators keep what they got, so the last is held against those.
  const early = seen.slice(0, SETTLED);
  const last = seen.at(-1);
  expect(last?.threads).toBeLessThanOrEqual(Math.max(...early.map(({ threads }) => threads)));
  expect(last?.rss).toBeLessThan(Math.max(...early.map(({ rss }) => rss)) + (100 << 20));
});
