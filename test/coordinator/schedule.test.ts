// Who gets what, from facts alone.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostView, JobView, Range } from '../../host/coordinator/contracts.ts';
import { refusal } from '../../host/coordinator/fits.ts';
import { take } from '../../host/coordinator/open.ts';
import { inTurn, schedule } from '../../host/coordinator/schedule.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { hostView, jobView } from './views.ts';

const NOW = 1_000_000;
const NOBODY = { hosts: 0, owners: 0, atIt: 0, ownersAtIt: 0, fuelPerSecond: 0 };
const moment = { now: NOW, used: () => 0, hosts: 1, crowd: () => NOBODY };
const given = (jobs: readonly JobView[], host: HostView, slots = 4) => schedule(jobs, host, slots, moment)[0]?.job;
const check = (task: number, not: readonly string[], trusted = false): Range => ({
  ...{ from: task, to: task + 1, not, check: true, trusted },
});

test.each<[string, Partial<JobView>, Parameters<typeof hostView>[1], string]>([
  ['banned', {}, { standing: { banned: true } }, 'is banned'],
  ['not trusted', { confidence: 'trusted' }, {}, 'for trusted hosts only'],
  ['not trusted', { deterministic: false }, {}, 'cannot be compared'],
  ['left out', { requirements: { notHosts: ['h'] } }, {}, 'left out by name'],
  ['not named', { requirements: { hosts: ['x'] } }, {}, 'none of those'],
  ['a tab', { requirements: { kind: 'node' } }, { attributes: { kind: 'tab' } }, 'is a tab'],
  ['without the engine', { requirements: { engine: 'wasmtime' } }, {}, 'has no wasmtime'],
  ['without walls', { requirements: { isolation: ['landlock'] } }, {}, 'lacks isolation: landlock'],
  ['too small', { memoryBytes: 2 ** 31 }, {}, 'lends 1 GiB'],
  ['strict', { grants: [{ kind: 'clock' }] }, {}, 'does not allow the grant "clock"'],
  ['choosy', {}, { attributes: { kernels: { refused: ['k'] } } }, 'does not take this kernel'],
  ['choosy', {}, { attributes: { accounts: { allowed: ['bob'], refused: [] } } }, 'account "alice"'],
  [
    'dear',
    { requirements: { priceMax: 1 } },
    { attributes: { priceFloor: 2 } },
    'wants 2 for 10^9 fuel, the job pays 1',
  ],
  ['without threads', {}, { attributes: { threads: 0 } }, 'lends no thread'],
  ['late', { deadline: NOW }, {}, 'deadline of the job has passed'],
  ['slow', { deadline: NOW + 1_000, fuelPerTask: 2e9 }, {}, 'is too slow: a task takes it 2 s'],
  [
    'narrow',
    { memoryBytes: 2 ** 29 },
    { attributes: { policy: parsePolicy({ version: 1, limits: { memoryBytesMax: 2 ** 20 } }) } },
    'allows tasks 1 MiB',
  ],
])('a host that is %s gets nothing of a job it does not fit, and is told why', (_name, job, host, words) => {
  const [asked, view] = [jobView('j', job), hostView('h', host)];
  expect(refusal(asked, view, NOW)).toContain(words);
  expect(schedule([asked], view, 4, moment)).toEqual([]);
});

test('of two accounts the one that used less gets the host, whatever the other one sets as priority', () => {
  const jobs = [jobView('a', { priority: 100 }), jobView('b', { account: 'bob' })];
  const used = (account: string) => (account === 'alice' ? 1_000 : 10);
  expect(schedule(jobs, hostView('h'), 4, { ...moment, used })[0]?.job).toBe('b');
});

test.each<[string, Partial<JobView>, Partial<JobView>]>([
  ['the higher priority', { priority: 1 }, { priority: 2 }],
  ['the deadline that comes first', { deadline: NOW + 9e6 }, { deadline: NOW + 8e6 }],
  ['a deadline at all', {}, { deadline: NOW + 9e6 }],
  ['the kernel that the host has', { kernel: 'x' }, { kernel: 'held' }],
  ['the one that waits longer', { submitted: 2 }, { submitted: 1 }],
])("of an account's jobs goes first: %s", (_name, worse, better) => {
  const host = hostView('h', { holds: ['held'] });
  const jobs = [jobView('a', worse), jobView('b', better)];
  expect(given(jobs, host)).toBe('b');
  expect(given(jobs.toReversed(), host)).toBe('b');
});

test('a newcomer checks others first, an established host takes what nobody has run', () => {
  const job = jobView('j', { open: [{ from: 0, to: 9, not: [], check: false, trusted: false }, check(20, ['x'])] });
  const established = hostView('e', { standing: { checks: 50, checksEver: 50, results: 100 } });
  expect(schedule([job], hostView('n'), 1, moment)).toEqual([{ job: 'j', range: 1, from: 20, to: 21 }]);
  expect(schedule([job], established, 1, moment)).toEqual([{ job: 'j', range: 0, from: 0, to: 1 }]);
});

test('what only a trusted host can settle is kept for one, which does that first', () => {
  const job = jobView('j', {
    open: [{ from: 0, to: 9, not: [], check: false, trusted: false }, check(20, ['x'], true)],
  });
  expect(schedule([{ ...job, open: job.open.slice(1) }], hostView('h'), 1, moment)).toEqual([]);
  expect(schedule([job], hostView('own', { standing: { kind: 'trusted' } }), 1, moment)[0]?.from).toBe(20);
});

test('a batch takes its host no longer than ten seconds a thread, and leaves some for the other hosts', () => {
  const size = (change: Partial<JobView>, hosts: number) =>
    schedule([jobView('j', change)], hostView('h'), 64, { ...moment, hosts }).reduce(
      (sum, { from, to }) => sum + to - from,
      0,
    );
  expect(size({}, 1)).toBe(64);
  expect(size({ fuelPerTask: 2e9 }, 1)).toBe(10);
  expect(size({ fuelPerTask: 1e12 }, 1)).toBe(1);
  expect(size({}, 100)).toBe(10);
});

test('of hosts that wait those with nothing to do are served first, of these the fastest, of equally fast ones who came first', () => {
  const waiting = [hostView('slow', { attributes: { fuelPerSecond: 1e8 } }), hostView('a'), hostView('b')];
  waiting.push(
    hostView('unknown', { attributes: { fuelPerSecond: 0 } }),
    hostView('c', { attributes: { fuelPerSecond: 1.01e9 } }),
  );
  const turns = (busy: readonly string[]) =>
    inTurn(waiting, ({ id, attributes: { fuelPerSecond } }) => ({ busy: busy.includes(id), fuelPerSecond }));
  expect(turns([]).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'slow', 'unknown']);
  expect(turns(['a', 'slow']).map(({ id }) => id)).toEqual(['b', 'c', 'unknown', 'a', 'slow']);
});

test('no plan gives an owner a task that it has run, takes more than is open, or changes with the order of the jobs', () => {
  const owners = ['a', 'b', 'c'];
  const ranges = fc
    .array(fc.record({ size: fc.integer({ min: 1, max: 5 }), not: fc.uniqueArray(fc.constantFrom(...owners)) }), {
      maxLength: 12,
    })
    .map((parts) => {
      let from = 0;
      return parts.map(({ size, not }): Range => {
        from += size;
        return { from: from - size, to: from, not, check: not.length > 0, trusted: false };
      });
    });
  const jobs = fc.array(fc.record({ open: ranges, priority: fc.integer({ min: -2, max: 2 }) }), { maxLength: 5 });
  fc.assert(
    fc.property(jobs, fc.constantFrom(...owners), fc.integer({ min: 0, max: 20 }), (parts, owner, slots) => {
      const views = parts.map((part, at) => jobView(`j${at}`, part));
      const host = hostView('h', { owner });
      const plan = schedule(views, host, slots, moment);
      expect(schedule(views.toReversed(), host, slots, moment)).toEqual(plan);
      expect(plan.reduce((sum, { from, to }) => sum + to - from, 0)).toBeLessThanOrEqual(slots);
      expect(new Set(plan.map(({ job }) => job)).size).toBeLessThanOrEqual(1);
      for (const { job, range, from, to } of plan) {
        const picked = views.find(({ id }) => id === job)?.open[range];
        expect(picked && picked.from <= from && from < to && to <= picked.to && !picked.not.includes(owner)).toBe(true);
      }
      const [first] = plan;
      if (first) take(views.find(({ id }) => id === first.job)?.open ?? [], plan);
      else if (slots > 0) expect(views.every(({ open }) => open.every(({ not }) => not.includes(owner)))).toBe(true);
    }),
  );
});
