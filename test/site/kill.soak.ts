// Thirty kills at other moments than those of the test.
import { expect, test } from 'vitest';
import { createDice } from '../fuzz/dice.ts';
import { hostsKilled } from './hosts-killed.ts';
import { killed } from './killed.ts';

test('each of 2,000 tasks is told once, in order and right, though the site is killed thirty times', async () => {
  const seed = Date.now();
  process.stderr.write(`30 kills of a site, seed ${seed}\n`);
  for (let round = 0; round < 6; round++) {
    const dice = createDice(seed + round);
    expect(await killed({ tasks: 2_000, kills: 5, random: () => dice.bits() / 2 ** 32 })).toEqual([]);
  }
});

test('each of 6,000 tasks is told once, in order and right, and paid for once, though its hosts are killed thirty times', async () => {
  const seed = Date.now();
  process.stderr.write(`30 kills of hosts, seed ${seed}\n`);
  const dice = createDice(seed);
  expect(await hostsKilled({ tasks: 6_000, kills: 30, random: () => dice.bits() / 2 ** 32 })).toEqual([]);
});
