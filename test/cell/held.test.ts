// Each wall that a cell says it holds, as the system itself tells of the process; and the last lock, tried in a process without the others.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { createPool } from 'lodger/host';
import { expect, onTestFinished, test } from 'vitest';
import type { Wall } from '../../host/cell/walls.ts';
import { findJail } from '../../host/platform/jail.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { ROOT } from '../project/files.ts';

const BYTES = 512 * 2 ** 20;
const read = (pid: number | 'self', file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
/** A line of `/proc/PID/status`, or of one of its threads. */
const statusOf = (pid: number | 'self', name: string, task = '') =>
  new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(read(pid, `${task}status`))?.[1];
/** Soft and hard. */
const limitsOf = (pid: number, name: string) =>
  new RegExp(`^Max ${name} +(\\S+) +(\\S+)`, 'm').exec(read(pid, 'limits'))?.slice(1);
/** Filters of system calls, beside those that this process has itself. */
const filtersOf = (pid: number, task: string) =>
  Number(statusOf(pid, 'Seccomp_filters', task)) - Number(statusOf('self', 'Seccomp_filters'));

/** Wall -> what the system says of it; throws if it does not stand. Landlock tells nothing here: `walls.test.ts` tries it. */
const TOLD: Partial<Record<Wall, (pid: number, held: readonly Wall[]) => void>> = {
  namespaces: (pid) => {
    for (const name of ['user', 'net', 'ipc', 'mnt', 'pid', 'uts'])
      expect(readlinkSync(`/proc/${pid}/ns/${name}`), name).not.toBe(readlinkSync(`/proc/self/ns/${name}`));
  },
  root: (pid) => {
    const mounts = read(pid, 'mountinfo').trim().split('\n');
    const of = (mount: string) => mount.split(' ');
    expect(mounts.filter((mount) => of(mount)[4] === '/')).toHaveLength(1);
    expect(mounts.filter((mount) => !of(mount)[5]?.split(',').includes('ro'))).toEqual([]);
    const names = readdirSync(`/proc/${pid}/root`);
    expect(names).not.toHaveLength(0);
    for (const name of ['proc', 'dev', 'etc', 'sys']) expect(names).not.toContain(name);
  },
  limits: (pid, held) => {
    for (const name of ['core file size', 'file size', 'locked memory', 'msgqueue size', 'realtime priority'])
      expect([name, limitsOf(pid, name)]).toEqual([name, ['0', '0']]);
    expect(limitsOf(pid, 'open files')).toEqual(['256', '256']);
    expect(limitsOf(pid, 'data size')).toEqual([String(BYTES), String(BYTES)]);
    if (held.includes('namespaces')) expect(Number(limitsOf(pid, 'processes')?.[1])).toBeLessThan(200);
    const stat = read(pid, 'stat');
    const NICE = 16;
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[NICE]).toBe('19');
  },
  capabilities: (pid, held) => {
    // Without a user namespace an ordinary user may not touch the bounding set.
    const bounded = held.includes('namespaces') || process.getuid?.() === 0 ? ['CapBnd'] : [];
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb', ...bounded])
      expect([set, statusOf(pid, set)]).toEqual([set, '0'.repeat(16)]);
    expect(statusOf(pid, 'NoNewPrivs')).toBe('1');
  },
  seccomp: (pid, held) => {
    const tasks = readdirSync(`/proc/${pid}/task`);
    expect(tasks.length).toBeGreaterThan(1);
    for (const task of tasks) {
      expect(statusOf(pid, 'Seccomp', `task/${task}/`)).toBe('2');
      expect(filtersOf(pid, `task/${task}/`)).toBe(held.includes('lock') ? 4 : 3);
    }
  },
};

test.runIf(process.platform === 'linux')('the system says of a cell what the cell says of its walls', async () => {
  const pool = await createPool({ isolation: 'process', threads: 1, cellMemoryBytesMax: BYTES });
  onTestFinished(() => pool.close('end'));
  const [pid = 0] = pool.pids();
  if ('path' in findJail())
    expect(pool.isolation).toEqual(expect.arrayContaining(['limits', 'capabilities', 'seccomp']));
  for (const wall of pool.isolation) TOLD[wall]?.(pid, pool.isolation);
});

/** Executes a program in two threads, one of which was there before the lock: before it and behind it. */
const LOCKING = `
  import { spawnSync } from 'node:child_process';
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  import { loadAddon } from ${JSON.stringify(join(ROOT, 'dist/host/platform/native.js'))};
  const execute = () => spawnSync('/bin/true').error?.code ?? 'executed';
  const worker = new Worker(\`
    const { spawnSync } = require('node:child_process');
    const { parentPort } = require('node:worker_threads');
    parentPort.on('message', () => parentPort.postMessage((\${execute})()));
  \`, { eval: true, execArgv: [] });
  const executeThere = async () => {
    worker.postMessage('now');
    return (await once(worker, 'message'))[0];
  };
  const before = [execute(), await executeThere()];
  loadAddon().lockExec();
  const behind = [execute(), await executeThere()];
  console.log(JSON.stringify({ before, behind }));
  process.exit();
`;

test.runIf(process.platform === 'linux')(
  'behind the last lock no thread executes a program, nor one that was there before',
  async () => {
    if (WASMTIME_MISSING !== undefined) return;
    const node = [process.execPath, '--input-type=module', '--eval', LOCKING];
    const { stdout } = await promisify(execFile)('setpriv', ['--no-new-privs', ...node], { cwd: ROOT });
    expect(JSON.parse(stdout)).toEqual({ before: ['executed', 'executed'], behind: ['EPERM', 'EPERM'] });
  },
);
