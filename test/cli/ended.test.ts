// Jobs that end before they are done, at a site of its own without hosts: whoever waits for them, or asks later, is told so.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type SiteProcess, startSite } from '../client/process.ts';
import { lodger, ROOT, scratch, start } from './lodger.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let site: SiteProcess;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await scratch();
  site = await startSite(['--data', join(folder.path, 'site'), '--listen', '127.0.0.1:0', '--log', 'debug']);
  env = { LODGER_SITE: site.url, LODGER_TOKEN: site.token ?? '' };
  await writeFile(join(folder.path, 'kernel.wasm'), await readFile(join(ROOT, 'dist/kernels/echo.wasm')));
  await writeFile(join(folder.path, 'lines.txt'), 'one\ntwo\nthree\n');
  const job = { version: 1, kernel: 'kernel.wasm', inputs: { lines: 'lines.txt' } };
  await writeFile(join(folder.path, 'job.json'), JSON.stringify(job));
});

afterAll(async () => {
  await site.kill('SIGTERM');
  await folder[Symbol.asyncDispose]();
});

const call = (...args: string[]) => lodger(args, { cwd: folder.path, env });
const isThere = (id: string) =>
  expect.poll(async () => (await call('status', id)).exitCode, { timeout: 30_000 }).toBe(0);

test('who waits for a job that somebody cancels is told so, and so is who asks for its results', async () => {
  const { child, ended } = start(['submit', 'job.json', '--id', 'mine', '--wait', '--json'], { cwd: folder.path, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  await isThere('mine');
  await call('cancel', 'mine');
  const { exitCode, stdout } = await ended;
  expect([exitCode, JSON.parse(stdout).code]).toEqual([1, 'ERR_JOB_CANCELLED']);
  const asked = await call('results', 'mine', '--json');
  expect([asked.exitCode, JSON.parse(asked.stdout)]).toEqual([
    1,
    expect.objectContaining({ state: 'cancelled', tasks: 0, cancelled: 3 }),
  ]);
});

test('a job whose deadline has passed says that', async () => {
  const { exitCode, stderr } = await call('submit', 'job.json', '--id', 'late', '--wait', '--deadline', '10ms');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('job "late" was cancelled: its deadline has passed')]);
  const asked = await call('results', 'late');
  expect(asked.stderr).toContain('job "late" was cancelled: its deadline has passed; 3 of its tasks were not done');
});

test('Ctrl-C leaves the job at the site, and says how to go on', async () => {
  const { child, ended } = start(['submit', 'job.json', '--id', 'left', '--wait'], { cwd: folder.path, env });
  await isThere('left');
  child.kill('SIGINT');
  const { exitCode, stderr } = await ended;
  expect([exitCode, stderr]).toEqual([130, expect.stringContaining('lodger results left')]);
  expect(JSON.parse((await call('status', 'left', '--json')).stdout).state).toBe('open');
});

test('an estimate says that there are no hosts', async () => {
  expect((await call('submit', 'job.json', '--estimate')).stdout).toContain('no host is connected');
});

test('a site logs lines of JSON, which hold no token', async () => {
  await call('status');
  const lines = site
    .errors()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ msg: 'answered', status: 200 }),
  );
  expect(site.errors().split(site.token ?? '')).toHaveLength(1);
});
