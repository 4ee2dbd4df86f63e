// Folders that are pinned by digest: the same bytes on every host, so the same answers, and receipts that say so.
import { createHash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSandbox, type Grant, type Kernel, parsePolicy, type Runner } from 'lodger';
import { createPool, nodeEngine } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTree } from '../../host/grants/tree.ts';
import { canonical } from '../../runtime/base/canonical.ts';
import { parseManifest, writeManifest } from '../../runtime/job/tree.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { bytesOf, guest, temporaryFolder, told } from './guests.ts';

const WHERE = ['sandbox', 'thread', 'process'] as const;
const PLACES = ENGINE_NAMES.flatMap((engine) => WHERE.map((where) => ({ engine, where })));
const digestOf = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

const folder = await temporaryFolder();
await mkdir(join(folder, 'b', 'c'), { recursive: true });
await mkdir(join(folder, 'void'));
await writeFile(join(folder, 'b', 'c', 'deep.txt'), 'deep');
await writeFile(join(folder, 'a.txt'), 'first');
await writeFile(join(folder, 'b.txt'), 'second');

const MANIFEST = `{"files":[${[
  ['a.txt', 'first'],
  ['b.txt', 'second'],
  ['b/c/deep.txt', 'deep'],
]
  .map(([name = '', text = '']) => `{"digest":"${digestOf(text)}","name":"${name}","size":${text.length}}`)
  .join(',')}],"version":1}`;

test('a tree is named by the canonical list of the names, sizes and digests of its files', async () => {
  const { digest, blobs } = await readTree(folder);
  expect(digest).toBe(digestOf(MANIFEST));
  expect(Buffer.from(blobs[`sha256:${digest}`] ?? []).toString()).toBe(MANIFEST);
  expect(Object.keys(blobs)).toHaveLength(4);
});

const LINES: readonly (readonly [string, string])[] = [
  ['read|/in/a.txt|1|3', 'ok irs'],
  ['read|/in/b/c/deep.txt|0|99', 'ok deep'],
  ['size|/in/b.txt', 'ok 6'],
  ['names|/in', 'ok a.txt,b,b.txt'],
  ['names|/in/b', 'ok c'],
  ['read|/in/a.txt|6|1', 'no offset 6 is beyond the end of "/in/a.txt" (5 bytes)'],
  ['size|/in/void', 'no "/in/void" is not there'],
  ['size|/in/b', 'no "/in/b" is a folder'],
  ['names|/in/a.txt', 'no "/in/a.txt" is no folder'],
  ['size|/in/../a.txt', 'no path "/in/../a.txt" has ".." in it, which is not followed'],
  ['write|/in/a.txt|0|x', 'no folder "/in" is pinned by its digest, and cannot be written to'],
];

/** Fuel and output of the first run, which all others must have, too. */
let same: readonly [number | undefined, string] | undefined;

describe.each(PLACES)('on $engine, in a $where,', ({ engine, where }) => {
  let runner: Runner;
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await guest('folders');
    runner =
      where === 'sandbox'
        ? createSandbox({ engine: nodeEngine(engine) })
        : await createPool({ engine, threads: 1, isolation: where });
  });
  afterAll(() => runner.close());

  test('a pinned folder is read everywhere, with the same bytes and fuel, and the receipt says so', async () => {
    const { digest, blobs } = await readTree(folder);
    const grants: Grant[] = [{ kind: 'files', at: '/in', from: `sha256:${digest}`, mode: 'read' }];
    const input = bytesOf(LINES.map(([line]) => line).join('\n'));
    const outcome = await runner.run({ kernel, input, grants, blobs });
    expect(told(outcome)).toEqual(LINES.map(([, said]) => said));
    expect(outcome.receipt.deterministic).toBe(true);
    const list = [`files:/in=sha256:${digest}`];
    expect(outcome.receipt.outside).toEqual({ asked: list, given: list });
    same ??= [outcome.receipt.fuel, told(outcome).join()];
    expect([outcome.receipt.fuel, told(outcome).join()]).toEqual(same);
  });
});

const text = (value: unknown) => bytesOf(canonical(value as never));
const file = (name: string, size = 5) => ({ digest: digestOf('first'), name, size });

test.each([
  ['what is no JSON', bytesOf('{'), 'its manifest is none'],
  ['another version', text({ files: [], version: 2 }), 'its manifest is not of this version'],
  ['names out of order', text({ files: [file('b'), file('a')], version: 1 }), 'its names are not in order'],
  ['a name twice', text({ files: [file('a'), file('a')], version: 1 }), 'its names are not in order'],
  ['a way out', text({ files: [file('../a')], version: 1 }), 'has ".." in it'],
  ['an absolute name', text({ files: [file('/a')], version: 1 }), 'has an empty name in it'],
  ['a file below a file', text({ files: [file('a'), file('a/b')], version: 1 }), '"a/b" lies below a file'],
  ['spaces', bytesOf(`${canonical({ files: [], version: 1 })} `), 'its manifest is not in canonical form'],
  [
    'more bytes than may be',
    text({ files: [file('a', 2 ** 30), file('b', 2 ** 30)], version: 1 }),
    'its files have over',
  ],
  ['another size', writeManifest([file('a', 6)]), 'its manifest gives "a" another size'],
])('a tree with %s is refused before the task', async (_, manifest, says) => {
  const from = `sha256:${digestOf(manifest)}`;
  const blobs = { [from]: manifest, [`sha256:${digestOf('first')}`]: bytesOf('first') };
  const grants: Grant[] = [{ kind: 'files', at: '/in', from, mode: 'read' }];
  const run = createSandbox().run({ kernel: await guest('folders'), input: bytesOf(''), grants, blobs });
  await expect(run).rejects.toMatchObject({ code: 'ERR_GRANT_INVALID', message: expect.stringContaining(says) });
  if (!says.includes('another size')) expect(parseManifest(manifest)).toContain(says);
});

test('a tree whose bytes are missing or others is refused before the task', async () => {
  const { digest, blobs } = await readTree(folder);
  const task = {
    kernel: await guest('folders'),
    input: bytesOf(''),
    grants: [{ kind: 'files', at: '/in', from: `sha256:${digest}`, mode: 'read' }] as Grant[],
  };
  const key = `sha256:${digestOf('first')}`;
  const { [key]: _, ...fewer } = blobs;
  await expect(createSandbox().run({ ...task, blobs: fewer })).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
    message: `option "blobs.${key}" must be given, since it is granted`,
  });
  await expect(createSandbox().run({ ...task, blobs: { ...blobs, [key]: bytesOf('other') } })).rejects.toMatchObject({
    code: 'ERR_BLOB_MISMATCH',
  });
});

test('a policy may allow every folder that is pinned, and none that is not', async () => {
  const { digest, blobs } = await readTree(folder);
  const kernel = await guest('folders');
  const sandbox = createSandbox({ policy: parsePolicy({ version: 1, grants: [{ kind: 'files', pinned: true }] }) });
  const pinned: Grant = { kind: 'files', at: '/in', from: `sha256:${digest}`, mode: 'read' };
  const live: Grant = { kind: 'files', at: '/data', from: folder, mode: 'read' };
  const input = bytesOf('size|/in/a.txt\nsize|/data/a.txt');
  expect(told(await sandbox.run({ kernel, input, grants: [pinned, live], blobs }))).toEqual([
    'ok 5',
    'no no folder is granted at "/data/a.txt"',
  ]);
  await expect(sandbox.run({ kernel, input, grants: [live] })).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
});

test('a folder with a link in it is not pinned', async () => {
  const linked = await temporaryFolder();
  await symlink(join(folder, 'a.txt'), join(linked, 'link'));
  await expect(readTree(linked)).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringContaining('it is neither a file nor a folder'),
  });
});
