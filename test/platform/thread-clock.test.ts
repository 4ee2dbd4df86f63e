// A thread's CPU time, also in a Node that does not tell it.
import process from 'node:process';
import { expect, test } from 'vitest';
import { threadCpuMs } from '../../host/platform/thread-clock.ts';

test('CPU time of a thread passes while it works, not while it sleeps, and nobody is warned of how it is told', async () => {
  const warned: unknown[] = [];
  process.on('warning', (warning) => warned.push(warning));
  const from = threadCpuMs() as number;
  for (const until = performance.now() + 20; performance.now() < until; );
  const worked = (threadCpuMs() as number) - from;
  expect(worked).toBeGreaterThan(0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  expect((threadCpuMs() as number) - from - worked).toBeLessThan(100);
  // Warnings come a moment later.
  await new Promise((resolve) => setImmediate(resolve));
  expect(warned).toEqual([]);
});
