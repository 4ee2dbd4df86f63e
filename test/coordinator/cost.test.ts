// What a job would cost, told before it starts, against what the simulated grid then takes.
import { expect, test } from 'vitest';
import { type Costing, costOf } from '../../host/coordinator/cost.ts';
import { lodger } from '../grid/rules.ts';
import { simulate } from '../grid/simulate.ts';

const COSTING: Costing = {
  ...{
    tasks: 10_000,
    confidence: 0.999,
    wait: true,
    deterministic: true,
    trusted: 0,
    known: 95,
    anonymous: 5,
    checksEver: 0,
    parts: 1,
  },
};
const overhead = (change: Partial<Costing>) => costOf({ ...COSTING, ...change }).runs / COSTING.tasks - 1;

test.each([
  { confidence: 0.999, parts: 1, wait: true, near: 0.05 },
  { confidence: 0.999999, parts: 1, wait: true, near: 0.25 },
  { confidence: 0.999, parts: 16, wait: true, near: 0.03 },
  { confidence: 0.999, parts: 16, wait: false, near: 0.03 },
  { confidence: 0.999999, parts: 16, wait: true, near: 0.1 },
])('the estimate is near what the simulated job takes: %o', ({ confidence, parts, wait, near }) => {
  const asked = { seed: 15, hosts: 100, tasks: 10_000, jobs: 1, rule: () => lodger() };
  const [score] = simulate({ ...asked, confidence, parts, wait });
  expect(Math.abs(overhead({ confidence, parts, wait }) - (score?.overhead ?? 0))).toBeLessThan(near);
});

test('a stepper whose results can be checked in parts costs less at once than one whose results cannot', () => {
  expect(overhead({ wait: false, parts: 16 })).toBeLessThan(overhead({ wait: false, parts: 1 }));
  expect(costOf({ ...COSTING, parts: 16 }).why).toContain('of the work is done once more');
});

test.each<[string, Partial<Costing>, number, string]>([
  ['trusted', { confidence: 'trusted', trusted: 1 }, 0, 'trusted hosts alone'],
  ['trusted without a trusted host', { confidence: 'trusted' }, 0, 'no trusted host is connected'],
  ['non-deterministic', { deterministic: false, trusted: 1 }, 0, 'trusted hosts alone'],
  ['on a fresh site with its own host', { trusted: 1, known: 0, anonymous: 0 }, 0, 'only trusted hosts'],
])('a job that is %s runs each task once, or says what it lacks', (_name, change, more, words) => {
  expect(overhead(change)).toBe(more);
  expect(costOf({ ...COSTING, ...change }).why).toContain(words);
});

test('certainty at once costs more than certainty at the end, and more sureness more runs', () => {
  expect(overhead({ wait: false })).toBeGreaterThan(overhead({}));
  expect(overhead({ confidence: 0.99999 })).toBeGreaterThan(overhead({}));
  expect(overhead({ confidence: 0.999999, wait: false })).toBeGreaterThan(1.9);
});

test('one owner alone is told that a second one has to come', () => {
  expect(costOf({ ...COSTING, known: 1, anonymous: 0 }).why).toContain('a second owner or a trusted host');
});
