// A job that is killed and killed again ends as if nothing had been.
import { expect, test } from 'vitest';
import { killOften } from './kill.ts';

test('a job of steppers that is killed ten times loses no image, and ends with the same results', async () => {
  const { resumed } = await killOften(10, 20_251_125);
  expect(resumed).toBeGreaterThan(0);
}, 300_000);
