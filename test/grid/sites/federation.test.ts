// Many sites on a fake clock: work finds idle hosts wherever they are, links that are cut lose nothing, and little goes over them.
import { expect, test } from 'vitest';
import { simulateSites } from './command.ts';
import { type Federation, runFederation } from './federation.ts';

const SMALL: Federation = { seed: 7, sites: 40, hostsPerSite: 20, tasks: 8_000, askers: 3, cutShare: 0 };
const ideal = (asked: Federation) => runFederation({ ...asked, sites: 1, askers: 1, hostsPerSite: 800, cutShare: 0 });

test('jobs of three sites out of forty are done in little more time than at one site with all the hosts', () => {
  const score = runFederation(SMALL);
  expect(score.secondsMost / ideal(SMALL).secondsMost).toBeLessThan(1.2);
  expect(score.wasted).toBe(0);
  expect(score.wideShare).toBeGreaterThan(0);
  expect(score.wideShare).toBeLessThan(0.2);
});

test('with half of the sites cut off for a while no task is lost, and little is run again', () => {
  const score = runFederation({ ...SMALL, cutShare: 0.5 });
  expect(score.wasted).toBeGreaterThan(0);
  expect(score.wasted).toBeLessThan(0.15);
  expect(score.secondsMost / ideal(SMALL).secondsMost).toBeLessThan(2);
});

test('one seed gives one run, to the last figure, and another seed another one', () => {
  const asked = { ...SMALL, tasks: 1_000 };
  expect(runFederation(asked)).toEqual(runFederation(asked));
  expect(runFederation({ ...asked, seed: 8 })).not.toEqual(runFederation(asked));
});

test('the command prints both runs beside the ideal one, and the seed', () => {
  const args = ['--sites', '20', '--hosts', '5', '--tasks', '500', '--askers', '2', '--seed', '3'];
  const text = simulateSites(args) ?? '';
  for (const part of ['federation', 'no cut', 'one ideal site', 'seed 3']) expect(text).toContain(part);
  expect(JSON.parse(simulateSites([...args, '--json']) ?? '')).toMatchObject({ seed: 3, sites: 20 });
  expect(simulateSites(['--sites', '0'])).toBeUndefined();
  expect(simulateSites(['--nothing'])).toBeUndefined();
});
