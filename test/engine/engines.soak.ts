// Two engines in one process, for long: traps of both in turn, threads that come and go with the addon loaded, cancels at any moment.
import { expect, test } from 'vitest';
import { cancels, STOPPED } from '../pool/cancels.ts';
import { guest } from '../pool/guest.ts';
import { caught, restarts, traps } from './threads.ts';

test('10,000 traps and answers in two threads are each caught by their own engine', async () => {
  expect(await traps(10_000)).toEqual(caught(10_000));
});

test.each(['main thread first', 'other threads first'])('500 starts and ends of threads, %s', async (order) => {
  expect(await restarts(order, 250)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
});

test.each(STOPPED)('1,000 cancels at random moments on %s all settle, with the right receipts', async (_, options) => {
  expect(await cancels(await guest(), { options, count: 1_000, seed: 11 })).toEqual([]);
});
