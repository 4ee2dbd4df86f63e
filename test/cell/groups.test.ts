// Ceilings that the system's kernel holds for a cell as a whole: tested with whatever this machine lets us make groups of.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createPool } from 'lodger/host';
import { expect, onTestFinished, test } from 'vitest';
import { type Group, makeGroup, type Settings } from '../../host/cell/groups.ts';

/** One setting of each controller that a group may have here. */
const SETTINGS: readonly Settings[] = [
  { 'memory.max': 64 * 2 ** 20 },
  { 'pids.max': 7 },
  { 'cpu.weight': 3 },
  { 'hugetlb.2MB.max': 0 },
];
const groupOf = (pid: number) => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';

function attempt(settings: Settings): Group | string {
  try {
    return makeGroup(settings);
  } catch (error) {
    return (error as Error).message;
  }
}

test('a group without its controllers is refused, and says which are missing, or that there is no place', () => {
  expect(() => makeGroup({ 'nothing.max': 1 })).toThrow(/no controller nothing|no cgroup v2/);
});

test('a group holds a process, has the ceilings that were asked for, and is gone after it', async () => {
  const tried = SETTINGS.map((settings) => [settings, attempt(settings)] as const);
  for (const [settings, group] of tried) {
    if (typeof group === 'string') process.stderr.write(`NOT TESTED: ${Object.keys(settings)}. ${group}\n`);
    else {
      const child = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
      onTestFinished(() => void child.kill('SIGKILL'));
      const before = groupOf(child.pid as number);
      group.take(child.pid as number);
      expect(groupOf(child.pid as number)).not.toBe(before);
      expect(readFileSync(join(group.path, 'cgroup.procs'), 'utf8')).toBe(`${child.pid}\n`);
      for (const [file, value] of Object.entries(settings))
        expect(readFileSync(join(group.path, file), 'utf8')).toBe(`${value}\n`);
      // One with a process in it stays.
      group.remove();
      expect(existsSync(group.path)).toBe(true);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expect
        .poll(() => {
          group.remove();
          return existsSync(group.path);
        })
        .toBe(false);
    }
  }
});

/** What goes over a ceiling, the file in which the system counts that, and how the process ends. */
const EXCESSES: readonly (readonly [Settings, string, RegExp, object])[] = [
  [{ 'memory.max': 64 * 2 ** 20 }, 'exec tail /dev/zero', /^oom_kill [1-9]/m, { signal: 'SIGKILL' }],
  [{ 'pids.max': 7 }, 'for i in 1 2 3 4 5 6 7 8; do true | true & done', /^max [1-9]/m, { code: 2 }],
];

test.each(EXCESSES)(
  'a process that goes over %o is held by the system itself',
  async (settings, excess, counted, end) => {
    const group = attempt(settings);
    if (typeof group === 'string') {
      process.stderr.write(`NOT TESTED: going over ${Object.keys(settings)}. ${group}\n`);
      return;
    }
    const child = spawn('/bin/sh', ['-c', `read begin; ${excess}`], { stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await expect.poll(() => (group.remove(), existsSync(group.path))).toBe(false);
    });
    group.take(child.pid as number);
    child.stdin?.end('now\n');
    const [code, signal] = await once(child, 'exit');
    expect({ code, signal }).toMatchObject(end);
    const [file = ''] = Object.keys(settings);
    expect(readFileSync(join(group.path, file.replace('.max', '.events')), 'utf8')).toMatch(counted);
  },
);

test('a group that was left by a process that is gone is swept when the next one is made, and no other', () => {
  const first = SETTINGS.map(attempt).find((group) => typeof group !== 'string');
  if (!first) return;
  const left = join(first.path, '..', 'lodger-999999999-1');
  mkdirSync(left);
  const next = SETTINGS.map(attempt).filter((group) => typeof group !== 'string');
  expect(existsSync(left)).toBe(false);
  expect(existsSync(first.path)).toBe(true);
  for (const group of [first, ...next]) group.remove();
});

test.runIf(process.platform === 'linux')('a cell has its ceilings where it says so, and only there', async () => {
  const pool = await createPool({ isolation: 'process', threads: 1, cellMemoryBytesMax: 512 * 2 ** 20 });
  onTestFinished(() => pool.close('end'));
  const [pid = 0] = pool.pids();
  const isIn = /\/lodger-\d+-\d+$/.test(groupOf(pid));
  expect(isIn).toBe(pool.isolation.includes('ceilings'));
  if (isIn) {
    const setting = (file: string) => readFileSync(join('/sys/fs/cgroup', groupOf(pid), file), 'utf8').trim();
    expect(setting('memory.max')).toBe(String(512 * 2 ** 20));
    expect(Number(setting('pids.max'))).toBeLessThan(100);
    expect(setting('cpu.weight')).toBe('1');
  } else
    process.stderr.write(
      'NOT TESTED: the ceilings of a cell. This machine lets nobody make groups with memory and pids\n',
    );
});
