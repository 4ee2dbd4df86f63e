// A site from the command line: what the README shows, what is refused, and that results are those of `map`.
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, type SiteProcess, startSite } from '../client/process.ts';
import { block } from '../project/readme.ts';
import { lodger, ROOT, scratch } from './lodger.ts';

const run = promisify(execFile);
let folder: Awaited<ReturnType<typeof scratch>>;
let site: SiteProcess;
let env: Record<string, string>;

/** A folder with a kernel, a job and data; `lodger` on the path; and the site that the README starts, on a port of our own. */
beforeAll(async () => {
  folder = await scratch();
  const at = (name: string) => join(folder.path, name);
  await mkdir(at('bin'));
  await writeFile(at('bin/lodger'), `#!/bin/sh\nexec "${process.execPath}" "${ROOT}dist/host/cli/main.js" "$@"\n`);
  await chmod(at('bin/lodger'), 0o755);
  await mkdir(at('node_modules'));
  await symlink(ROOT, at('node_modules/lodger'));
  await copyFile(join(ROOT, 'dist/kernels/template.wasm'), at('hello.wasm')).catch(() =>
    copyFile(join(ROOT, 'dist/kernels/echo.wasm'), at('hello.wasm')),
  );
  await writeFile(at('lines.txt'), Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join(''));
  const job = { version: 1, kernel: 'hello.wasm', inputs: { lines: 'lines.txt' }, results: { folder: 'results' } };
  await writeFile(at('job.json'), JSON.stringify(job));
  const port = await freePort();
  const [, ...words] = block('site').trim().split(' ').slice(1);
  const args = words.map((word) => (word === 'site' || word.endsWith('.token') ? at(word) : word));
  site = await startSite([...args, '--listen', `127.0.0.1:${port}`]);
  env = { LODGER_SITE: site.url, LODGER_TOKEN: site.token ?? '', PATH: `${at('bin')}:${process.env.PATH}` };
});

afterAll(async () => {
  await site.kill('SIGTERM');
  await folder[Symbol.asyncDispose]();
});

const call = (...args: string[]) => lodger(args, { cwd: folder.path, env });

test('a job that is submitted as the README says gives what map gives, with receipts that hold', async () => {
  const script = block('site-calls').replace('http://127.0.0.1:7700', site.url);
  const { stdout } = await run('sh', ['-e', '-c', script], { cwd: folder.path, env: { ...process.env, ...env } });
  expect(stdout).toMatch(/every receipt holds: 40 receipts in \d+ batches/);
  await lodger(['map', 'job.json', '--output', 'here'], { cwd: folder.path });
  const [there, here] = [join(folder.path, 'answers'), join(folder.path, 'here')];
  expect(await readdir(there)).toEqual(await readdir(here));
  for (const name of await readdir(here))
    expect(await readFile(join(there, name))).toEqual(await readFile(join(here, name)));
});

test('the program of the README runs its tasks at the site', async () => {
  const program = ['--input-type=module', '-e', block('connect')];
  const ended = await run(process.execPath, program, { cwd: folder.path, env: { ...process.env, ...env } });
  expect(ended.stdout).toBe('done\ndone\n');
});

test('one letter in a receipt is enough for verify to say that it is wrong', async () => {
  const path = join(folder.path, 'receipts.ndjson');
  const [first = '', ...rest] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const receipt = JSON.parse(first);
  const { entry } = receipt;
  for (const wrong of [
    { ...receipt, entry: { ...entry, fuel: entry.fuel + 1 } },
    { ...receipt, entry: { ...entry, output: entry.output.replace(/^./, entry.output[0] === '0' ? '1' : '0') } },
    { ...receipt, head: { ...receipt.head, fuel: receipt.head.fuel + 1 } },
    { ...receipt, before: '1'.repeat(64) },
    { ...receipt, siteKey: receipt.hostKey },
    { ...receipt, hostKey: receipt.siteKey },
  ]) {
    await writeFile(path, `${[JSON.stringify(wrong), ...rest].join('\n')}\n`);
    const { exitCode, stdout } = await call('verify', 'receipts.ndjson');
    expect([exitCode, stdout.split('\n')[0]]).toEqual([1, '1 of 40 receipts are wrong']);
  }
  await writeFile(path, `${[first, ...rest].join('\n')}\n`);
  const twice = await call('verify', 'receipts.ndjson', 'receipts.ndjson', '--json');
  expect([twice.exitCode, JSON.parse(twice.stdout).faults.length]).toEqual([1, 40]);
  expect((await call('verify', 'receipts.ndjson', '--site-key', receipt.siteKey)).exitCode).toBe(0);
  expect((await call('verify', 'receipts.ndjson', '--site-key', receipt.hostKey)).exitCode).toBe(1);
});

test('a job that is sent without --wait is fetched later, and what is sent again under its id is not done again', async () => {
  const sent = await call('submit', 'job.json', '--id', 'later');
  expect(sent).toMatchObject({ exitCode: 0, stdout: 'later\n' });
  const lines = (await call('results', 'later')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).index)).toEqual([...Array(40).keys()]);
  const before = JSON.parse((await call('status', 'later', '--json')).stdout);
  const again = await call('submit', 'job.json', '--id', 'later', '--wait', '--output', 'again', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ state: 'done', job: 'later', tasks: 40 });
  const after = JSON.parse((await call('status', 'later', '--json')).stdout);
  expect([before.state, after.runs]).toEqual(['done', before.runs]);
});

test('every command about a site prints one JSON document', async () => {
  for (const args of [
    ['status'],
    ['status', 'later', '--why', '3'],
    ['results', 'later'],
    ['cancel', 'later'],
    ['hosts'],
    ['policy', 'show'],
    ['accounts', 'list'],
    ['submit', 'job.json', '--estimate'],
  ]) {
    const { exitCode, stdout } = await call(...args, '--json');
    expect({ args, exitCode, isDocument: typeof JSON.parse(stdout) === 'object' }).toEqual({
      ...{ args, exitCode: 0, isDocument: true },
    });
  }
});

test('a policy is tried, set and shown, and then holds', async () => {
  const policy = { version: 1, grants: ['log', 'blobs'], limits: { memoryBytesMax: '1MiB', wallMsMax: '90s' } };
  await writeFile(join(folder.path, 'policy.json'), JSON.stringify(policy));
  expect((await call('policy', 'simulate', 'policy.json')).exitCode).toBe(0);
  const before = JSON.parse((await call('policy', 'show', '--json')).stdout);
  expect((await call('policy', 'set', 'policy.json')).exitCode).toBe(0);
  const { version, policy: shown } = JSON.parse((await call('policy', 'show', '--json')).stdout);
  expect([version, shown.limits.memoryBytesMax, shown.limits.wallMsMax]).toEqual([before.version + 1, 2 ** 20, 90_000]);
  expect(shown.grants).toEqual([{ kind: 'blobs' }, { kind: 'files', pinned: true }, { kind: 'log' }]);
  const job = JSON.parse(await readFile(join(folder.path, 'job.json'), 'utf8'));
  await writeFile(join(folder.path, 'large.json'), JSON.stringify({ ...job, limits: { memoryBytesMax: '64MiB' } }));
  const refused = await call('submit', 'large.json', '--json');
  expect([refused.exitCode, JSON.parse(refused.stdout).code]).toEqual([2, 'ERR_POLICY_EXCEEDED']);
  await writeFile(join(folder.path, 'policy.json'), JSON.stringify(before.policy));
  await call('policy', 'set', 'policy.json');
});

test.each([
  [['status', 'nothing'], 'ERR_NOT_FOUND'],
  [['status', '--token', 'guessed'], 'ERR_ACCESS_DENIED'],
  [['status', '--site', 'http://127.0.0.1:1'], 'ERR_SITE_UNREACHABLE'],
  [['status', '--site', 'nowhere'], 'ERR_OPTION_INVALID'],
  [['results', 'nothing', '--output', 'none'], 'ERR_NOT_FOUND'],
  [['hosts', '--trust', 'a', '--ban', 'b'], 'ERR_OPTION_INVALID'],
  [['policy', 'forget'], 'ERR_OPTION_INVALID'],
  [['accounts', 'token', 'nobody', '--role', 'host'], 'ERR_NOT_FOUND'],
  [['accounts', 'set', 'lab', '--quota', 'beds=3'], 'ERR_OPTION_INVALID'],
  [['submit', 'job.json', '--id', '../x'], 'ERR_OPTION_INVALID'],
  [['submit', 'job.json', '--confidence', '1'], 'ERR_OPTION_INVALID'],
  [['serve', '--data', 'other', '--listen', '0.0.0.0:0'], 'ERR_OPTION_INVALID'],
  [['serve', '--data', 'other', '--listen', 'here'], 'ERR_OPTION_INVALID'],
  [['serve', '--data', 'site', '--listen', '127.0.0.1:0'], 'ERR_FILE'],
  [['serve', '--once'], 'ERR_OPTION_INVALID'],
])('lodger %o is refused with %s', async (args, code) => {
  const { exitCode, stdout } = await call(...args, '--json');
  expect([exitCode, JSON.parse(stdout).code]).toEqual([2, code]);
});

test('a job with tasks that fail ends with exit code 1, and each failure is told', async () => {
  const job = { version: 1, kernel: 'hello.wasm', inputs: { files: ['empty.txt', 'lines.txt'] } };
  await writeFile(join(folder.path, 'empty.txt'), '');
  await writeFile(join(folder.path, 'fails.json'), JSON.stringify(job));
  const { exitCode, stderr } = await call('submit', 'fails.json', '--wait', '--output', 'fails');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('there is nothing to count [ERR_EXIT]')]);
});
