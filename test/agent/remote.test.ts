// Blobs from a remote host to its site and back: small ones whole, large ones in pieces, and never what is there already.
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRemote } from '../../host/agent/remote.ts';
import { type Served, serveSite } from '../coordinator/served.ts';

const digestOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const remoteOf = ({ site, token }: Served) => {
  const traffic = { bytes: 0 };
  const onBytes = (bytes: number) => {
    traffic.bytes += bytes;
  };
  return { remote: createRemote({ url: site.url, token, onBytes }), traffic };
};

test.each([0, 70_000, 2 ** 20, 2 ** 20 + 1, 9_000_000])(
  'a blob of %i bytes is at the site when it is written, and is not sent again',
  async (size) => {
    await using served = await serveSite();
    const { remote, traffic } = remoteOf(served);
    const bytes = randomBytes(size);
    await remote.write(digestOf(bytes), bytes);
    expect(Buffer.from(await served.site.blobs.get(digestOf(bytes))).equals(bytes)).toBe(true);
    const sent = traffic.bytes;
    expect(sent).toBeGreaterThanOrEqual(size);
    await remote.write(digestOf(bytes), bytes);
    expect(traffic.bytes).toBe(sent);
    const parts: Uint8Array[] = [];
    for await (const part of await remote.read(digestOf(bytes))(0)) parts.push(part);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    await remote.close();
  },
);

test('a small blob of which the site has a part goes on from there', async () => {
  await using served = await serveSite();
  const { remote, traffic } = remoteOf(served);
  const bytes = randomBytes(100_000);
  const headers = { 'content-range': 'bytes 0-59999/100000' };
  const part = await served.call('PUT', `blobs/${digestOf(bytes)}`, { body: bytes.subarray(0, 60_000), headers });
  expect(part.status).toBe(308);
  await remote.write(digestOf(bytes), bytes);
  expect(traffic.bytes).toBe(40_000);
  expect(Buffer.from(await served.site.blobs.get(digestOf(bytes))).equals(bytes)).toBe(true);
  await remote.close();
});

test('bytes that are not what they are called are refused by the site, and named to the owner', async () => {
  await using served = await serveSite();
  const { remote } = remoteOf(served);
  const digest = digestOf(randomBytes(10));
  await expect(remote.write(digest, randomBytes(70_000))).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' });
  await remote.close();
});
