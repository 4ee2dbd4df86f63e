// What a task sees of a granted folder: its files, and no way out of it, on every engine and in every place.
import { execFileSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createSandbox, type Grant, type Kernel, parsePolicy, type Runner } from 'lodger';
import { createPool, node, nodeEngine, nodeFolders } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { bytesOf, guest, temporaryFolder, told } from './guests.ts';

const WHERE = ['sandbox', 'thread', 'process'] as const;
const PLACES = ENGINE_NAMES.flatMap((engine) => WHERE.map((where) => ({ engine, where })));

const base = await temporaryFolder();
const inside = join(base, 'inside');
const grant = (mode: 'read' | 'write', from = inside): Grant => ({ kind: 'files', at: '/data', from, mode });

await mkdir(join(inside, 'sub', 'deep'), { recursive: true });
await mkdir(join(base, 'outside'));
await writeFile(join(base, 'outside', 'secret'), 'the secret');
await writeFile(join(inside, 'a.txt'), 'hello folder');
await writeFile(join(inside, 'empty'), '');
await writeFile(join(inside, 'sub', 'b.txt'), 'below');
await symlink('../outside/secret', join(inside, 'link'));
await symlink('../outside', join(inside, 'way'));
await symlink('a.txt', join(inside, 'harmless'));
await link(join(base, 'outside', 'secret'), join(inside, 'hard'));
execFileSync('mkfifo', [join(inside, 'pipe')]);
const server = createServer();
await new Promise<void>((resolve) => server.listen(join(inside, 'socket'), resolve));
afterAll(() => server.close());

/** What is asked, and what comes. */
const ANSWERS: readonly (readonly [string, string])[] = [
  ['size|/data/a.txt', 'ok 12'],
  ['read|/data/a.txt|0|100', 'ok hello folder'],
  ['read|/data/a.txt|6|3', 'ok fol'],
  ['read|/data/a.txt|12|3', 'ok '],
  ['read|/data/empty|0|3', 'ok '],
  ['read|/data/sub/b.txt|0|9', 'ok below'],
  ['names|/data', 'ok a.txt,empty,hard,harmless,link,pipe,socket,sub,way'],
  ['names|/data/sub', 'ok b.txt,deep'],
  ['names|/data/sub/deep', 'ok '],
  ['read|/data/a.txt|13|3', 'no offset 13 is beyond the end of "/data/a.txt" (12 bytes)'],
  ['size|/data/none', 'no "/data/none" is not there'],
  ['size|/data/none/none', 'no "/data/none/none" is not there'],
  ['size|/data/sub', 'no "/data/sub" is a folder'],
  ['size|/data', 'no "/data" is a folder'],
  ['names|/data/a.txt', 'no "/data/a.txt" is no folder'],
  ['size|/data/a.txt/b', 'no "a.txt" in path "/data/a.txt/b" is no folder'],
  ['size|/data/../outside/secret', 'no path "/data/../outside/secret" has ".." in it, which is not followed'],
  ['size|/data/./a.txt', 'no path "/data/./a.txt" has "." in it, which is not followed'],
  ['size|/data//a.txt', 'no path "/data//a.txt" has an empty name in it'],
  ['size|/data/', 'no path "/data/" has an empty name in it'],
  ['size|a.txt', 'no path "a.txt" does not begin with "/"'],
  ['size|', 'no path "" does not begin with "/"'],
  ['size|/etc/passwd', 'no no folder is granted at "/etc/passwd"'],
  ['size|/database/a.txt', 'no no folder is granted at "/database/a.txt"'],
  ['size|/data/a.txt\0', 'no path "/data/a.txt\\u0000" has a NUL in it'],
  ['size|/data/sub\\b.txt', 'no path "/data/sub\\\\b.txt" has a backslash in it'],
  ['size|/data/link', 'no "link" in path "/data/link" is a symbolic link, which is not followed'],
  ['size|/data/harmless', 'no "harmless" in path "/data/harmless" is a symbolic link, which is not followed'],
  ['size|/data/way/secret', 'no "way" in path "/data/way/secret" is a symbolic link, which is not followed'],
  ['names|/data/way', 'no "way" in path "/data/way" is a symbolic link, which is not followed'],
  ['size|/data/hard', 'no "/data/hard" has 2 names (hard links), and may lie outside its folder; copy it'],
  ['size|/data/pipe', 'no "/data/pipe" is a pipe'],
  ['size|/data/socket', 'no "/data/socket" is a socket'],
  ['size|/dev/null', 'no "/dev/null" is a device'],
  [`size|/data/${'n'.repeat(256)}`, 'has a name of 256 bytes, at most 255 are opened'],
  [`size|/data/${'é'.repeat(128)}`, 'has a name of 256 bytes, at most 255 are opened'],
  [`size|/data/${'n/'.repeat(40)}x`, 'has over 32 names'],
  [`size|/data/${'n'.repeat(2_000)}`, 'a path of 4012 bytes is too long, at most 2048 are read'],
  ['write|/data/new|0|x', 'no folder "/data" is granted for reading only'],
  ['write|/data/a.txt|0|x', 'no folder "/data" is granted for reading only'],
];

describe.each(PLACES)('on $engine, in a $where,', ({ engine, where }) => {
  let runner: Runner;
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await guest('folders');
    runner =
      where === 'sandbox'
        ? createSandbox({ engine: nodeEngine(engine), platform: node, folders: nodeFolders })
        : await createPool({ engine, threads: 1, isolation: where });
  });
  afterAll(() => runner.close());
  const run = async (lines: string, grants: readonly Grant[]) => runner.run({ kernel, input: bytesOf(lines), grants });

  test('a guest reads what is in its folder, and each way out of it is refused in its own words', async () => {
    const grants = [grant('read'), { ...grant('read', '/dev'), at: '/dev' } as Grant];
    const answers = told(await run(ANSWERS.map(([line]) => line).join('\n'), grants));
    for (const [place, [line, said]] of ANSWERS.entries())
      expect([line, answers[place]]).toEqual([
        line,
        said.startsWith('ok') || said.startsWith('no') ? said : expect.stringContaining(said),
      ]);
  });

  test('what is written is there afterwards, whole, and the receipt says how much', async () => {
    const folder = join(base, `${engine}-${where}`);
    await mkdir(folder);
    await writeFile(join(folder, 'old'), 'older words', { mode: 0o640 });
    const lines = [
      'write|/data/new|0|fresh',
      'write|/data/new|5| and more',
      'write|/data/new|0|FR',
      'read|/data/new|0|99',
      'write|/data/old|0|completely new',
      'read|/data/old|0|99',
      'write|/data/new|99|x',
      'write|/data/none/x|0|x',
      'names|/data',
    ];
    const outcome = await run(lines.join('\n'), [grant('write', folder)]);
    expect(told(outcome)).toEqual([
      ...['ok', 'ok', 'ok', 'ok FResh and more', 'ok', 'ok completely new'],
      'no offset 99 is beyond the end of "/data/new" (14 bytes), and would leave a hole',
      ...['no "/data/none/x" is not there', 'ok new,old'],
    ]);
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('completely new');
    expect((await stat(join(folder, 'old'))).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(['new', 'old']);
    expect(outcome.receipt).toMatchObject({
      deterministic: false,
      outside: {
        asked: [`files:/data=${folder}:write`],
        given: [`files:/data=${folder}:write`],
        files: { bytesRead: 28, bytesWritten: 30 },
      },
    });
  });

  test('no link is written through, and none is replaced', async () => {
    const lines = [
      'write|/data/link|0|x',
      'write|/data/hard|0|a longer text',
      'write|/data/way/new|0|x',
      'write|/data/pipe|0|x',
    ];
    expect(told(await run(lines.join('\n'), [grant('write')]))).toEqual([
      expect.stringContaining('is a symbolic link, which is not followed'),
      expect.stringContaining('has 2 names (hard links)'),
      expect.stringContaining('is a symbolic link, which is not followed'),
      'no "/data/pipe" is a pipe',
    ]);
    expect(await readFile(join(base, 'outside', 'secret'), 'utf8')).toBe('the secret');
  });

  test('64 KiB pieces of 3 MiB come as they are on disk', async () => {
    await writeFile(join(base, 'outside', `large-${engine}-${where}`), new Uint8Array(3 * 2 ** 20 + 5).fill(7));
    const grants = [grant('read', join(base, 'outside'))];
    const line = `sum|/data/large-${engine}-${where}|65536`;
    const outcome = await run(`${line}\nsum|/data/large-${engine}-${where}|4000000`, grants);
    expect(told(outcome)).toEqual(['ok 5383', 'ok 5383']);
  });
});

test('a folder that is swapped for another after it was granted is not entered', async () => {
  const kernel = await guest('folders');
  const folder = join(base, 'granted');
  await mkdir(folder);
  const place = nodeFolders.folder(folder, 'read');
  await rename(folder, `${folder}-away`);
  await symlink(join(base, 'outside'), folder);
  const pool = await createPool({ threads: 1 });
  const swapped = { ...nodeFolders, folder: () => place };
  const sandbox = createSandbox({ platform: node, folders: swapped });
  const outcome = await sandbox.run({ kernel, input: bytesOf('size|/data/secret'), grants: [grant('read', folder)] });
  await pool.close();
  expect(told(outcome)).toEqual(['no folder "/data" is another one than when it was granted']);
});

test.each([
  [{ from: '/nowhere/at/all' }, 'ERR_FILE', 'there is no such folder'],
  [{ from: join(inside, 'a.txt') }, 'ERR_FILE', 'it is no folder'],
])('a grant of %o is refused before the task', async (changes, code, says) => {
  const sandbox = createSandbox({ platform: node, folders: nodeFolders });
  const task = {
    kernel: await guest('folders'),
    input: bytesOf(''),
    grants: [{ ...grant('read'), ...changes } as Grant],
  };
  await expect(sandbox.run(task)).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
});

test('a sandbox without a holder gives no folder, and says what does', async () => {
  const task = { kernel: await guest('folders'), input: bytesOf(''), grants: [grant('read')] };
  await expect(createSandbox().run(task)).rejects.toMatchObject({
    code: 'ERR_GRANT_UNAVAILABLE',
    message: expect.stringContaining('give createSandbox() the option folders'),
  });
});

test('of folders that a task asks for it sees those that the policy allows, as the policy allows them', async () => {
  const kernel = await guest('folders');
  const policy = parsePolicy({ version: 1, grants: [{ ...grant('read') }] });
  const sandbox = createSandbox({ platform: node, folders: nodeFolders, policy });
  const other: Grant = { kind: 'files', at: '/other', from: join(base, 'outside'), mode: 'read' };
  const lines = ['size|/data/a.txt', 'write|/data/x|0|x', 'size|/other/secret'];
  const outcome = await sandbox.run({ kernel, input: bytesOf(lines.join('\n')), grants: [grant('write'), other] });
  expect(told(outcome)).toEqual([
    'ok 12',
    'no folder "/data" is granted for reading only',
    'no no folder is granted at "/other/secret"',
  ]);
  expect(outcome.receipt.outside).toMatchObject({
    asked: [`files:/data=${inside}:write`, `files:/other=${join(base, 'outside')}:read`],
    given: [`files:/data=${inside}:read`],
  });
  const refused = sandbox.run({ kernel, input: bytesOf(''), grants: [other] });
  await expect(refused).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
});
