// Blobs between sites: once to each, gone on with where they broke off, from whoever has them, and never what somebody spoilt.
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type BlobFolder, openBlobs } from '../../host/coordinator/blobs.ts';
import { createSiteBlobs } from '../../host/federation/blobs.ts';
import type { Source } from '../../host/federation/contracts.ts';
import { scratch } from '../agent/started.ts';

const BYTES = randomBytes(5 * 2 ** 20);
const DIGEST = createHash('sha256').update(BYTES).digest('hex');

interface Giver {
  readonly source: Source;
  /** Bytes that it has sent, and how often it was asked. */
  readonly sent: () => number;
  readonly asked: () => number;
}

type Answering = (request: IncomingMessage, response: ServerResponse, from: number) => void;

/** A site as far as its blobs go. */
async function giver(answer: Answering): Promise<Giver> {
  let [sent, asked] = [0, 0];
  const server = createServer((request, response) => {
    asked += 1;
    const write = response.write.bind(response);
    response.write = ((piece: Uint8Array, done?: () => void) => {
      sent += piece.byteLength;
      return write(piece, done as never);
    }) as typeof response.write;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    answer(request, response, from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { source: { url: `http://127.0.0.1:${port}`, token: 't' }, sent: () => sent, asked: () => asked };
}

const give =
  (bytes: Uint8Array, most = Number.MAX_SAFE_INTEGER): Answering =>
  (_request, response, from) => {
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.byteLength - from });
    const piece = bytes.subarray(from, from + most);
    response.write(piece, () => (piece.byteLength < bytes.byteLength - from ? response.destroy() : response.end()));
  };
const refuse: Answering = (_request, response) =>
  void response.writeHead(404, { 'content-type': 'application/json' }).end('{"code":"ERR_NOT_FOUND","message":"none"}');

async function folder(): Promise<BlobFolder> {
  return openBlobs(join(await scratch(), 'blobs'));
}
async function has(blobs: BlobFolder): Promise<boolean> {
  const parts: Uint8Array[] = [];
  for await (const part of blobs.read(DIGEST)) parts.push(part);
  return Buffer.concat(parts).equals(BYTES);
}

test('twenty who want a blob at once bring it over the link once', async () => {
  const from = await giver(give(BYTES));
  const blobs = await folder();
  const sites = createSiteBlobs(blobs);
  await Promise.all(Array.from({ length: 20 }, () => sites.fetch(DIGEST, [from.source])));
  await sites.fetch(DIGEST, [from.source]);
  expect([await has(blobs), from.asked(), from.sent()]).toEqual([true, 1, BYTES.byteLength]);
});

test('a link that breaks costs nothing twice, and another source goes on where the first broke off', async () => {
  const short = await giver(give(BYTES, 2 ** 20));
  const rest = await giver(give(BYTES));
  const blobs = await folder();
  await createSiteBlobs(blobs).fetch(DIGEST, [short.source, rest.source]);
  expect(await has(blobs)).toBe(true);
  expect([short.sent(), rest.sent()]).toEqual([2 ** 20, BYTES.byteLength - 2 ** 20]);
});

test('a source that has nothing, or is away, is passed over', async () => {
  const none = await giver(refuse);
  const good = await giver(give(BYTES));
  const away = { url: 'http://127.0.0.1:1', token: 't' };
  const blobs = await folder();
  await createSiteBlobs(blobs).fetch(DIGEST, [none.source, away, good.source]);
  expect(await has(blobs)).toBe(true);
});

test.each([
  ['all of it', Number.MAX_SAFE_INTEGER],
  ['its beginning', 2 ** 20],
])('a source that spoils %s is found out, and the others give the blob', async (_name, most) => {
  const spoilt = await giver(give(Buffer.from(BYTES).fill(0, 0, 100), most));
  const good = await giver(give(BYTES));
  const blobs = await folder();
  await createSiteBlobs(blobs).fetch(DIGEST, [spoilt.source, good.source]);
  expect(await has(blobs)).toBe(true);
});

test.each<[string, Answering[], string]>([
  ['nobody has it', [refuse], 'ERR_NOT_FOUND'],
  ['everybody spoils it', [give(Buffer.alloc(BYTES.byteLength)), give(Buffer.alloc(9))], 'ERR_BLOB_MISMATCH'],
  ['there is no end of breaking', [give(BYTES, 10)], 'ERR_SITE_UNREACHABLE'],
])('%s: it says so, and nothing stands under its name', async (_name, answers, code) => {
  const givers = await Promise.all(answers.map(giver));
  const blobs = await folder();
  const bring = createSiteBlobs(blobs).fetch(
    DIGEST,
    givers.map(({ source }) => source),
  );
  await expect(bring).rejects.toMatchObject({ code });
  expect(blobs.has(DIGEST)).toBe(false);
});
