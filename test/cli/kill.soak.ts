// Fifty kills at other moments than those of the test.
import { expect, test } from 'vitest';
import { killOften } from './kill.ts';

test('a job of steppers that is killed fifty times loses no image, and ends with the same results', async () => {
  const seed = Date.now();
  const { resumed, jobs } = await killOften(50, seed);
  process.stderr.write(`50 kills, seed ${seed}: ${jobs} jobs, ${resumed} tasks went on from an image\n`);
  expect(resumed).toBeGreaterThan(5);
});
