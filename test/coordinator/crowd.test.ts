// Which hosts of a crowd do a job: few where its confidence takes many checks of each, and little those whom nobody answers for.
import { expect, test } from 'vitest';
import type { JobView } from '../../host/coordinator/contracts.ts';
import { type Crowd, leavesTo, OWNERS_MIN, seatsOf } from '../../host/coordinator/crowd.ts';
import { schedule } from '../../host/coordinator/schedule.ts';
import { BELIEF, checksFor } from '../../host/coordinator/trust.ts';
import { lodger } from '../grid/rules.ts';
import { simulate } from '../grid/simulate.ts';
import { hostView, jobView } from './views.ts';

const NOW = 1_000_000;
const FULL: Crowd = { hosts: 400, owners: 400, atIt: 100, ownersAtIt: 100, fuelPerSecond: 1e9 };
const SURE = { confidence: 0.9999, tasks: 40_000 } as const;

const why = (job: Partial<JobView>, host: Parameters<typeof hostView>[1] = {}, crowd: Partial<Crowd> = {}) =>
  leavesTo(jobView('j', job), hostView('h', host), { now: NOW, crowd: () => ({ ...FULL, ...crowd }) });

test('a job of high confidence is left to the hosts that are at it, and a new one is told so', () => {
  expect(why(SURE)).toContain('is new to this job, whose confidence of 0.9999');
  const moment = { now: NOW, used: () => 0, hosts: 400, crowd: () => FULL };
  expect(schedule([jobView('j', SURE)], hostView('h'), 4, moment)).toEqual([]);
  const atIt = hostView('h', { standing: { results: 1 } });
  expect(schedule([jobView('j', SURE)], atIt, 4, moment)).not.toEqual([]);
});

test.each<[string, Partial<JobView>, Parameters<typeof hostView>[1], Partial<Crowd>]>([
  ['the confidence is that of all jobs', { confidence: 0.999, tasks: 40_000 }, {}, {}],
  ['it is at it', SURE, { standing: { results: 1 } }, {}],
  ['it has passed enough checks in earlier jobs', SURE, { standing: { checksEver: 2 * checksFor(1e-4) } }, {}],
  ['it is trusted', SURE, { standing: { kind: 'trusted' } }, {}],
  ['it is another site', SURE, { owner: '@other' }, {}],
  ['too few are at it', SURE, {}, { atIt: 99 }],
  ['those that are at it have too few owners', SURE, {}, { ownersAtIt: OWNERS_MIN - 1 }],
  ['fewer hosts would not be checked more', { confidence: 0.9999, tasks: 400 }, {}, {}],
  ['those that are at it are too slow for the deadline', { ...SURE, deadline: NOW + 1_000, fuelPerTask: 1e6 }, {}, {}],
  ['nobody knows whether they are', { ...SURE, deadline: NOW + 1e9, fuelPerTask: null }, {}, {}],
])('a new host joins it where %s', (_name, job, host, crowd) => {
  expect(why(job, host, crowd)).toBeUndefined();
});

test('with a deadline that those at it will meet, no others join', () => {
  expect(why({ ...SURE, deadline: NOW + 3_000, fuelPerTask: 1e6 })).toContain('is new to this job');
});

test('the surer a job is to be the fewer do it, but a quarter of the hosts at least, and never too few owners', () => {
  const seats = (confidence: number, hosts = 1_000, tasks = 1_000_000) => seatsOf({ confidence, tasks }, hosts);
  expect(seats(0.999)).toBe(Number.POSITIVE_INFINITY);
  expect(seats(0.9995)).toBeGreaterThan(seats(0.9999));
  expect(seats(0.9999)).toBeGreaterThan(250);
  expect(seats(0.9999, 10_000)).toBe(2_500);
  expect(seats(0.9999, 10, 100_000)).toBeGreaterThanOrEqual(OWNERS_MIN);
});

const tab = { owner: 'anonymous', standing: { kind: 'anonymous' } } as const;
test.each([
  ['gets no more where it has run its share', BELIEF.anonymous, {}, 'nobody answers for'],
  ['gets work where it has not', BELIEF.anonymous / 2, {}, undefined],
  ['gets work where there are not enough others', 1, { owners: OWNERS_MIN - 1 }, undefined],
])('a host that nobody answers for %s', (_name, anonymous, crowd, words) => {
  const told = why({ anonymous }, tab, crowd);
  if (words === undefined) expect(told).toBeUndefined();
  else expect(told).toContain(words);
});

test('where a job needs it, few hosts with many tasks take far fewer runs than all of them with few', () => {
  const asked = { seed: 15, hosts: 200, tasks: 20_000, jobs: 1, wait: true, confidence: 0.9999 } as const;
  const [few] = simulate({ ...asked, rule: () => lodger() });
  const [all] = simulate({ ...asked, rule: () => lodger(), everybody: true });
  expect(few?.overhead).toBeLessThan(0.6 * (all?.overhead ?? 0));
  for (const score of [few, all]) expect(score?.wrong).toBeLessThanOrEqual(4);
});
