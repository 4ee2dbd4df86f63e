// Blobs over HTTP: whole or in pieces, gone on with after a break, read in part, and seen by nobody else.
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { type Served, serveSite } from './served.ts';

const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at * 7));
const digestOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const digest = digestOf(bytes);
const path = `blobs/${digest}`;
const range = (from: number, to: number) => ({ 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` });

test('a blob that is sent whole comes back whole, and in part', async () => {
  await using served = await serveSite();
  expect((await served.call('PUT', path, { body: bytes })).status).toBe(201);
  expect((await served.call('GET', path)).bytes.equals(bytes)).toBe(true);
  for (const [asked, from, to] of [
    ['bytes=0-9', 0, 10],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=-5', 99_995, 100_000],
    ['bytes=50-999999', 50, 100_000],
  ] as const) {
    const part = await served.call('GET', path, { headers: { range: asked } });
    expect({ asked, status: part.status, equal: part.bytes.equals(bytes.subarray(from, to)) }).toEqual({
      ...{ asked, status: 206, equal: true },
    });
    expect(part.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/100000`);
  }
  expect((await served.call('GET', path, { headers: { range: 'bytes=100000-' } })).status).toBe(416);
  expect((await served.call('HEAD', path)).headers.get('content-length')).toBe('100000');
});

test('a blob that is sent in pieces goes on where it was', async () => {
  await using served = await serveSite();
  const first = await served.call('PUT', path, { body: bytes.subarray(0, 40_000), headers: range(0, 40_000) });
  expect([first.status, first.headers.get('upload-offset')]).toEqual([308, '40000']);
  const head = await served.call('HEAD', path);
  expect([head.status, head.headers.get('upload-offset')]).toEqual([404, '40000']);
  const rest = bytes.subarray(40_000);
  expect((await served.call('PUT', path, { body: rest, headers: range(40_000, 100_000) })).status).toBe(201);
  expect((await served.call('GET', path)).bytes.equals(bytes)).toBe(true);
});

test('a connection that breaks in the middle of a blob loses only what had not come', async () => {
  await using served = await serveSite();
  await broken(served);
  const client = served.client();
  expect(await client.putBlob(bytes)).toBe(digest);
  expect(Buffer.from(await client.getBlob(digest)).equals(bytes)).toBe(true);
});

/** Sends 70,000 bytes of 100,000 and hangs up. */
async function broken({ site, token }: Served): Promise<void> {
  const sent = request(`${site.url}/api/1/${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-length': bytes.length },
  });
  sent.on('error', () => undefined);
  await new Promise<void>((resolve) => sent.write(bytes.subarray(0, 70_000), () => resolve()));
  sent.destroy();
  await new Promise((resolve) => sent.once('close', resolve));
}

test.each([
  ['other bytes', Buffer.from('other'), {}, 422],
  ['a piece from the middle', bytes.subarray(10, 20), range(10, 20), 409],
  ['a range longer than the body', bytes.subarray(0, 10), range(0, 20), 400],
  ['a range that is none', bytes.subarray(0, 10), { 'content-range': 'lines 1-2' }, 400],
  ['more than the largest blob', bytes.subarray(0, 1), { 'content-range': 'bytes 0-0/99999999999999' }, 400],
])('%s under a digest is refused, and nothing stays', async (_, body, headers, status) => {
  await using served = await serveSite();
  expect((await served.call('PUT', path, { body, headers })).status).toBe(status);
  const head = await served.call('HEAD', path);
  expect([head.status, head.headers.get('upload-offset')]).toEqual([404, '0']);
});

test('a digest that is none is no place', async () => {
  await using served = await serveSite();
  for (const name of ['..%2f..%2fetc%2fpasswd', 'A'.repeat(64), `${digest}0`]) {
    expect((await served.call('GET', `blobs/${name}`)).status).toBe(400);
    expect((await served.call('PUT', `blobs/${name}`, { body: bytes })).status).toBe(400);
  }
});

test('an account sees the blobs that it sent, and no others, though it knows their digest', async () => {
  await using served = await serveSite();
  const [one, other] = [await served.tokenOf('one', 'submitter'), await served.tokenOf('other', 'submitter')];
  await served.call('PUT', path, { token: one, body: bytes });
  expect((await served.call('GET', path, { token: one })).status).toBe(200);
  expect((await served.call('GET', path, { token: other })).status).toBe(404);
  expect((await served.call('HEAD', path, { token: other })).status).toBe(404);
  expect((await served.call('PUT', path, { token: other, body: Buffer.from('guess') })).status).toBe(422);
  expect((await served.call('GET', path, { token: other })).status).toBe(404);
  // Who has the bytes may have it.
  expect((await served.call('PUT', path, { token: other, body: bytes })).status).toBe(201);
  expect((await served.call('GET', path, { token: other })).status).toBe(200);
});

test('an account stores no more than its quota, and is told so before it sends', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { storedBytes: 100_010 } } });
  expect((await served.call('PUT', path, { token, body: bytes })).status).toBe(201);
  const small = Buffer.from('eleven bytes');
  const more = await served.call('PUT', `blobs/${digestOf(small)}`, { token, body: small });
  expect([more.status, more.code]).toEqual([429, 'ERR_QUOTA_SPENT']);
  // What is there already costs nothing again.
  expect((await served.call('PUT', path, { token, body: bytes })).status).toBe(201);
  const list = (await served.call('GET', 'accounts')).body as { id: string; used: { storedBytes: number } }[];
  expect(list.find(({ id }) => id === 'lab')?.used.storedBytes).toBe(100_000);
});

test('what has come of a blob counts as all of it, whatever is said of its length afterwards', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { storedBytes: 100_010 } } });
  const send = (of: Uint8Array, from: number, to: number, total: number) =>
    served.call('PUT', `blobs/${digestOf(of)}`, {
      ...{ token, body: of.subarray(from, to), headers: { 'content-range': `bytes ${from}-${to - 1}/${total}` } },
    });
  const other = Buffer.from('eleven bytes');
  expect((await send(bytes, 0, 10, 100_000)).status).toBe(308);
  expect((await send(other, 0, 1, other.length)).code).toBe('ERR_QUOTA_SPENT');
  expect((await send(bytes, 0, 1, 1)).status).toBe(409);
  expect((await send(other, 0, 1, other.length)).code).toBe('ERR_QUOTA_SPENT');
  expect((await send(bytes, 10, 100_000, 100_000)).status).toBe(201);
  const list = (await served.call('GET', 'accounts')).body as { id: string; used: { storedBytes: number } }[];
  expect(list.find(({ id }) => id === 'lab')?.used.storedBytes).toBe(100_000);
});

test('other bytes than a digest says are not counted when they are gone', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { storedBytes: 100_000 } } });
  expect((await served.call('PUT', path, { token, body: Buffer.alloc(90_000) })).status).toBe(422);
  expect((await served.call('PUT', path, { token, body: bytes })).status).toBe(201);
});

test('a grant does not tell an account which blobs of others are there', async () => {
  await using served = await serveSite();
  const [one, other] = [await served.tokenOf('one', 'submitter'), await served.tokenOf('other', 'submitter')];
  const kernel = Buffer.from('what passes for a kernel');
  await served.call('PUT', path, { token: one, body: bytes });
  await served.call('PUT', `blobs/${digestOf(kernel)}`, { token: other, body: kernel });
  const grants = [{ kind: 'blobs', name: 'data', digest }];
  const body = { version: 1, kernel: digestOf(kernel), grants };
  const asked = await served.call('POST', 'jobs', { token: other, body });
  expect([asked.status, asked.code]).toEqual([404, 'ERR_NOT_FOUND']);
  await served.call('PUT', path, { token: other, body: bytes });
  expect((await served.call('POST', 'jobs', { token: other, body })).status).toBe(200);
});
