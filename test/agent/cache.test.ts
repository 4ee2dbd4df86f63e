// The folder of kernels and blobs that an agent keeps: never larger than its owner says, not even while something comes.
import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCache } from '../../host/agent/cache.ts';
import { scratch } from './started.ts';

const PIECE = 10_000;
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function onDisk(folder: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(folder))
    sum += await stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    );
  return sum;
}

/** A source that notes how much is on disk whenever the next piece is asked for. Behind three quarters of it, it waits for `nearly`. */
const sourceOf =
  (bytes: Uint8Array, folder: string, seen: number[], nearly?: () => Promise<unknown>) => async (from: number) =>
    (async function* () {
      for (let at = from; at < bytes.length; at += PIECE) {
        seen.push(await onDisk(folder));
        if (at === 0.75 * bytes.length) await nearly?.();
        yield bytes.subarray(at, at + PIECE);
      }
    })();

test('what is coming takes no room beyond what the owner gives: older blobs make way for it piece by piece', async () => {
  const folder = await scratch();
  const cache = await openCache(folder, 300_000);
  const seen: number[] = [];
  for (let each = 0; each < 6; each++) {
    const blobs = [randomBytes(140_000), randomBytes(140_000)];
    const got = await Promise.all(blobs.map((bytes) => cache.get(digestOf(bytes), sourceOf(bytes, folder, seen))));
    expect(got.map((bytes, at) => Buffer.from(bytes).equals(blobs[at] as Buffer))).toEqual([true, true]);
  }
  expect(Math.max(...seen)).toBeLessThanOrEqual(300_000);
  expect([cache.bytes, await onDisk(folder)]).toEqual([280_000, 280_000]);
});

test('what has no room beside the others that come is refused, and leaves them theirs', async () => {
  const folder = await scratch();
  const cache = await openCache(folder, 300_000);
  const seen: number[] = [];
  const [first, second] = [randomBytes(200_000), randomBytes(200_000)];
  const refused = async () => {
    const coming = cache.get(digestOf(second), sourceOf(second, folder, seen));
    await expect(coming).rejects.toMatchObject({ code: 'ERR_FILE' });
  };
  const got = await cache.get(digestOf(first), sourceOf(first, folder, seen, refused));
  expect(Buffer.from(got).equals(first)).toBe(true);
  expect(Math.max(...seen)).toBeLessThanOrEqual(300_000);
  expect([cache.bytes, await onDisk(folder)]).toEqual([200_000, 200_000]);
});

test('what was broken off counts after a restart, and makes way first', async () => {
  const folder = await scratch();
  const [whole, next] = [randomBytes(100_000), randomBytes(150_000)];
  const first = await openCache(folder, 300_000);
  await first.get(digestOf(whole), sourceOf(whole, folder, []));
  await writeFile(join(folder, `${digestOf(randomBytes(1))}.part`), randomBytes(100_000));
  const cache = await openCache(folder, 300_000);
  expect(cache.bytes).toBe(200_000);
  await cache.get(digestOf(next), sourceOf(next, folder, []));
  expect([cache.holds().length, cache.bytes, await onDisk(folder)]).toEqual([2, 250_000, 250_000]);
});
