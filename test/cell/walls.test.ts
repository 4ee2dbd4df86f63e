// Code that has broken out of every sandbox finds itself in a cell: whatever it tries from there is refused, and works outside.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WALL_NAMES, type Wall } from '../../host/cell/walls.ts';
import { findJail } from '../../host/platform/jail.ts';
import { ROOT } from '../project/files.ts';
import type { Report } from './driver.ts';

const run = promisify(execFile);
const jail = findJail();
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
/** What a jailed process may do, since nothing works without it. */
const NEEDED = 'a thread of its own';
/** Without a root of its own a cell can tell whether a file is there, and how large it is. */
const SEEN_WITHOUT_ROOT = ['stat a home'];

const MODES: readonly (readonly [who: string, walls: string, uid: number | undefined, without: readonly Wall[]])[] = [
  [isRoot ? 'root' : 'this user', 'every wall', undefined, []],
  [isRoot ? 'root' : 'this user', 'the floor', undefined, ['namespaces', 'root']],
  ...(isRoot
    ? ([
        ['an ordinary user', 'every wall', NOBODY, []],
        ['an ordinary user', 'the floor', NOBODY, ['namespaces', 'root']],
      ] as const)
    : []),
];

let folder = '';
let addon = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-probe-'));
  await chmod(folder, 0o755);
  addon = join(folder, 'probe.node');
  if ('path' in jail) await run('cc', ['-shared', '-fPIC', '-O1', '-o', addon, join(ROOT, 'test/cell/probe.c')]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the walls of cells are tested, or this machine is told that they were not', () => {
  if ('path' in jail) return;
  if (process.env['CI'] === 'true' && process.platform === 'linux') throw new Error(jail.missing);
  process.stderr.write(`NOT TESTED: the walls of cells. ${jail.missing}\n`);
});

for (const [who, walls, uid, without] of 'path' in jail ? MODES : []) {
  describe(`with ${walls}, as ${who},`, () => {
    let report: Report;
    beforeAll(async () => {
      const program = [join(ROOT, 'dist/test/cell/driver.js'), addon, without.join(',')];
      const as = uid === undefined ? {} : { uid, gid: uid };
      const { stdout } = await run(process.execPath, program, { ...as, env: { ...process.env, HOME: folder } });
      report = JSON.parse(stdout);
    }, 300_000);

    test('those walls hold that this machine has', () => {
      const missing = new Set(report.missing.map(([wall]) => wall));
      const wanted = WALL_NAMES.filter((wall) => wall !== 'lock' && !without.includes(wall) && !missing.has(wall));
      expect(report.walls, report.said).toEqual(wanted);
      expect(report.walls).toEqual(expect.arrayContaining(['landlock', 'seccomp']));
    });

    test('every probe succeeds outside', () => {
      expect(Object.keys(report.outside).length).toBeGreaterThan(85);
      expect(Object.entries(report.outside).filter(([, result]) => result !== 'open')).toEqual([]);
    });

    test('every probe is refused inside', () => {
      expect(typeof report.answer, String(report.answer)).toBe('object');
      expect(Object.keys(report.answer)).toEqual(Object.keys(report.outside));
      const open = Object.entries(report.answer)
        .filter(([, result]) => result === 'open')
        .map(([name]) => name);
      expect(open).toEqual([NEEDED, ...(report.walls.includes('root') ? [] : SEEN_WITHOUT_ROOT)]);
    });

    test('what looks into other processes ends its own', () => {
      // 128 and the number of SIGSYS, where another process passes it on.
      for (const [name, [, inside]] of Object.entries(report.ends))
        expect([name, inside]).toEqual([name, expect.stringMatching(/^ended: (?:159|SIGSYS)$/)]);
      const needsRoot = ['bpf'];
      for (const [name, [outside]] of Object.entries(report.ends))
        if (uid === undefined || !needsRoot.includes(name)) expect(outside).toMatchObject({ [name]: 'open' });
    });
  });
}
