// How fast hosts are: by what their results show, whatever they say.
import { expect, test } from 'vitest';
import { type Came, createSpeed, type Speed } from '../../host/coordinator/speed.ts';

const CLAIMED = 1e12;
const FUEL = 1e9;

/** Results of a job of which the host has brought some already, each of a second's work for 1e9 fuel a second. */
function speedOf(...came: Partial<Came>[]): number {
  const speed: Speed = createSpeed();
  for (const each of [{ fuels: [] }, ...came])
    speed.count({ job: 'j', since: 0, now: 0, threads: 1, fuels: [FUEL], ...each });
  return speed.of(CLAIMED);
}

test('a host is as fast as it says until a second of its work has been seen, and then as its results show', () => {
  expect(speedOf()).toBe(CLAIMED);
  expect(speedOf({ now: 900 })).toBe(CLAIMED);
  expect(speedOf({ now: 1_000 })).toBe(1e9);
  expect(speedOf({ now: 1_000 }, { since: 1_000, now: 1_500 })).toBeCloseTo(1.35e9, -8);
});

test('a host that has become slower is soon known to be', () => {
  const slow = Array.from({ length: 5 }, (_, at) => ({ since: 1_000 + at * 10_000, now: 11_000 + at * 10_000 }));
  expect(speedOf({ now: 1_000 }, ...slow)).toBeLessThan(1.3e8);
});

test.each<[string, Partial<Came>[]]>([
  ['that run at a time take the time of one', [{ threads: 2, fuels: [FUEL, FUEL], now: 1_000 }]],
  ['that come together took it one after the other', [{ fuels: [FUEL, FUEL, FUEL], now: 3_000 }]],
  ['that were leased ahead begin when the thread is free', [{ now: 1_000 }, { now: 2_000 }]],
  [
    'of more threads than brought anything before',
    [{ now: 1_000 }, { since: 1_000, now: 2_000, threads: 2, fuels: [FUEL, FUEL] }],
  ],
  ['whose work nobody knows count for nothing', [{ now: 1_000 }, { since: 1_000, now: 9_000, fuels: [null] }]],
])('results %s', (_, came) => {
  expect(speedOf(...came)).toBe(1e9);
});

test('the first results of a job, for which its kernel is fetched, tell nothing', () => {
  expect(speedOf({ job: 'other', now: 60_000 })).toBe(CLAIMED);
  expect(speedOf({ job: 'other', now: 60_000 }, { job: 'other', since: 60_000, now: 61_000 })).toBe(1e9);
});
