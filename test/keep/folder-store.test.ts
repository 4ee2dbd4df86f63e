// Images in a folder: whole or not there, named by their digest, and nothing of a killed process in the way.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderStore } from 'lodger/host';
import { beforeEach, expect, test } from 'vitest';
import { openImage } from '../../runtime/snapshot/store.ts';
import { scratch } from '../cli/lodger.ts';
import { firstImage, memoryOf, OPTIONS } from '../snapshot/made.ts';

const { image, bytes } = firstImage(memoryOf(2, [0, 9]));
const FILE = `${image.digest}.img`;

let folder: string;
beforeEach(async ({ onTestFinished }) => {
  const made = await scratch();
  onTestFinished(() => made[Symbol.asyncDispose]());
  folder = join(made.path, 'deep', 'images');
});

test('what is put is a file of its own, named by its digest, and can be opened and deleted', async () => {
  const store = folderStore(folder);
  await store.put(image.digest, bytes);
  expect(await readdir(folder)).toEqual([FILE]);
  expect(Buffer.compare(await readFile(join(folder, FILE)), bytes)).toBe(0);
  const again = folderStore(folder);
  expect(again.digests()).toEqual([image.digest]);
  expect(openImage(again, image.digest, OPTIONS).image).toEqual(image);
  expect(again.peek(image.digest)).toEqual({ form: 'whole', manifest: image.manifest });
  await again.delete(image.digest);
  await again.delete(image.digest);
  expect(await readdir(folder)).toEqual([]);
});

test.each(['../x', 'x', '', `${'0'.repeat(64)}/..`, 'A'.repeat(64)])('%j is no name for an image', async (name) => {
  const store = folderStore(folder);
  await expect(async () => store.put(name, bytes)).rejects.toMatchObject({ code: 'ERR_IMAGE_INVALID' });
  expect(store.get(name)).toBeUndefined();
  await store.delete(name);
  expect(await readdir(folder)).toEqual([]);
});

test('an image under the name of another one is refused when it is opened, and so is a damaged one', async () => {
  const store = folderStore(folder);
  const other = '0'.repeat(64);
  await writeFile(join(folder, `${other}.img`), bytes);
  expect(() => openImage(store, other, OPTIONS)).toThrow('is another one');
  await writeFile(join(folder, FILE), bytes.slice(0, -1));
  expect(() => openImage(store, image.digest, OPTIONS)).toThrow('cut short');
  await writeFile(join(folder, FILE), 'no image');
  expect(() => store.peek(image.digest)).toThrow('cut short');
});

test('files of other names are no images', async () => {
  const store = folderStore(folder);
  await writeFile(join(folder, 'notes.txt'), '');
  await writeFile(join(folder, 'ab.img'), '');
  expect(store.digests()).toEqual([]);
});

test('what a killed process has left half written is gone when the folder is opened; what one is writing stays', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await mkdir(folder, { recursive: true });
  const left = `.${FILE}.${pid}.0123abcd.tmp`;
  const living = `.${FILE}.${process.ppid}.0123abcd.tmp`;
  for (const name of [left, living, '.other.tmp']) await writeFile(join(folder, name), 'half');
  expect(folderStore(folder).digests()).toEqual([]);
  expect((await readdir(folder)).sort()).toEqual([living, '.other.tmp'].sort());
});

test('a folder that cannot be is refused by its name', async () => {
  await mkdir(join(folder, '..'), { recursive: true });
  await writeFile(folder, '');
  expect(() => folderStore(folder)).toThrow(expect.objectContaining({ code: 'ERR_FILE' }));
});
