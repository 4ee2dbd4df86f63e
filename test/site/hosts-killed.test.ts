// Hosts that are killed at random moments of a job: nothing is lost, nothing comes twice.
import { expect, test } from 'vitest';
import { createDice } from '../fuzz/dice.ts';
import { hostsKilled } from './hosts-killed.ts';

test('each of 2,000 tasks is told once, in order and right, and paid for once, though hosts in processes of their own are killed five times', async () => {
  const dice = createDice(11);
  expect(await hostsKilled({ tasks: 2_000, kills: 5, random: () => dice.bits() / 2 ** 32 })).toEqual([]);
}, 180_000);
