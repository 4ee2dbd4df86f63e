// What a disk may do to a site: no room at any write, a write that was torn, a file that lost its end, two sites on one folder.
import { execFile } from 'node:child_process';
import { appendFile, mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { openBlobs } from '../../host/coordinator/blobs.ts';
import { openStore } from '../../host/coordinator/store.ts';
import { node } from '../../host/platform/node.ts';
import { toHex } from '../../runtime/base/platform.ts';
import { createEcho, OWN_CALLER } from './echo.ts';
import { fullAt, survives } from './full-writes.ts';
import { collect, openSite, removeFolder, submitTasks, temporaryFolder } from './opened.ts';

const folders: string[] = [];
const folder = async () => {
  const made = await temporaryFolder();
  folders.push(made);
  return made;
};

afterAll(async () => {
  for (const each of folders) await removeFolder(each);
});

describe('a full disk', () => {
  // The first writes are those of a start: then there is no site.
  const [FIRST, AT_ONCE] = [3, 8];

  test('at any write of the state is told, nothing unsaved is shown, and the site goes on when there is room', async () => {
    const batch = (from: number) => Promise.all(Array.from({ length: AT_ONCE }, (_, at) => survives(from + at)));
    let from = FIRST;
    while ((await batch(from)).every((wasFull) => wasFull)) from += AT_ONCE;
    expect(from).toBeGreaterThan(FIRST + 20);
  }, 180_000);

  test('at a start is told, and leaves a folder that can be started from', async () => {
    const path = await folder();
    for (const nth of [0, 1]) {
      const store = await openStore(join(path, 'state'));
      await store.close();
      await expect(openSite({ folder: path }, fullAt(nth, 1_000))).rejects.toThrow(/the disk is full/);
    }
  });
});

describe('files', () => {
  test('with half a write behind what was safe are read as they were', async () => {
    const path = await folder();
    const first = await openSite({ folder: path });
    createEcho({ caller: OWN_CALLER }).join(first.site);
    const job = await submitTasks(first, 50);
    await collect(first.site, job);
    await first.close();
    const data = join(path, 'state', 'data.mdb');
    await appendFile(data, Buffer.alloc(10_000, 0xa5));
    await mkdir(join(path, 'blobs', 'aa'), { recursive: true });
    await writeFile(join(path, 'blobs', 'aa', `.${'a'.repeat(64)}.999999.01234567.tmp`), 'half');
    const second = await openSite({ folder: path });
    expect(await collect(second.site, job)).toHaveLength(50);
    await second.close();
  });

  test('that have lost their end are refused, not read', async () => {
    const path = await folder();
    const { close } = await openSite({ folder: path });
    await close();
    const data = join(path, 'state', 'data.mdb');
    await truncate(data, (await stat(data)).size - 5_000);
    await expect(openStore(join(path, 'state'))).rejects.toThrow(/lost its end/);
  });

  test('of blobs that were changed are not handed out whole', async () => {
    const path = join(await folder(), 'blobs');
    const blobs = await openBlobs(path);
    const bytes = Buffer.alloc(700_000, 7);
    const digest = toHex(node.digest(bytes));
    const whole = { by: 'ann', from: 0, total: bytes.length };
    expect(await blobs.write(digest, pieces(bytes.subarray(0, 300_001)), whole)).toBe(300_001);
    expect(await blobs.partial(digest, 'ann')).toBe(300_001);
    expect(await blobs.partial(digest, 'bob')).toBe(0);
    expect(blobs.has(digest)).toBe(false);
    const rest = { ...whole, from: 300_001 };
    await expect(blobs.write(digest, pieces(bytes), { ...rest, from: 0 })).rejects.toThrow(/300001/);
    expect(await blobs.write(digest, pieces(bytes.subarray(300_001)), rest)).toBe(bytes.length);
    expect(await joined(blobs.read(digest))).toEqual(bytes);
    expect(await joined(blobs.read(digest, 10, 20))).toHaveLength(10);
    const other = toHex(node.digest(Buffer.from('other')));
    await expect(blobs.write(other, pieces(bytes), whole)).rejects.toThrow(/digest/);
    expect(await blobs.partial(other, 'ann')).toBe(0);
    expect(await blobs.size(other)).toBeNull();
    await writeFile(join(path, digest.slice(0, 2), digest), Buffer.alloc(700_000, 8));
    await expect(joined(blobs.read(digest))).rejects.toThrow(/digest/);
  });

  test('of blobs that came whole and were not named before an end are gone on with by whoever sent them', async () => {
    const path = join(await folder(), 'blobs');
    const bytes = Buffer.alloc(70_000, 7);
    const digest = toHex(node.digest(bytes));
    await mkdir(join(path, 'coming'), { recursive: true });
    await writeFile(join(path, 'coming', `${digest}.ann`), bytes);
    const blobs = await openBlobs(path);
    const from = await blobs.partial(digest, 'ann');
    expect(from).toBeLessThan(bytes.length);
    await blobs.write(digest, pieces(bytes.subarray(from)), { by: 'ann', from, total: bytes.length });
    expect(await joined(blobs.read(digest))).toEqual(bytes);
  });

  test('of a site that is running are refused to a second one, in this process and in another', async () => {
    const path = await folder();
    const { close } = await openSite({ folder: path });
    await expect(openStore(join(path, 'state'))).rejects.toMatchObject({ code: 'ERR_FILE' });
    const other = promisify(execFile)(process.execPath, [SERVE, path, '1']);
    await expect(other).rejects.toThrow(/has this data folder open/);
    await close();
    await expect(promisify(execFile)(process.execPath, [SERVE, path, '1'])).resolves.toBeDefined();
  });
});

const SERVE = fileURLToPath(new URL('../../dist/test/site/serve.js', import.meta.url));

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function joined(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}
