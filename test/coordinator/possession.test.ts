// Blobs are read by those who have brought them, or were given them: a host cannot hand on what it only knows the digest of.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAgent } from 'lodger/host';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRemote } from '../../host/agent/remote.ts';
import { frameOf } from '../../host/wire/frame.ts';
import { encodeFrame, PROTOCOL, parseToHost } from '../../host/wire/site.ts';
import { createEcho, type EchoHost } from '../site/echo.ts';
import { serveSite } from './served.ts';

const KERNEL = readFileSync(join(import.meta.dirname, '../../dist/kernels/echo.wasm'));
const digestOf = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const secret = randomBytes(100_000);

test.each([
  ['only knows the digest of is no output, and not readable by', false, 404],
  ['has brought, too, is one, and readable by', true, 200],
])("what a host %s the job's account", async (_, brings, status) => {
  await using served = await serveSite();
  const [victim, spy] = [await served.tokenOf('victim', 'submitter'), await served.tokenOf('spy', 'submitter')];
  const name = digestOf(secret);
  await served.call('PUT', `blobs/${name}`, { token: victim, body: secret });
  const hosts: EchoHost[] = [];
  for (const account of ['one', 'other']) {
    const token = await served.tokenOf(account, 'host');
    expect((await served.call('GET', `blobs/${name}`, { token })).status).toBe(404);
    expect((await served.call('HEAD', `blobs/${name}`, { token })).status).toBe(404);
    if (brings) expect((await served.call('PUT', `blobs/${name}`, { token, body: secret })).status).toBe(201);
    const answer = () => ({ code: '', output: name, fuel: 1 });
    const host = createEcho({ caller: { account, role: 'host' }, answer });
    host.join(served.site.site);
    hosts.push(host);
  }
  const client = served.client(spy);
  const kernel = await client.putBlob(KERNEL);
  await client.ask('submit', { json: { version: 1, kernel, id: 'job' } });
  const body = frameOf({ from: 0, inputs: [1], last: true }, new Uint8Array(1));
  await served.call('POST', 'jobs/job/inputs', { token: spy, body });
  for await (const { state } of client.outcomes('job', 0)) expect(state).toBe(brings ? 'done' : 'failed');
  expect((await served.call('GET', `blobs/${name}`, { token: spy })).status).toBe(status);
  for (const host of hosts) host.leave();
});

test('hosts of two owners each bring the same large output, and read inputs that others have brought', async () => {
  await using served = await serveSite();
  const input = randomBytes(9 * 2 ** 20);
  const token = await served.tokenOf('lab', 'submitter');
  const agents = [];
  for (const account of ['one', 'other'])
    agents.push(
      await createAgent({
        ...{ site: served.site.url, token: await served.tokenOf(account, 'host'), isolation: 'thread' },
        data: join(served.folder, account),
        policy: { version: 1, threads: 1, battery: 'always', memoryFreeBytesMin: 0, diskFreeBytesMin: 0 },
      }),
    );
  const client = served.client(token);
  const kernel = await client.putBlob(KERNEL);
  const limits = { inputBytesMax: 2 ** 24, outputBytesMax: 2 ** 24, memoryBytesMax: 2 ** 26 };
  await client.ask('submit', { json: { version: 1, kernel, id: 'job', limits, wait: false } });
  const digest = await client.putBlob(input);
  await served.call('POST', 'jobs/job/inputs', { token, body: frameOf({ from: 0, inputs: [digest], last: true }) });
  for await (const { state, output, runs } of client.outcomes('job', 0))
    expect({ state, output, runs }).toEqual({ state: 'done', output: digest, runs: 2 });
  for (const agent of agents) await agent.close();
});

test('a host with a lease of before reads its input when the site has been started again', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('lender', 'host');
  const lab = await served.tokenOf('lab', 'submitter');
  const client = served.client(lab);
  const kernel = await client.putBlob(KERNEL);
  const digest = await client.putBlob(secret);
  await client.ask('submit', { json: { version: 1, kernel, id: 'job' } });
  const leased = new Promise((resolve) => {
    const url = `${served.site.url.replace('http', 'ws')}/connect`;
    const socket = new WebSocket(url, PROTOCOL, { headers: { authorization: `Bearer ${token}` } });
    const closed = () => socket.terminate();
    const echo = createEcho({
      hears: (message) => {
        if (message.type === 'lease') resolve(message.inputs[0]);
        return message.type !== 'lease';
      },
    });
    echo.join({
      connect: (_, hear) => {
        socket.on('message', (data) => hear(parseToHost(data as Buffer)));
        return { hear: (message) => socket.send(encodeFrame(message)), closed };
      },
    } as Parameters<EchoHost['join']>[0]);
  });
  await served.call('POST', 'jobs/job/inputs', {
    token: lab,
    body: frameOf({ from: 0, inputs: [digest], last: true }),
  });
  expect(await leased).toBe(digest);
  await served.site.close();
  await using again = await serveSite({ data: join(served.folder, 'data') });
  for (const [name, status] of [
    [digest, 200],
    [kernel, 200],
    [digestOf(Buffer.of(1)), 404],
  ] as const)
    expect((await again.call('GET', `blobs/${name}`, { token })).status).toBe(status);
  const stranger = await again.tokenOf('other', 'host');
  expect((await again.call('GET', `blobs/${digest}`, { token: stranger })).status).toBe(404);
});

test('two hosts of one token that bring the same blob at once both get it there', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('one', 'host');
  const bytes = randomBytes(20 * 2 ** 20);
  const remotes = [1, 2].map(() => createRemote({ url: served.site.url, token, onBytes: () => undefined }));
  await Promise.all(remotes.map((remote) => remote.write(digestOf(bytes), bytes)));
  expect((await served.call('HEAD', `blobs/${digestOf(bytes)}`, { token })).status).toBe(200);
  for (const remote of remotes) await remote.close();
});

test('parts of a blob are apart: nobody spoils or sees what another one has not brought whole', async () => {
  await using served = await serveSite();
  const [one, other] = [await served.tokenOf('one', 'submitter'), await served.tokenOf('other', 'submitter')];
  const path = `blobs/${digestOf(secret)}`;
  const range = (from: number, to: number) => ({ 'content-range': `bytes ${from}-${to - 1}/${secret.length}` });
  const spoiled = Buffer.alloc(50_000);
  expect((await served.call('PUT', path, { token: one, body: spoiled, headers: range(0, 50_000) })).status).toBe(308);
  expect((await served.call('HEAD', path, { token: other })).headers.get('upload-offset')).toBe('0');
  for (const [from, to, status] of [
    [0, 60_000, 308],
    [60_000, 100_000, 201],
  ] as const) {
    const body = secret.subarray(from, to);
    expect((await served.call('PUT', path, { token: other, body, headers: range(from, to) })).status).toBe(status);
  }
  const rest = { token: one, body: secret.subarray(50_000), headers: range(50_000, 100_000) };
  expect((await served.call('PUT', path, rest)).status).toBe(422);
  expect((await served.call('GET', path, { token: one })).status).toBe(404);
  expect((await served.call('GET', path, { token: other })).bytes.equals(secret)).toBe(true);
});
