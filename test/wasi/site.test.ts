// Programs at a real site, with a real host behind walls where there are some: arguments, a clock and a pinned folder arrive there.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { lodger, type Started, scratch, start } from '../cli/lodger.ts';
import { freePort, type SiteProcess, startSite } from '../client/process.ts';
import { C_PROGRAM } from './programs.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let site: SiteProcess;
let host: Started;
let env: Record<string, string>;
const at = (name: string) => join(folder.path, name);
const call = (...args: string[]) => lodger(args, { cwd: folder.path, env });

/** A job file of the program, each of whose inputs is one line. */
async function write(job: string, lines: readonly string[], more: object): Promise<void> {
  const files = lines.map((_, index) => `${job}-${index}.txt`);
  for (const [index, name] of files.entries()) await writeFile(at(name), `${lines[index]}\n`);
  const terms = { version: 1, kernel: 'tool.wasm', inputs: { files }, results: { file: 'told.ndjson', as: 'text' } };
  await writeFile(at(`${job}.json`), JSON.stringify({ ...terms, ...more }));
}

const told = async (where: string): Promise<string[]> =>
  (await readFile(join(folder.path, where, 'told.ndjson'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).text);

beforeAll(async () => {
  folder = await scratch();
  await writeFile(at('tool.wasm'), C_PROGRAM);
  await mkdir(at('in/sub'), { recursive: true });
  await writeFile(at('in/a.txt'), 'pinned words');
  await copyFile(at('in/a.txt'), at('in/sub/b.txt'));
  site = await startSite(['--data', at('site'), '--listen', `127.0.0.1:${await freePort()}`]);
  env = { LODGER_SITE: site.url, LODGER_TOKEN: site.token ?? '' };
  host = start(['join', site.url, '--token', site.token ?? '', '--strict', 'any', '--data', at('host')]);
}, 60_000);

afterAll(async () => {
  host.child.kill('SIGTERM');
  await host.ended;
  await site.kill('SIGTERM');
  await folder[Symbol.asyncDispose]();
});

test('arguments and a pinned folder travel with a job, whose results are those of map', async () => {
  const lines = ['cat /in/a.txt', 'list /in', 'cat /in/sub/b.txt', 'put /in/a.txt', 'look', 'random'];
  await write('pinned', lines, { args: ['one', 'two words'], grants: ['files:/in=./in:pinned'], seed: 7 });
  expect((await call('map', 'pinned.json', '--output', 'here')).exitCode).toBe(0);
  const { exitCode, stderr } = await call('submit', 'pinned.json', '--id', 'pinned', '--wait', '--output', 'there');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
  const [words, list, below, refused, looked] = await told('there');
  expect([words, list, below]).toEqual(['pinned words', 'a.txt sub/ ok\n', 'pinned words']);
  expect(refused).toMatch(/^errno /);
  expect(looked).toMatch(/^3 program /);
  expect(await told('there')).toEqual(await told('here'));
}, 120_000);

test('an owner without the grant "blobs" gets no task with a pinned folder, and one who allows it gets that task', async () => {
  await writeFile(at('owner.json'), JSON.stringify({ version: 1, grants: ['log'], memoryFreeBytesMin: 0 }));
  const walls = ['--strict', 'any', '--data', at('strict'), '--policy', at('owner.json')];
  const strict = start(['join', site.url, '--token', site.token ?? '', '--name', 'strict', ...walls]);
  try {
    const only = { site: { requirements: { hosts: ['strict'] } } };
    await write('bare', ['look'], only);
    expect((await call('submit', 'bare.json', '--id', 'bare', '--wait', '--output', 'bare')).exitCode).toBe(0);
    await write('kept', ['cat /in/a.txt'], { ...only, grants: ['files:/in=./in:pinned'] });
    expect((await call('submit', 'kept.json', '--id', 'kept')).exitCode).toBe(0);
    const why = async () => JSON.parse((await call('status', 'kept', '--why', '0', '--json')).stdout).why;
    await vi.waitFor(async () => expect(await why()).toContain('the host does not allow the grant "files"'), 60_000);
    await writeFile(at('owner.json'), JSON.stringify({ version: 1, grants: ['log', 'blobs'], memoryFreeBytesMin: 0 }));
    expect((await call('results', 'kept', '--output', 'kept')).exitCode).toBe(0);
  } finally {
    strict.child.kill('SIGTERM');
    await strict.ended;
  }
}, 180_000);

test('a program has a clock at a site where it was granted one', async () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  await write('clock', ['sleep 5'], { grants: ['clock'], deterministic: false });
  expect((await call('submit', 'clock.json', '--id', 'clock', '--wait', '--output', 'clock')).exitCode).toBe(0);
  const [, day = '0', slept] = ((await told('clock'))[0] ?? '').split(' ');
  expect(BigInt(day)).toBeGreaterThan(before);
  expect(Number(slept)).toBeGreaterThanOrEqual(5_000_000);
}, 120_000);

test('a folder that is not pinned is refused before anything is sent', async () => {
  await write('folder', ['cat /in/a.txt'], { grants: ['files:/in=./in:read'] });
  const { exitCode, stdout } = await call('submit', 'folder.json', '--json');
  expect([exitCode, JSON.parse(stdout)]).toEqual([
    2,
    expect.objectContaining({ code: 'ERR_GRANT_UNAVAILABLE', message: expect.stringContaining('pin the folder') }),
  ]);
});
