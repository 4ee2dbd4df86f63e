// Groups of blobs over HTTP: only those that are missing are sent, small ones together, each checked, counted, and there for its account alone.
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CALLER } from '../../host/wire/ceilings.ts';
import { frameOf } from '../../host/wire/frame.ts';
import { type Served, serveSite } from './served.ts';

const digestOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const groupOf = (blobs: readonly Uint8Array[]) =>
  Buffer.from(frameOf({ blobs: blobs.map((bytes) => [digestOf(bytes), bytes.byteLength]) }, ...blobs));
const fileOf = ({ folder }: Served, digest: string) => join(folder, 'data', 'blobs', digest.slice(0, 2), digest);
const someBlobs = () => [randomBytes(100_000), randomBytes(1), randomBytes(300_000), Buffer.alloc(0)];

async function missing(served: Served, digests: readonly string[], token = served.token): Promise<unknown> {
  return (await served.call('POST', 'blobs/missing', { token, body: { digests } })).body;
}

async function storedBytes(served: Served, account: string): Promise<number | undefined> {
  const list = (await served.call('GET', 'accounts')).body as { id: string; used: { storedBytes: number } }[];
  return list.find(({ id }) => id === account)?.used.storedBytes;
}

test('blobs that are sent together are on the disk when that is answered, and missing no more', async () => {
  await using served = await serveSite();
  const blobs = someBlobs();
  const digests = blobs.map(digestOf);
  expect(await missing(served, [...digests, ...digests])).toEqual({ missing: digests });
  expect((await served.call('PUT', 'blobs', { body: groupOf(blobs) })).status).toBe(201);
  expect(await missing(served, digests)).toEqual({ missing: [] });
  for (const [at, digest] of digests.entries()) {
    expect((await readFile(fileOf(served, digest))).equals(blobs[at] as Buffer)).toBe(true);
    expect((await served.call('GET', `blobs/${digest}`)).bytes.equals(blobs[at] as Buffer)).toBe(true);
  }
  // Sent again they stay as they are.
  expect((await served.call('PUT', 'blobs', { body: groupOf(blobs) })).status).toBe(201);
});

test('a client sends what is missing of a group, and nothing where all is there', async () => {
  await using served = await serveSite();
  const client = served.client();
  const [one, two] = [randomBytes(70_000), randomBytes(80_000)];
  const group = (...blobs: Uint8Array[]) => new Map(blobs.map((bytes) => [digestOf(bytes), bytes]));
  await client.putBlobs(group(one));
  await client.putBlobs(group(one, two));
  await client.putBlobs(group(two, one));
  expect(Buffer.from(await client.getBlob(digestOf(two))).equals(two)).toBe(true);
  const metrics = (await served.call('GET', '/metrics')).bytes.toString();
  expect(metrics).toMatch(/route="PUT [^"]*\/blobs",status="201"\} 2$/m);
});

const blob = randomBytes(70_000);
const named = (message: unknown, ...data: Uint8Array[]) => Buffer.from(frameOf(message, ...data));
const large = CALLER.groupBytes.max + 1;
test.each([
  ['other bytes than a digest says', named({ blobs: [[digestOf(blob), 5]] }, Buffer.from('other')), 422],
  ['a blob that is named twice', groupOf([blob, blob]), 400],
  ['more bytes than are named', named({ blobs: [[digestOf(blob), blob.length]] }, blob, Buffer.alloc(1)), 400],
  ['fewer bytes than are named', named({ blobs: [[digestOf(blob), blob.length]] }, blob.subarray(1)), 400],
  [
    'a blob that is to be sent alone',
    named({ blobs: [[digestOf(Buffer.alloc(large)), large]] }, Buffer.alloc(large)),
    400,
  ],
  ['a digest that is none', named({ blobs: [['../../etc/passwd', 5]] }, Buffer.from('other')), 400],
  ['a frame that is cut off', groupOf([blob]).subarray(0, 1_000), 400],
  ['what is no frame', Buffer.from('{}'), 400],
])('%s is refused, and nothing of it stays or is counted', async (_, body, status) => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  expect((await served.call('PUT', 'blobs', { token, body })).status).toBe(status);
  expect(await missing(served, [digestOf(blob)], token)).toEqual({ missing: [digestOf(blob)] });
  expect(await storedBytes(served, 'lab')).toBe(0);
});

test('more blobs than a request may name are refused', async () => {
  await using served = await serveSite();
  const digests = Array.from({ length: CALLER.groupBlobs.max + 1 }, (_, at) =>
    digestOf(Buffer.from([at & 255, at >> 8])),
  );
  expect((await served.call('POST', 'blobs/missing', { body: { digests } })).status).toBe(400);
  const body = named({ blobs: digests.map((digest) => [digest, 0]) });
  expect((await served.call('PUT', 'blobs', { body })).status).toBe(400);
});

test('what one account has brought is missing for another, until that has sent it, too', async () => {
  await using served = await serveSite();
  const [one, other] = [await served.tokenOf('one', 'submitter'), await served.tokenOf('other', 'submitter')];
  const digest = digestOf(blob);
  await served.call('PUT', 'blobs', { token: one, body: groupOf([blob]) });
  expect(await missing(served, [digest], one)).toEqual({ missing: [] });
  expect(await missing(served, [digest], other)).toEqual({ missing: [digest] });
  const guess = named({ blobs: [[digest, 5]] }, Buffer.from('guess'));
  expect((await served.call('PUT', 'blobs', { token: other, body: guess })).status).toBe(422);
  expect(await missing(served, [digest], other)).toEqual({ missing: [digest] });
  expect((await served.call('PUT', 'blobs', { token: other, body: groupOf([blob]) })).status).toBe(201);
  expect(await missing(served, [digest], other)).toEqual({ missing: [] });
});

test('a group beyond the quota of its account is refused whole; what is there costs nothing again', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { storedBytes: 200_000 } } });
  const [first, second] = [randomBytes(150_000), randomBytes(60_000)];
  const refused = await served.call('PUT', 'blobs', { token, body: groupOf([second, first]) });
  expect([refused.status, refused.code, await storedBytes(served, 'lab')]).toEqual([429, 'ERR_QUOTA_SPENT', 0]);
  for (let times = 0; times < 2; times++)
    expect((await served.call('PUT', 'blobs', { token, body: groupOf([first]) })).status).toBe(201);
  expect(await storedBytes(served, 'lab')).toBe(150_000);
});

test('a blob that was damaged on the disk is found when it is read from there, and not taken for what it was', async () => {
  const bytes = randomBytes(100_000);
  const digest = digestOf(bytes);
  await using served = await serveSite();
  await served.client().putBlobs(new Map([[digest, bytes]]));
  expect(Buffer.from(await served.site.blobs.get(digest)).equals(bytes)).toBe(true);
  await writeFile(fileOf(served, digest), Buffer.alloc(100_000));
  // Others that came push it out of memory.
  for (let at = 0; at < 40; at++) {
    const other = Buffer.alloc(2 ** 20, at);
    await served.site.blobs.put(digestOf(other), other);
  }
  await expect(served.site.blobs.get(digest)).rejects.toMatchObject({ code: 'ERR_BLOB_MISMATCH' });
});

test('a blob that was deleted is gone from memory, too', async () => {
  await using served = await serveSite();
  const bytes = randomBytes(100_000);
  await served.site.blobs.put(digestOf(bytes), bytes);
  expect(served.site.blobs.deleteUnused(digestOf(bytes), Date.now() + 1_000)).toBe(true);
  await expect(served.site.blobs.get(digestOf(bytes))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
});
