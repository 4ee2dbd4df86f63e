// What the holder of origins does with names, addresses and servers that mean ill: each refusal has a message of its own.
import { Resolver } from 'node:dns/promises';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notPublic } from '../../host/grants/addresses.ts';
import { openRequests, type RequestsOptions } from '../../host/grants/http.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { HTTP } from '../../runtime/base/outside.ts';
import { Refusal } from '../../runtime/job/outside.ts';
import { openNameServer, openServer, type TestServer } from './servers.ts';

const NOTHING = new Uint8Array();
const METHODS = ['GET', 'POST'];

let server: TestServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

/** One task's requests to one origin. */
const requestsTo = (origin: string, options: RequestsOptions = {}) =>
  openRequests([{ origin, methods: METHODS }], options);

/** The status, or the message of the refusal. */
async function get(requests: ReturnType<typeof openRequests>, url: string, body = NOTHING): Promise<string> {
  try {
    const method = body.byteLength > 0 ? 'POST' : 'GET';
    return String((await requests.send({ method, url, body }, new AbortController().signal)).status);
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown.message;
    throw thrown;
  }
}

test.each([
  ...[
    ['0.0.0.0', 'of no host'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'private'],
    ['127.0.0.1', 'a loopback address'],
  ],
  ...[
    ['127.9.9.9', 'a loopback address'],
    ['169.254.169.254', 'link-local'],
    ['172.16.0.1', 'private'],
  ],
  ...[
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
  ],
  ...[
    ['224.0.0.1', 'for many hosts'],
    ['255.255.255.255', 'reserved'],
    ['::', 'reserved'],
    ['::1', 'a loopback address'],
  ],
  ...[
    ['fe80::1', 'link-local'],
    ['fd00::1', 'private'],
    ['ff02::1', 'for many hosts'],
    ['2001:db8::1', 'reserved'],
  ],
  ...[
    ['::ffff:127.0.0.1', 'reserved'],
    ['::127.0.0.1', 'reserved'],
    ['64:ff9b::7f00:1', 'reserved'],
  ],
  ...[
    ['2002:7f00:1::', 'an IPv4 address in another form'],
    ['2001::1', 'reserved'],
    ['100::1', 'reserved'],
  ],
  ...[
    ['nonsense', 'no address'],
    ['8.8.8.8', undefined],
    ['172.32.0.1', undefined],
    ['2606:4700::1111', undefined],
  ],
])('%s is %s', (address, what) => {
  expect(notPublic(String(address))).toBe(what);
});

test.each(['127.0.0.1', '10.0.0.7', '169.254.169.254', '::1', '::ffff:127.0.0.1'])(
  'a granted name that leads to %s is not followed there',
  async (address) => {
    const requests = requestsTo(`http://example.org:${server.port}`, { resolve: async () => ['8.8.8.8', address] });
    expect(await get(requests, `http://example.org:${server.port}/hello`)).toMatch(
      /^"example\.org" leads to \S+, which is .*; grant it by its address$/,
    );
    expect(requests.report()).toEqual([]);
    requests.close();
  },
);

test('localhost is this machine and nothing else, and an address that is granted is what it is', async () => {
  const local = `http://localhost:${server.port}`;
  const own = requestsTo(local, { resolve: async () => ['127.0.0.1'] });
  const other = requestsTo(local, { resolve: async () => ['10.0.0.1'] });
  const literal = requestsTo(server.origin, { resolve: () => Promise.reject(new Error('nothing is looked up')) });
  expect(await get(own, `${local}/hello`)).toBe('200');
  expect(await get(other, `${local}/hello`)).toBe(
    '"localhost" leads to 10.0.0.1, which is not of this machine; grant it by its address',
  );
  expect(await get(literal, `${server.origin}/hello`)).toBe('200');
  for (const requests of [own, other, literal]) requests.close();
});

test('a name whose answers change is looked up once for a task, and its address stays', async () => {
  // The first answer is this machine, which `localhost` may be; the later ones would lead elsewhere.
  const names = await openNameServer(['127.0.0.1', '127.0.0.99', '10.0.0.1']);
  const resolver = new Resolver();
  resolver.setServers([names.address]);
  const origin = `http://rebind.localhost:${server.port}`;
  const resolve = (host: string) => resolver.resolve4(host);
  const requests = requestsTo(origin, { resolve });
  for (let i = 0; i < 3; i++) expect(await get(requests, `${origin}/hello`)).toBe('200');
  // A connection that was ended is made again, to the same address.
  expect(await get(requests, `${origin}/short`)).toBe(`"${origin}": it ended the connection`);
  expect(await get(requests, `${origin}/hello`)).toBe('200');
  expect(names.questions()).toBe(1);
  requests.close();

  const next = requestsTo(origin, { resolve });
  expect(await get(next, `${origin}/hello`)).toBe(`"${origin}": it refused the connection`);
  const last = requestsTo(origin, { resolve });
  expect(await get(last, `${origin}/hello`)).toMatch(/leads to 10\.0\.0\.1, which is not of this machine/);
  expect(names.questions()).toBe(3);
  for (const one of [next, last]) one.close();
  await names.close();
});

test('a public name that answers with this machine is refused, whatever it answered before', async () => {
  const names = await openNameServer(['93.184.216.34', '127.0.0.1']);
  const resolver = new Resolver();
  resolver.setServers([names.address]);
  const origin = `http://example.org:${server.port}`;
  const resolve = (host: string) => resolver.resolve4(host);
  expect(await resolver.resolve4('example.org')).toEqual(['93.184.216.34']);
  const requests = requestsTo(origin, { resolve });
  expect(await get(requests, `${origin}/hello`)).toBe(
    '"example.org" leads to 127.0.0.1, which is a loopback address; grant it by its address',
  );
  requests.close();
  await names.close();
});

test('proxies of the environment are not asked', async () => {
  const proxy = await openServer();
  const before = { ...process.env };
  for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'NODE_USE_ENV_PROXY']) process.env[name] = proxy.origin;
  const requests = requestsTo(server.origin);
  expect(await get(requests, `${server.origin}/hello`)).toBe('200');
  expect(proxy.seen).toEqual([]);
  process.env = before;
  requests.close();
  await proxy.close();
});

const few = (changes: Partial<Record<keyof typeof HTTP, number>>) => ({ ceilings: { ...defaults(HTTP), ...changes } });

test.each([
  [{ requests: 2 }, ['hello', 'hello', 'hello'], 'over 2 requests were sent by this task'],
  [{ requests: 3 }, ['chain/3'], 'over 3 requests were sent by this task'],
  [{ redirects: 1 }, ['chain/2'], 'was redirected over 1 times'],
  [{ bodyBytes: 4 }, ['hello'], 'its answer has over 4 bytes'],
  [{ bytesReceived: 9 }, ['hello', 'hello'], 'over 9 bytes were received by this task'],
  [{ bytesSent: 7 }, ['echo', 'echo'], 'over 7 bytes were sent by this task'],
  [{ headerBytes: 1_024 }, ['headers'], 'its headers are too long'],
  [{ requestMs: 150 }, ['silent'], 'no whole answer within 150 ms'],
  [{ requestMs: 150 }, ['half'], 'no whole answer within 150 ms'],
  [{ requestMs: 150 }, ['drip'], 'no whole answer within 150 ms'],
  [{}, ['nowhere'], 'it was redirected to "http://[", which is no address'],
  [{}, ['nonsense'], 'it gave no answer that is understood ('],
  [{ bodyBytes: 1_000 }, ['bomb'], 'its answer has over 1000 bytes'],
])('with ceilings of %o a task that asks for %j is told: %s', async (changes, paths, says) => {
  const requests = requestsTo(server.origin, few(changes));
  const body = paths[0] === 'echo' ? Uint8Array.of(1, 2, 3, 4) : NOTHING;
  let last = '';
  for (const path of paths) last = await get(requests, `${server.origin}/${path}`, body);
  expect(last).toContain(says);
  requests.close();
});

test.each([
  ['ENOTFOUND', 'there is no such name'],
  ['EAI_AGAIN', 'its name could not be looked up'],
  ['EHOSTUNREACH', 'it cannot be reached'],
])('a name for which the system says %s is a refusal: %s', async (code, says) => {
  const resolve = () => Promise.reject(Object.assign(new Error('no'), { code }));
  const requests = requestsTo('http://nobody.invalid', { resolve });
  expect(await get(requests, 'http://nobody.invalid/')).toBe(`"http://nobody.invalid": ${says}`);
  requests.close();
});

test('a name without addresses, a port where nobody is, and a name server that stays silent are refusals', async () => {
  const empty = requestsTo('http://empty.example', { resolve: async () => [] });
  expect(await get(empty, 'http://empty.example/')).toBe('"empty.example" leads to no address');
  const gone = await openServer();
  await gone.close();
  const requests = requestsTo(gone.origin);
  expect(await get(requests, `${gone.origin}/`)).toBe(`"${gone.origin}": it refused the connection`);
  const late = requestsTo('http://slow.example', {
    resolve: () => new Promise(() => undefined),
    ...few({ requestMs: 100 }),
  });
  expect(await get(late, 'http://slow.example/')).toBe('"http://slow.example": no whole answer within 100 ms');
});
