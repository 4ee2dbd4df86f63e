// When a cell has to be ended, judged from what is seen of it.
import { expect, test } from 'vitest';
import { CELL } from '../../host/cell/ceilings.ts';
import { nextStage } from '../../host/cell/entry.ts';
import { FLOOR, insist, type Strictness, WALL_NAMES, type Wall } from '../../host/cell/walls.ts';
import { judge, type Look, lookAt, NOTHING_SEEN } from '../../host/cell/watch.ts';

const well: Look = {
  process: { memoryBytes: 100, cpuMs: 50, stopped: false },
  busy: true,
  silentRounds: 1,
  lateMs: -5,
};

test('a cell that works within its bounds goes on, however much of the processor it has used', () => {
  const busy = { ...well, process: { memoryBytes: 1_000, cpuMs: 1e9, stopped: false } };
  expect(judge(busy, NOTHING_SEEN, 1_000)).toEqual({ memory: { stoppedRounds: 0, cpuMsBusy: 1e9 } });
});

test.each<[string, Partial<Look>, string]>([
  [
    'more memory than it may have',
    { process: { memoryBytes: 3 * 2 ** 20, cpuMs: 0, stopped: false } },
    'it took 3 MiB of memory, the ceiling is 2 MiB',
  ],
  ['silence', { silentRounds: CELL.silentRoundsMax.default }, 'it did not answer'],
  ['no outcome in time', { lateMs: CELL.answerMsMax.default + 1 }, 'it gave no outcome in time'],
  [
    'work without a task',
    { busy: false, process: { memoryBytes: 1, cpuMs: CELL.idleCpuMsMax.default + 1, stopped: false } },
    'it computed without a task',
  ],
])('%s ends it', (_, seen, reason) => {
  expect(judge({ ...well, ...seen }, NOTHING_SEEN, 2 * 2 ** 20).reason).toBe(reason);
});

test('a stopped cell is ended at the second look, since one may fall into a moment', () => {
  const stopped = { ...well, process: { memoryBytes: 1, cpuMs: 1, stopped: true } };
  const first = judge(stopped, NOTHING_SEEN, 1_000);
  expect(first.reason).toBeUndefined();
  expect(judge(well, first.memory, 1_000)).toMatchObject({ memory: { stoppedRounds: 0 } });
  expect(judge(stopped, first.memory, 1_000).reason).toBe('it was stopped from outside');
});

test('what tasks have used is not held against a cell that rests', () => {
  const used = judge({ ...well, process: { memoryBytes: 1, cpuMs: 1e6, stopped: false } }, NOTHING_SEEN, 1_000);
  const resting = { ...well, busy: false, process: { memoryBytes: 1, cpuMs: 1e6 + 500, stopped: false } };
  expect(judge(resting, used.memory, 1_000).reason).toBeUndefined();
});

test('where the system tells nothing of a process, silence alone counts', () => {
  const { process: _, ...blind } = well;
  expect(judge(blind, NOTHING_SEEN, 0).reason).toBeUndefined();
  expect(judge({ ...blind, silentRounds: 1_000 }, NOTHING_SEEN, 0).reason).toBe('it did not answer');
});

test.runIf(process.platform === 'linux')('Linux tells of this process what is true of it', () => {
  const seen = lookAt(process.pid);
  const { user, system } = process.cpuUsage();
  expect(seen?.stopped).toBe(false);
  expect(seen?.cpuMs).toBeLessThanOrEqual((user + system) / 1000 + 100);
  expect(seen?.cpuMs).toBeGreaterThan(0);
  expect(seen?.memoryBytes).toBeGreaterThan(20 * 2 ** 20);
  expect(lookAt(2 ** 30)).toBeUndefined();
});

test('a task that died with a cell runs again, then alone, and is then at fault', () => {
  expect(nextStage({ stage: 'fresh' })).toBe('again');
  expect(nextStage({ stage: 'again' })).toBe('alone');
  expect(nextStage({ stage: 'alone' })).toBe('failed');
});

test.each<[string, readonly Wall[], Strictness, string | undefined]>([
  ['no wall where none is wanted', [], 'any', undefined],
  ['the floor where it is wanted', FLOOR, 'floor', undefined],
  ['all where all are wanted', WALL_NAMES, 'all', undefined],
  ['half the floor', ['landlock', 'limits'], 'floor', 'no seccomp (the kernel is too old)'],
  ['no wall', [], 'floor', 'no landlock, no seccomp (the kernel is too old)'],
  ['those that are named', ['root', 'limits'], ['root'], undefined],
  ['another than those that are named', ['limits'], ['root', 'limits'], 'no root'],
  ['all but one', WALL_NAMES.filter((wall) => wall !== 'root'), 'all', 'no root'],
])('%s: a pool that insists starts, or says what is missing', (_, held, strict, missing) => {
  const start = () => insist(strict, held, new Map([['seccomp', 'the kernel is too old']]));
  if (missing === undefined) expect(start).not.toThrow();
  else expect(start).toThrow(`this machine does not give the isolation asked for: ${missing}`);
});
