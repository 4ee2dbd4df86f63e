// A machine on which the jail was never built: a cell is a plain process there, which says so, and nobody lends it unasked.
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WALL_NAMES } from '../../host/cell/walls.ts';
import { servedSite } from '../agent/started.ts';
import { lodger, ROOT, start } from '../cli/lodger.ts';
import { type Copy, copyOfPackage } from './copy.ts';

const ECHO = join(ROOT, 'dist/kernels/echo.wasm');
/** The package as it is without Rust. */
let bare: Copy;

beforeAll(async () => {
  bare = await copyOfPackage();
  await symlink(join(ROOT, 'node_modules'), bare.at('node_modules'));
  const job = { version: 1, kernel: ECHO, inputs: { files: ['package.json'] } };
  await writeFile(bare.at('job.json'), JSON.stringify(job));
});
afterAll(() => bare.remove());

test('lodger doctor says that there is no wall, that the network is open, and why', async () => {
  const { stdout, exitCode } = await lodger(['doctor', '--json'], bare);
  const findings: { name: string; works: boolean; reason: string }[] = JSON.parse(stdout).findings;
  expect(findings.find(({ name }) => name === 'cell')).toMatchObject({
    works: false,
    reason: 'a process, isolation: none, network: open',
  });
  for (const wall of WALL_NAMES)
    expect(findings.find(({ name }) => name === `wall ${wall}`)).toMatchObject({
      works: false,
      reason: expect.stringMatching(/was not built|on Linux only/),
    });
  expect(exitCode).toBe(0);
});

test('a task runs in a plain process, and its receipt names no wall', async () => {
  const { stdout, exitCode } = await lodger(
    ['run', ECHO, '--input', 'package.json', '--isolation', 'process', '--json'],
    bare,
  );
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).receipt.isolation).toEqual([]);
});

test.each([
  ['run with the floor', ['run', ECHO, '--strict', 'floor'], 'no landlock'],
  ['run with the floor, which is what it asks for alone,', ['run', ECHO, '--strict'], 'no landlock'],
  ['run with the floor before a file', ['run', '--strict', '--', ECHO], 'no landlock'],
  ['map with the floor', ['map', 'job.json', '--strict', '--threads', '1'], 'no landlock'],
  ['run with all walls', ['run', ECHO, '--strict=all'], 'no descriptors'],
  ['run with one of them', ['run', ECHO, '--strict', 'lock'], 'no lock'],
  ['join', ['join', 'http://127.0.0.1:1', '--data', 'agent'], 'no landlock'],
])('lodger %s is refused there', async (_, args, missing) => {
  const { stderr, exitCode } = await lodger(args, bare);
  expect(stderr).toContain(`this machine does not give the isolation asked for: ${missing}`);
  expect(stderr).toContain('[ERR_ISOLATION_MISSING]');
  expect(exitCode).toBe(2);
});

test('its owner may lend it all the same, and the site is told that it has no walls', async () => {
  const { site, url } = await servedSite();
  const { child, ended } = start(['join', url, '--data', 'agent', '--strict', 'any'], bare);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const hello = await site.until('a hello', () => site.heard.find(({ type }) => type === 'hello'));
  expect(hello).toMatchObject({ attributes: { isolation: [] } });
});
