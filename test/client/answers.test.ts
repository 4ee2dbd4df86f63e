// What a client makes of a site that is none, or that a proxy stands before: it says so after its patience, and does not ask for ever.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createSiteClient, type SiteClient } from '../../host/client/site.ts';
import { frameOf } from '../../host/wire/frame.ts';

const PATIENCE_MS = 600;
const OPEN = {
  id: 'job',
  account: 'ann',
  name: 'job',
  state: 'open',
  manifest: { version: 1, kernel: '0'.repeat(64) },
};
const COUNTS = { waiting: 1, leased: 0, checking: 0, provisional: 0, disputed: 0, done: 0, failed: 0, cancelled: 0 };
const AUDITS = { count: 0, fuel: 0 };
const FIGURES = {
  submitted: 0,
  ended: null,
  reason: '',
  sealed: true,
  tasks: 1,
  counts: COUNTS,
  fuel: 0,
  runs: 0,
  checks: 0,
  audits: AUDITS,
};
const STATUS = JSON.stringify({ ...OPEN, ...FIGURES, rate: 0, msLeft: null });
const OUTCOME = { index: 7, state: 'done', output: 0, code: '', message: '', log: null, fuel: 1, wallMs: 1 };
const BY = { memoryBytesPeak: 0, host: 'h', runs: 1, confidence: 1, engine: { name: 'v8', version: '' } };
const other = frameOf({ ...OUTCOME, ...BY, rewriter: 1, tariff: 1, deterministic: true });

/** A client of a server that gives the status of an open job, and else what `answer` gives. */
async function clientOf(answer: (response: ServerResponse, method: string) => void): Promise<SiteClient> {
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.endsWith('/jobs/job')) response.setHeader('content-type', 'application/json').end(STATUS);
    else request.once('end', () => answer(response, request.method ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createSiteClient(`http://127.0.0.1:${port}`, 'token', { patienceMs: PATIENCE_MS });
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return client;
}

const all = async (outcomes: AsyncIterable<unknown>) => {
  for await (const _ of outcomes);
};

test.each([
  ['no frame', Buffer.alloc(100, 0xff), 'ERR_ANSWER_INVALID'],
  ['a page of a proxy', Buffer.from('<html>Please sign in to the network of this hotel</html>'), 'ERR_ANSWER_INVALID'],
  ['a frame of something else', frameOf({ hello: 1 }), 'ERR_ANSWER_INVALID'],
  ['an outcome of another task', other, 'ERR_ANSWER_INVALID'],
  ['a frame that is cut off, again and again', null, 'ERR_SITE_UNREACHABLE'],
])('outcomes that are %s end with a code', async (_, bytes, code) => {
  const client = await clientOf((response) => {
    if (bytes) response.end(bytes);
    else response.write(other.subarray(0, 30), () => response.destroy());
  });
  await expect(all(client.outcomes('job', 0))).rejects.toMatchObject({ code });
});

test('a blob that a site takes at no place ends with a code', async () => {
  const client = await clientOf((response, method) => {
    response.writeHead(method === 'PUT' ? 409 : 404, { 'upload-offset': 0 }).end();
  });
  await expect(client.putBlob(Buffer.from('bytes'))).rejects.toMatchObject({ code: 'ERR_ANSWER_INVALID' });
});

test('documents, receipts and events that are none end with a code', async () => {
  const client = await clientOf((response) => response.end('event: job\ndata: {no document\n\n'));
  await expect(client.ask('who')).rejects.toMatchObject({ code: 'ERR_ANSWER_INVALID' });
  await expect(all(client.receipts('job', 0))).rejects.toMatchObject({ code: 'ERR_ANSWER_INVALID' });
  await expect(all(client.follow('job'))).rejects.toMatchObject({ code: 'ERR_ANSWER_INVALID' });
});
