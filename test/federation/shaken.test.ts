// One job over three sites, while sites, the server and a link fail.
import { expect } from 'vitest';
import { createDice } from '../fuzz/dice.ts';
import { natsTest } from './server.ts';
import { shaken } from './shaken.ts';

natsTest(
  '5,000 tasks are told once each, in order and right, though sites and the server are killed, a link is cut and a clock is off by an hour',
  async () => {
    const { faults, ended } = await shaken({ tasks: 5_000, shocks: 5, cutMs: 2_000, dice: createDice(11) });
    expect(faults).toEqual([]);
    expect(ended).toMatchObject({ state: 'done', counts: { done: 5_000 }, receipts: 5_000 });
    // It was a job of several sites: others have done some of it.
    expect(Object.values(ended.far).some((count) => count > 0)).toBe(true);
  },
  240_000,
);
