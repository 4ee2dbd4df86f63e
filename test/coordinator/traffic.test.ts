// What a site's door stands: floods, requests that trickle, quotas, followers, TLS; and what it tells those who watch it.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createAgent } from 'lodger/host';
import { expect, test } from 'vitest';
import { createSiteClient } from '../../host/client/site.ts';
import { DOOR } from '../../host/coordinator/ceilings.ts';
import { frameOf } from '../../host/wire/frame.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openapi } from './openapi.ts';
import { type Answer, type Served, serveSite } from './served.ts';

const KERNEL = readFileSync(join(import.meta.dirname, '../../dist/kernels/echo.wasm'));

/** A job of an account; the site has its kernel. */
async function submitted({ client }: Served, token: string, id: string): Promise<void> {
  const site = client(token);
  const kernel = await site.putBlob(KERNEL);
  await site.ask('submit', { json: { version: 1, kernel, id } });
}
const inputs = (from: number, sizes: readonly number[], last = false) =>
  frameOf({ from, inputs: sizes, last }, new Uint8Array(sizes.reduce((sum, size) => sum + size, 0)));

test('10,000 requests without a token are turned away, and those with one are answered all the while', async () => {
  await using served = await serveSite();
  const counts: Record<number, number> = {};
  let left = 10_000;
  let told: Answer | undefined;
  const flood = async () => {
    while (left-- > 0) {
      const found = await served.call('GET', 'jobs', { token: null });
      counts[found.status] = (counts[found.status] ?? 0) + 1;
      if (found.status === 429) told = found;
    }
  };
  const flooding = Promise.all(Array.from({ length: 50 }, flood));
  for (let each = 0; each < 20; each++) expect((await served.call('GET', 'site')).status).toBe(200);
  await flooding;
  expect(Object.keys(counts).sort()).toEqual(['401', '429']);
  expect(counts[429]).toBeGreaterThan(5_000);
  expect([told?.code, told?.message]).toEqual(['ERR_QUOTA_SPENT', expect.stringMatching(/try again in \d/)]);
  expect(told?.headers.get('retry-after')).toMatch(/^\d+$/);
}, 120_000);

test(
  'requests that trickle in are ended, and hold up nobody',
  async () => {
    await using served = await serveSite();
    const { hostname, port } = new URL(served.site.url);
    const sockets: Socket[] = Array.from({ length: 200 }, () => connect(Number(port), hostname));
    const ended = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of sockets) {
      socket.on('error', () => undefined).resume();
      socket.write('GET /api/1/site HTTP/1.1\r\nhost: x\r\n');
    }
    const trickle = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('x-more: 1\r\n');
    }, 1_000);
    expect((await served.call('GET', 'site')).status).toBe(200);
    await Promise.all(ended);
    clearInterval(trickle);
    expect((await served.call('GET', 'site')).status).toBe(200);
  },
  2 * DOOR.headersMs.max + 60_000,
);

test('bodies that trickle in are ended, of documents and of blobs, and what had come of a blob can be gone on with', async () => {
  await using served = await serveSite({ requestMs: 2_000 });
  const { hostname, port } = new URL(served.site.url);
  const whole = randomBytes(100_000);
  const digest = createHash('sha256').update(whole).digest('hex');
  const head = (method: string, path: string, type: string) =>
    `${method} /api/1/${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${served.token}\r\n` +
    `content-type: ${type}\r\ncontent-length: ${whole.length}\r\n\r\n`;
  const requests = [
    ...Array.from({ length: 50 }, () => head('POST', 'jobs', 'application/json')),
    head('PUT', `blobs/${digest}`, 'application/octet-stream'),
  ];
  const ended = requests.map(async (text) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined).resume();
    socket.write(text);
    let at = 0;
    const trickle = setInterval(() => socket.writable && socket.write(whole.subarray(at, ++at)), 200);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
  });
  expect((await served.call('GET', 'site')).status).toBe(200);
  await Promise.all(ended);
  expect((await served.call('GET', 'site')).status).toBe(200);
  expect(await served.client().putBlob(whole)).toBe(digest);
}, 60_000);

test.each([
  ['a document that is too large', { body: { version: 1, kernel: 'x'.repeat(2 ** 21) } }, 413],
  ['a document that is none', { body: Buffer.from('{'), headers: { 'content-type': 'application/json' } }, 400],
  ['an unknown name', { body: { version: 1, kernel: '0'.repeat(64), colour: 'red' } }, 400],
  ['a name that every object has', { body: { version: 1, kernel: '0'.repeat(64), blobs: { constructor: '1' } } }, 400],
  ['another type', { body: Buffer.from('x'), headers: { 'content-type': 'text/plain' } }, 415],
])('%s is refused with a reason', async (_, given, status) => {
  await using served = await serveSite();
  const found = await served.call('POST', 'jobs', given);
  expect([found.status, found.code, found.message.length > 5]).toEqual([status, 'ERR_OPTION_INVALID', true]);
});

test.each([
  ['cut short', () => inputs(0, [5]).subarray(0, 20)],
  ['two frames', () => Buffer.concat([inputs(0, [1]), inputs(1, [1])])],
  ['fewer bytes than it says', () => frameOf({ from: 0, inputs: [9], last: true }, new Uint8Array(3))],
  ['an input that should be a blob', () => inputs(0, [65_537])],
  ['a blob that is not there', () => frameOf({ from: 0, inputs: ['0'.repeat(64)], last: true })],
  ['a place that is none', () => inputs(7, [1])],
  ['no frame at all', () => Buffer.alloc(100, 0xff)],
])('inputs that are %s are refused, and none is taken', async (_, frame) => {
  await using served = await serveSite();
  await submitted(served, served.token, 'job');
  const found = await served.call('POST', 'jobs/job/inputs', { body: frame() });
  expect(found.status).toBeGreaterThanOrEqual(400);
  expect(found.status).toBeLessThan(500);
  expect((await served.call('GET', 'jobs/job')).body).toMatchObject({ tasks: 0, sealed: false });
});

test('an account queues no more tasks than its quota, and may go on when some are done', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { tasksQueued: 3 } } });
  await submitted(served, token, 'job');
  const send = (from: number, count: number) =>
    served.call('POST', 'jobs/job/inputs', { token, body: inputs(from, new Array(count).fill(1)) });
  expect((await send(0, 2)).status).toBe(200);
  expect((await send(2, 2)).code).toBe('ERR_QUOTA_SPENT');
  // What is there already is no more.
  expect((await send(0, 2)).status).toBe(200);
  const { site } = served;
  const agent = await createAgent({
    ...{ site: site.url, token: served.token, data: join(served.folder, 'host'), isolation: 'thread' },
    policy: { version: 1, threads: 1, battery: 'always' },
  });
  const client = served.client(token);
  for await (const { index } of client.outcomes('job', 0)) if (index === 1) break;
  expect((await send(2, 2)).status).toBe(200);
  await agent.close();
});

test('an account that has used its fuel of the day is told when there is more, and may send then', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lab', 'submitter');
  const kernel = await served.client(token).putBlob(KERNEL);
  const submit = () => served.call('POST', 'jobs', { token, body: { version: 1, kernel } });
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { fuelPerDay: 0 } } });
  const refused = await submit();
  expect([refused.status, refused.code]).toEqual([429, 'ERR_QUOTA_SPENT']);
  expect(refused.message).toContain('renewed at midnight UTC');
  await served.call('PUT', 'accounts', { body: { id: 'lab', quotas: { fuelPerDay: 1_000 } } });
  expect((await submit()).status).toBe(200);
});

test('who follows a job is told of it until it is over', async () => {
  await using served = await serveSite();
  await submitted(served, served.token, 'job');
  const client = served.client();
  const states: string[] = [];
  for await (const { state } of client.follow('job')) {
    states.push(state);
    if (states.length === 1) await client.ask('cancel', { params: { job: 'job' } });
  }
  expect([states[0], states.at(-1)]).toEqual(['open', 'cancelled']);
});

test('a site with a certificate speaks TLS, and sends cookies over nothing else', async () => {
  const pem = (name: string) => readFileSync(join(import.meta.dirname, `../fixtures/tls/${name}.pem`), 'utf8');
  await using served = await serveSite({ tls: { key: pem('key'), cert: pem('cert') } });
  expect(served.site.url).toMatch(/^https:/);
  const client = createSiteClient(served.site.url, served.token, { patienceMs: 0, ca: pem('cert') });
  expect(await client.ask('who')).toMatchObject({ role: 'operator' });
  await client.close();
  const stranger = createSiteClient(served.site.url, served.token, { patienceMs: 0 });
  await expect(stranger.ask('who')).rejects.toMatchObject({ code: 'ERR_CONNECTION_UNSAFE' });
  await stranger.close();
});

test('those who watch a site see that it is well, its figures with a token, and what its interface is', async () => {
  await using served = await serveSite();
  expect((await served.call('GET', '/healthz', { token: null })).status).toBe(200);
  expect((await served.call('GET', '/metrics', { token: null })).status).toBe(401);
  const figures = (await served.call('GET', '/metrics')).bytes.toString();
  for (const name of ['lodger_hosts 0', 'lodger_jobs_open 0', 'lodger_answers_total{route="GET /healthz"', 'nodejs_'])
    expect(figures).toContain(name);
  const document = await served.call('GET', 'openapi.json', { token: null });
  expect(document.body).toEqual(JSON.parse(JSON.stringify(openapi(manifest.version))));
  expect((await served.call('GET', '/nothing')).code).toBe('ERR_NOT_FOUND');
});
