// A site that is killed at random moments of a job: nothing is lost, nothing comes twice.
import { expect, test } from 'vitest';
import { createDice } from '../fuzz/dice.ts';
import { killed } from './killed.ts';

test('each of 2,000 tasks is told once, in order and right, though the site is killed five times; a second reader finds the same', async () => {
  const dice = createDice(7);
  expect(await killed({ tasks: 2_000, kills: 5, random: () => dice.bits() / 2 ** 32 })).toEqual([]);
}, 120_000);
