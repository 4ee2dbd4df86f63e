// The same with other moments each time, more shocks, and a link that is cut for half a minute.
import process from 'node:process';
import { expect } from 'vitest';
import { createDice } from '../fuzz/dice.ts';
import { natsTest } from './server.ts';
import { shaken } from './shaken.ts';

natsTest(
  'a job over three sites is whole after fifteen shocks and cuts of 30 s',
  async () => {
    const seed = Date.now();
    process.stderr.write(`fifteen shocks of three sites, seed ${seed}\n`);
    const { faults, ended } = await shaken({ tasks: 5_000, shocks: 15, cutMs: 30_000, dice: createDice(seed) });
    expect(faults).toEqual([]);
    expect(ended).toMatchObject({ state: 'done', counts: { done: 5_000 }, receipts: 5_000 });
  },
  1_800_000,
);
