// Blobs between hosts of one network: taken from a neighbour instead of the site, given to nobody without a ticket, and checked whatever comes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Kernel } from 'lodger';
import { type Agent, connect, createCoordinator } from 'lodger/host';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startServing } from '../../host/agent/serving.ts';
import { ANONYMOUS } from '../../host/coordinator/belief.ts';
import { neighbourHandlers } from '../../host/coordinator/http/handle-neighbours.ts';
import type { Shown } from '../../host/coordinator/http/shown.ts';
import { createNeighbours, isNear } from '../../host/coordinator/neighbours.ts';
import { makeTicket } from '../../host/platform/tickets.ts';
import { DO, guest, inputOf, markOf } from '../pool/guest.ts';
import { scratch, startAgent } from './started.ts';

const DIGEST = 'ab'.repeat(32);
const POLICY = { version: 1, threads: 1, memoryFreeBytesMin: 0, diskFreeBytesMin: 0 } as const;
const LOCAL = { ...POLICY, neighbours: { address: '127.0.0.1' } } as const;

let kernel: Kernel;
beforeAll(async () => {
  kernel = await guest();
});

interface Town {
  readonly url: string;
  readonly token: string;
  /** Runs a task with a large input of this mark on whoever is there. */
  run(mark: number): Promise<void>;
  join(policy: typeof POLICY | typeof LOCAL): Promise<Agent>;
  /** A call of the site's HTTP interface. */
  call(method: string, path: string, json?: unknown, token?: string): Promise<Response>;
}

async function town(): Promise<Town> {
  const site = await createCoordinator({ data: join(await scratch(), 'site') });
  onTestFinished(() => site.close());
  const { url, operatorToken: token = '' } = site;
  const runner = await connect(url, token);
  onTestFinished(() => runner.close());
  return {
    url,
    token,
    run: async (mark) => {
      const input = inputOf(DO.echo, mark, 300_000);
      const outcome = await runner.run({ kernel, input });
      expect(outcome.state === 'done' && markOf(outcome.output)).toBe(mark);
    },
    join: async (policy) => (await startAgent({ site: url, token, policy })).agent,
    call: (method, path, json, by = token) =>
      fetch(`${url}/api/1${path}`, {
        method,
        headers: { authorization: `Bearer ${by}`, ...(json !== undefined && { 'content-type': 'application/json' }) },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      }),
  };
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it never came to this: ${what}`);
}

/** Resolves when the site names somebody who has the kernel. */
const isNamed = (place: Town) =>
  until('the site knows a neighbour', async () => {
    const answer = await place.call('GET', `/blobs/${kernel.digest}/neighbours`);
    return ((await answer.json()) as unknown[]).length > 0;
  });

test('a host whose owner allows it takes a kernel from its neighbour, not from the site', async () => {
  const place = await town();
  const first = await place.join(LOCAL);
  await place.run(1);
  await first.pause();
  const second = await place.join(LOCAL);
  await isNamed(place);
  await place.run(2);
  expect(second.status().neighbourBytesCame).toBe(kernel.bytes.byteLength);
  expect(first.status().neighbourBytesWent).toBe(kernel.bytes.byteLength);
}, 60_000);

test('an owner who says nothing of neighbours gives them nothing, and asks none', async () => {
  const place = await town();
  const first = await place.join(LOCAL);
  await place.run(1);
  await isNamed(place);
  await first.pause();
  const second = await place.join(POLICY);
  await place.run(2);
  expect(second.status()).toMatchObject({ neighbourBytesCame: 0, neighbourBytesWent: 0, tasksDone: 1 });
  expect(first.status().neighbourBytesWent).toBe(0);
}, 60_000);

test.each([
  ['other bytes', (bytes: Uint8Array) => Buffer.from(bytes).reverse()],
  ['half of them', (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, bytes.byteLength >> 1)).fill(7)],
])(
  'a neighbour that gives %s spoils nothing: the site is asked',
  async (_name, spoil) => {
    let asked = 0;
    const liar = createServer((_request, response) => {
      asked += 1;
      response.writeHead(200, { 'content-length': kernel.bytes.byteLength });
      response.write(spoil(kernel.bytes), () => response.destroy());
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void liar.close());
    const place = await town();
    const { port } = liar.address() as AddressInfo;
    const holds = { port, secret: 'cd'.repeat(32), holds: [kernel.digest] };
    expect((await place.call('PUT', '/neighbours', holds)).status).toBe(200);
    const host = await place.join(LOCAL);
    await place.run(3);
    expect(asked).toBeGreaterThan(0);
    expect(host.status()).toMatchObject({ neighbourBytesCame: 0, tasksDone: 1, tasksFailed: 0 });
  },
  60_000,
);

test('a tab of nobody asks only the site: it is told of no neighbours, and announces nothing', () => {
  const neighbours = createNeighbours(() => 0);
  const shown = { mayRead: () => true } as unknown as Shown;
  const { announce, neighbours: find } = neighbourHandlers({ neighbours, shown, clock: () => 0 });
  const call = {
    caller: { account: ANONYMOUS, role: 'host', token: 't' },
    request: { ip: '127.0.0.1' },
    params: { digest: DIGEST },
  };
  for (const act of [announce, find])
    expect(() => act({ ...call, body: { port: 1, secret: 'ab'.repeat(32), holds: [DIGEST] } } as never)).toThrow(
      'ask the site',
    );
});

test('neighbours are named to hosts whose leases name the blob, and to nobody else', async () => {
  const place = await town();
  await place.call('PUT', '/accounts', { id: 'other' });
  const other = await place.call('POST', '/accounts/other/tokens', { role: 'host', name: 'h' });
  const { token } = (await other.json()) as { token: string };
  const host = await place.join(LOCAL);
  await place.run(1);
  await isNamed(place);
  expect(host.status().tasksDone).toBe(1);
  const answer = await place.call('GET', `/blobs/${kernel.digest}/neighbours`, undefined, token);
  expect([answer.status, await answer.json()]).toEqual([200, []]);
  const visit = (await (await fetch(`${place.url}/api/1/visit`, { method: 'POST' })).json()) as { token: string };
  expect((await place.call('GET', `/blobs/${kernel.digest}/neighbours`, undefined, visit.token)).status).toBe(403);
  expect((await place.call('PUT', '/neighbours', { port: 0 })).status).toBe(400);
}, 60_000);

describe('what a host serves', () => {
  const BYTES = Buffer.alloc(200_000, 9);
  async function served(uploadBytesPerSecondMax: number) {
    const { writeFile } = await import('node:fs/promises');
    const path = join(await scratch(), DIGEST);
    await writeFile(path, BYTES);
    const serving = await startServing({
      terms: { address: '127.0.0.1', port: 0, uploadBytesPerSecondMax },
      pathOf: (digest) => (digest === DIGEST ? path : undefined),
      siteClock: () => 1_000,
    });
    onTestFinished(() => serving.close());
    const get = (url: string, ticket: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${serving.port}${url}`, { headers: { authorization: `Bearer ${ticket}`, ...headers } });
    return { serving, get };
  }

  test('is a blob for a ticket of that blob that is still good, from any place on, and nothing for anything else', async () => {
    const { serving, get } = await served(1e9);
    const ticket = (digest: string, until = 1_000, secret = serving.secret) => makeTicket(secret, { digest, until });
    const whole = await get(`/blobs/${DIGEST}`, ticket(DIGEST));
    expect([whole.status, Buffer.from(await whole.arrayBuffer()).equals(BYTES)]).toEqual([200, true]);
    const part = await get(`/blobs/${DIGEST}`, ticket(DIGEST), { range: 'bytes=199999-' });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 1]);
    const other = 'cd'.repeat(32);
    const refused: [string, string, number][] = [
      [`/blobs/${DIGEST}`, '', 403],
      [`/blobs/${DIGEST}`, ticket(other), 403],
      [`/blobs/${DIGEST}`, ticket(DIGEST, 999), 403],
      [`/blobs/${DIGEST}`, ticket(DIGEST, 1_000, 'ee'.repeat(32)), 403],
      [`/blobs/${DIGEST}`, `2000.${ticket(DIGEST).split('.')[1]}`, 403],
      [`/blobs/${other}`, ticket(other), 404],
      ['/blobs/..%2f..%2fetc%2fpasswd', ticket(DIGEST), 404],
      ['/', ticket(DIGEST), 404],
    ];
    for (const [url, given, status] of refused) expect([url, (await get(url, given)).status]).toEqual([url, status]);
  });

  test('goes out no faster than its owner allows', async () => {
    const { serving, get } = await served(1);
    const answer = await get(`/blobs/${DIGEST}`, makeTicket(serving.secret, { digest: DIGEST, until: 1_000 }));
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(serving.bytes()).toBeLessThan(BYTES.byteLength);
    await reader.cancel();
  });
});

describe('near is', () => {
  test.each([
    ['10.0.0.1', '10.0.0.77', true],
    ['10.0.0.1', '10.0.1.1', false],
    ['::ffff:10.0.0.1', '10.0.0.2', true],
    ['::1', '127.0.0.1', false],
    ['2001:db8::1', '2001:db8::ffff', true],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
    ['fe80::1%eth0', 'fe80::2', true],
  ])('%s and %s: %s', (one, other, near) => {
    expect(isNear(one, other)).toBe(near);
  });

  test('at most three are named, only those that are near and have it, and each for a minute', () => {
    let now = 0;
    const neighbours = createNeighbours(() => now);
    const announce = (address: string, port: number, holds = [DIGEST]) =>
      neighbours.announce({ token: 't', address }, { port, secret: 'ab'.repeat(32), holds });
    for (let port = 1; port <= 9; port += 1) announce('10.0.0.1', port);
    announce('10.9.0.1', 10);
    announce('10.0.0.1', 11, []);
    const offers = () => neighbours.offers({ token: 'u', address: '10.0.0.5' }, DIGEST);
    expect(offers()).toHaveLength(3);
    for (const { url } of offers()) expect(url).toMatch(/^http:\/\/10\.0\.0\.1:[1-9]\/blobs\/(?:ab){32}$/);
    now = 60_001;
    expect(offers()).toEqual([]);
  });
});
