// What people whom nobody knows may take of a site, by the address that they come from; and what a site believes of the proxy before it.
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { DOOR } from '../../host/coordinator/ceilings.ts';
import { createProxies } from '../../host/coordinator/http/address.ts';
import { createPace, WINDOW_MS } from '../../host/coordinator/http/pace.ts';
import { encodeFrame, parseToHost } from '../../host/wire/site.ts';
import { createEcho, type EchoHost } from '../site/echo.ts';
import { type Served, serveSite } from './served.ts';

test.each([
  [[], '10.0.0.1', '8.8.8.8', '10.0.0.1'],
  [['127.0.0.1'], '127.0.0.1', undefined, '127.0.0.1'],
  [['127.0.0.1'], '::ffff:127.0.0.1', '1.1.1.1, 8.8.8.8', '8.8.8.8'],
  [['10.0.0.0/8'], '10.1.2.3', '1.1.1.1, 8.8.8.8, 10.9.9.9', '8.8.8.8'],
  [['10.0.0.0/8'], '11.1.2.3', '8.8.8.8', '11.1.2.3'],
  [['::1'], '::1', '2001:db8::7', '2001:db8::7'],
  [['127.0.0.1'], '127.0.0.1', 'not an address', '127.0.0.1'],
])('with proxies %j, a request from %s for "%s" is one of %s', (trusted, connection, named, address) => {
  const headers = named === undefined ? {} : { 'x-forwarded-for': named };
  expect(createProxies(trusted).addressOf(connection, headers)).toBe(address);
});

test('what is no address is no proxy', () => {
  for (const text of ['proxy.example', '10.0.0.0/99', '*', ''])
    expect(() => createProxies([text])).toThrow(/addresses of proxies/);
});

const session = ({ call, token }: Served, headers: Record<string, string>) =>
  call('POST', 'session', { token: null, body: { token }, headers });

test.each([
  [['127.0.0.1'], true],
  [[], false],
])('behind TLS of proxies %j cookies are for TLS alone: %s', async (trustProxy, secure) => {
  await using served = await serveSite({ trustProxy });
  const proxied = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'grid.example' };
  const signed = await session(served, proxied);
  const [cookie = '', ...attributes] = (signed.headers.get('set-cookie') ?? '').split('; ');
  expect(attributes.includes('Secure')).toBe(secure);
  const headers = { cookie, origin: 'https://grid.example', ...proxied };
  expect((await served.call('POST', 'tickets', { token: null, headers })).status).toBe(secure ? 200 : 403);
});

test('nobody is signed in by a page of others', async () => {
  await using served = await serveSite();
  expect((await session(served, { origin: 'http://evil.example' })).status).toBe(401);
  expect((await session(served, { origin: 'null' })).status).toBe(401);
  expect((await session(served, { origin: served.site.url })).status).toBe(200);
});

test('two sites on one machine leave each other signed in', async () => {
  await using one = await serveSite();
  await using other = await serveSite();
  const cookies = await Promise.all(
    [one, other].map(async (served) => ((await session(served, {})).headers.get('set-cookie') ?? '').split(';')[0]),
  );
  const headers = { cookie: cookies.join('; ') };
  for (const served of [one, other])
    expect((await served.call('GET', 'who', { token: null, headers })).body).toMatchObject({ role: 'operator' });
});

/** What a site says before anybody listens. */
const early = new WeakMap<WebSocket, Buffer[]>();

async function visitor({ call, site }: Served, from: string): Promise<WebSocket | number> {
  const { token } = (await call('POST', 'visit', { token: null })).body as { token: string };
  const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': from };
  const socket = new WebSocket(`${site.url.replace('http', 'ws')}/connect`, ['lodger.1'], { headers });
  onTestFinished(() => socket.terminate());
  const heard: Buffer[] = [];
  early.set(socket, heard);
  socket.on('message', (data: Buffer) => void heard.push(data));
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.once('open', () => resolve(socket));
    socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
  });
}
const ended = (socket: WebSocket) =>
  new Promise<string>((resolve) => socket.once('close', (_, reason) => resolve(reason.toString())));

test('tabs of one address get so many connections, and leave room for those of others', async () => {
  await using served = await serveSite({ trustProxy: ['127.0.0.1'] });
  const open: (WebSocket | number)[] = [];
  for (let each = 0; each < DOOR.visitorSockets.max; each++) open.push(await visitor(served, '8.8.8.8'));
  expect(open.filter((each) => typeof each === 'number')).toEqual([]);
  expect(await visitor(served, '8.8.8.8')).toBe(429);
  expect(await visitor(served, '9.9.9.9')).toBeInstanceOf(WebSocket);
  const [first] = open as WebSocket[];
  const over = ended(first as WebSocket);
  first?.terminate();
  await over;
  await expect.poll(() => visitor(served, '8.8.8.8')).toBeInstanceOf(WebSocket);
});

test('a tab that says more than tabs do is read slower and goes on; one that does not say who it is in time is shown out', async () => {
  await using served = await serveSite();
  const silent = ended((await visitor(served, '')) as WebSocket);
  const socket = (await visitor(served, '')) as WebSocket;
  const host: EchoHost = await new Promise((welcomed) => {
    const echo = createEcho({
      pulls: 0,
      hears: ({ type }) => void (type === 'welcome' && setImmediate(() => welcomed(echo))),
    });
    echo.join({
      connect: (_, hear) => {
        const next = (data: Buffer) => setImmediate(() => hear(parseToHost(data)));
        for (const data of early.get(socket) ?? []) next(data);
        socket.on('message', next);
        return { hear: (message) => socket.send(encodeFrame(message)), closed: () => undefined };
      },
    });
  });
  const messages = DOOR.messagesVisitor.max + 200;
  for (let said = 0; said < messages; said++)
    host.say({ type: 'beat', paused: said < messages - 1 ? null : 'hidden', load: null, progress: [] });
  await expect
    .poll(() => served.site.site.hosts({ account: 'operator', role: 'operator' })[0]?.paused, { timeout: 20_000 })
    .toBe('hidden');
  expect(socket.readyState).toBe(WebSocket.OPEN);
  await silent;
}, 40_000);

test('a connection is read at its pace, with as much ahead as a window allows', () => {
  let now = 5;
  const pace = createPace(2_000, () => now);
  const say = (messages: number) => Math.max(...Array.from({ length: messages }, pace));
  expect(say(2_000)).toBe(0);
  expect(say(1)).toBe(5);
  expect(say(1)).toBe(10);
  now += 10;
  expect(say(1)).toBe(5);
  now += WINDOW_MS / 2;
  expect(say(999)).toBe(0);
  expect(say(1)).toBe(5);
  expect(say(100_000)).toBe(WINDOW_MS);
  now += 1_000_000;
  expect(say(2_000)).toBe(0);
  expect(say(1)).toBe(5);
});
