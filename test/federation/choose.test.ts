// Which sites get how many tasks of a job: who is refused and in what words, and shares that end together.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choose, refusalOfSite, type SiteView, type Wanted } from '../../host/federation/choose.ts';
import { freeFuelPerSecond, type SiteRecord } from '../../host/federation/record.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';

const OPEN_POLICY = parsePolicy({ version: 1, grants: [{ kind: 'log' }] });

const WANTED: Wanted = {
  tasks: 1_000,
  fuelPerTask: 1e9,
  bytesPerTask: 0,
  deadline: null,
  confidence: 0.999,
  deterministic: true,
  memoryBytes: 2 ** 20,
  grants: [],
  isolation: [],
  sites: {},
};

const record = (name: string, change: Partial<SiteRecord> = {}): SiteRecord => ({
  version: 1,
  name,
  key: 'ab'.repeat(32),
  url: null,
  hosts: 10,
  threads: 10,
  fuelPerSecond: 10e9,
  queuedFuel: 0,
  price: 1,
  deadlineMs: 60_000,
  confidence: 0.999,
  policy: OPEN_POLICY,
  isolation: [],
  ...change,
});

const site = (name: string, change: Partial<SiteRecord> = {}, seen: Partial<SiteView> = {}): SiteView => ({
  record: record(name, change),
  home: false,
  ageMs: 1_000,
  delayMs: 0,
  linkBytesPerSecond: null,
  held: 0,
  checks: 1_000,
  banned: false,
  ...seen,
});
const home = (change: Partial<SiteRecord> = {}) => site('home', change, { home: true });
const shares = (wanted: Partial<Wanted>, sites: readonly SiteView[]) =>
  Object.fromEntries(choose({ ...WANTED, ...wanted }, sites, 0).map(({ site: name, tasks }) => [name, tasks]));

describe('a site is refused in words', () => {
  test.each<[string, Partial<Wanted>, SiteView]>([
    ['is banned: it gave a wrong result, or an operator banned it', {}, site('a', {}, { banned: true })],
    ['is left out by name', { sites: { not: ['a'] } }, site('a')],
    ['is none of those that the job names', { sites: { only: ['b'] } }, site('a')],
    ['has been silent for 1 min 1 s', {}, site('a', {}, { ageMs: 61_000 })],
    ['asks 2 for 10^9 fuel, the job pays 1', { sites: { priceMax: 1 } }, site('a', { price: 2 })],
    ['is another site, and the job is for hosts that this one trusts', { confidence: 'trusted' }, site('a')],
    ['is another site, and the job is for hosts that this one trusts', { deterministic: false }, site('a')],
    ['can be sure of results to 0.5, the job asks for 0.99', { confidence: 0.99 }, site('a', { confidence: 0.5 })],
    [
      'does not allow the grant "log"',
      { grants: [{ kind: 'log' }] },
      site('a', { policy: { ...OPEN_POLICY, grants: [] } }),
    ],
    [
      'allows tasks 1 MiB, a task needs 2 MiB',
      { memoryBytes: 2 ** 21 },
      site('a', { policy: { ...OPEN_POLICY, limits: { ...OPEN_POLICY.limits, memoryBytesMax: 2 ** 20 } } }),
    ],
    ['lacks isolation: network', { isolation: ['network'] }, site('a')],
    ['has no host that works', {}, site('a', { fuelPerSecond: 0 })],
    ['gives work back within 1 min 0 s, the deadline is in 30 s', { deadline: 30_000 }, site('a')],
  ])('%s', (words, wanted, asked) => {
    expect(refusalOfSite({ ...WANTED, ...wanted }, asked, 0)).toBe(words);
    expect(refusalOfSite(WANTED, site('a'), 0)).toBeUndefined();
  });

  test('and the site that asks is refused for nothing that concerns others only', () => {
    const asks = { sites: { priceMax: 0 }, confidence: 'trusted', deterministic: false, deadline: 1 } as const;
    expect(refusalOfSite({ ...WANTED, ...asks }, home({ fuelPerSecond: 0 }), 0)).toBeUndefined();
  });
});

describe('work is shared out', () => {
  test('not at all while the site that asks can do it soon', () => {
    expect(shares({ tasks: 600 }, [home(), site('fast', { fuelPerSecond: 1e12 })])).toEqual({ home: 600 });
  });

  test('beyond that so that all end together', () => {
    // 60 s at home are 600 tasks, which another ten times as fast has done in 6 s; the rest ends when both are at one level.
    expect(shares({ tasks: 12_600 }, [home(), site('fast', { fuelPerSecond: 100e9 })])).toEqual({
      home: 1_145,
      fast: 11_455,
    });
  });

  test('less of it to a site with a queue, with a slow link, or that nobody knows yet', () => {
    const idle = site('idle');
    expect(shares({}, [idle, site('busy', { queuedFuel: 400e9 })])).toEqual({ idle: 700, busy: 300 });
    const far = site('far', {}, { linkBytesPerSecond: 1_000 });
    expect(shares({ bytesPerTask: 1_000 }, [idle, far])).toEqual({ idle: 909, far: 91 });
    expect(shares({}, [idle, site('new', {}, { checks: 0 })])).toEqual({ idle: 936, new: 64 });
    expect(shares({ tasks: 100 }, [site('new', {}, { checks: 0, held: 30 })])).toEqual({ new: 34 });
  });

  test('to the cheapest that are done by the deadline, and to all if not even they are', () => {
    const sites = [site('dear', { price: 9 }), site('cheap', { price: 1 }), site('middle', { price: 3 })];
    expect(shares({ deadline: 100_000 }, sites)).toEqual({ cheap: 1_000 });
    expect(shares({ deadline: 60_000, tasks: 1_200 }, sites)).toEqual({ cheap: 600, middle: 600 });
    expect(shares({ deadline: 60_000, tasks: 3_000 }, sites)).toEqual({ cheap: 1_000, middle: 1_000, dear: 1_000 });
  });

  test('in no crumbs: a small job goes to few sites', () => {
    const many = Array.from({ length: 100 }, (_, at) => site(`s${at}`));
    const given = Object.values(shares({ tasks: 100 }, many));
    expect(given.length).toBeLessThanOrEqual(7);
    expect(given.reduce((sum, tasks) => sum + tasks, 0)).toBe(100);
  });

  test('never more than there is, than a site may have, or to one that is refused', () => {
    const views = fc.array(
      fc.record({
        fuelPerSecond: fc.double({ min: 0, max: 1e13, noNaN: true }),
        queuedFuel: fc.double({ min: 0, max: 1e15, noNaN: true }),
        price: fc.nat(10),
        checks: fc.nat(100),
        held: fc.nat(10_000),
        banned: fc.boolean(),
        home: fc.boolean(),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(views, fc.nat(100_000), fc.option(fc.nat(1_000_000)), (given, tasks, deadline) => {
        const sites = given.map(({ fuelPerSecond, queuedFuel, price, ...seen }, at) =>
          site(`s${at}`, { fuelPerSecond, queuedFuel, price, deadlineMs: 1 }, { ...seen, home: seen.home && at === 0 }),
        );
        const wanted = { ...WANTED, tasks, deadline };
        const placed = choose(wanted, sites, 0);
        expect(placed.reduce((sum, share) => sum + share.tasks, 0)).toBeLessThanOrEqual(tasks);
        for (const { site: name, tasks: got } of placed) {
          const view = sites.find(({ record: { name: known } }) => known === name);
          if (!view) throw new Error('a share for nobody');
          expect(refusalOfSite(wanted, view, 0)).toBeUndefined();
          expect(Number.isSafeInteger(got) && got > 0).toBe(true);
          if (!view.home) expect(got).toBeLessThanOrEqual(Math.max(0, 64 * (1 + view.checks) - view.held));
        }
        expect(choose(wanted, sites, 0)).toEqual(placed);
      }),
    );
  });
});

test('free capacity is what a site can do beside its queue', () => {
  expect(freeFuelPerSecond(record('a'))).toBe(10e9);
  expect(freeFuelPerSecond(record('a', { queuedFuel: 300e9 }))).toBe(5e9);
  expect(freeFuelPerSecond(record('a', { queuedFuel: 1e15 }))).toBe(0);
});
