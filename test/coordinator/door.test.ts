// Who is let in at a site's door: tokens, roles, sessions, tickets; and what is refused before anything is done.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRemote } from '../../host/agent/remote.ts';
import { DOOR } from '../../host/coordinator/ceilings.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { createAuth } from '../../host/coordinator/http/auth.ts';
import { ROUTES, type Route } from '../../host/wire/routes.ts';
import { scratch } from '../cli/lodger.ts';
import { serveSite } from './served.ts';

const DIGEST = '0'.repeat(64);
const filled = (path: string) =>
  path.replace(':digest', DIGEST).replace(':task', '0').replace(/:\w+/g, 'none').slice(1);
const guarded = Object.entries(ROUTES).filter(([, route]) => (route as Route).roles !== 'anyone');

test('no route but those of signing in answers without a token, or with one that is not known', async () => {
  await using served = await serveSite();
  for (const token of [null, 'lodger_operator_guessed', `${served.token}x`]) {
    for (const [name, { method, path }] of guarded) {
      const { status, code } = await served.call(method, filled(path), { token });
      expect({ name, status, code }).toEqual({ name, status: 401, code: 'ERR_ACCESS_DENIED' });
    }
  }
});

test('a token opens the routes of its role, and no other', async () => {
  await using served = await serveSite();
  for (const role of ['submitter', 'host'] as const) {
    const token = await served.tokenOf('someone', role);
    for (const [name, route] of guarded) {
      const { method, path, roles }: Route = route;
      if (name.endsWith('vents')) continue;
      const { status } = await served.call(method, filled(path), { token });
      expect({ name, isRefused: status === 403 }).toEqual({ name, isRefused: !roles.includes(role as never) });
    }
  }
});

test('a token ends when it is revoked, and when its time is over', async () => {
  await using served = await serveSite();
  await served.call('PUT', 'accounts', { body: { id: 'lab' } });
  const make = async (body: object) => (await served.call('POST', 'accounts/lab/tokens', { body })).body;
  const { token, id } = (await make({ role: 'submitter', name: 'desk' })) as { token: string; id: string };
  const past = (await make({ role: 'submitter', expires: Date.now() - 1 })) as { token: string };
  expect((await served.call('GET', 'who', { token })).body).toMatchObject({ account: 'lab', role: 'submitter' });
  expect((await served.call('GET', 'who', { token: past.token })).status).toBe(401);
  expect((await served.call('DELETE', `accounts/lab/tokens/${id}`)).status).toBe(204);
  const refused = await served.call('GET', 'who', { token });
  expect(refused).toMatchObject({ status: 401, body: { code: 'ERR_ACCESS_DENIED' } });
  expect((refused.body as { message: string }).message).toContain(
    'this token is not known, was revoked or has expired',
  );
});

test('the operator is told a token at the first start alone, and no token is on disk', async () => {
  await using served = await serveSite();
  const data = join(served.folder, 'data');
  await served.site.close();
  const file = join(served.folder, 'again');
  const again = await createCoordinator({ data, tokenFile: file });
  expect(again.operatorToken).toBeUndefined();
  expect(() => statSync(file)).toThrow();
  const known = await fetch(`${again.url}/api/1/who`, { headers: { authorization: `Bearer ${served.token}` } });
  expect(known.status).toBe(200);
  await again.close();
  expect(readFileSync(join(data, 'state', 'data.mdb')).includes(served.token.slice(16))).toBe(false);
});

test('a first start that fails leaves nobody locked out: the next one tells the token', async () => {
  await using folder = await scratch();
  await using taken = await serveSite();
  const data = join(folder.path, 'site');
  const nowhere = createCoordinator({ data, tokenFile: join(folder.path, 'no', 'such', 'folder') });
  await expect(nowhere).rejects.toMatchObject({ code: 'ERR_FILE' });
  const port = Number(new URL(taken.site.url).port);
  await expect(createCoordinator({ data, port })).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
  const site = await createCoordinator({ data });
  expect(site.operatorToken).toMatch(/^lodger_operator_/);
  expect(site.accounts.list().flatMap(({ tokens }) => tokens)).toHaveLength(1);
  await site.close();
});

test('a site listens to its own machine alone, and to others with TLS or where that is asked for', async () => {
  await using served = await serveSite();
  expect(new URL(served.site.url).hostname).toBe('127.0.0.1');
  const pem = (name: string) => readFileSync(join(import.meta.dirname, `../fixtures/tls/${name}.pem`), 'utf8');
  for (const more of [{ insecure: true }, { tls: { key: pem('key'), cert: pem('cert') } }]) {
    await using open = await serveSite({ host: '0.0.0.0', ...more });
    expect(new URL(open.site.url).hostname).toBe('0.0.0.0');
  }
});

test('the first token is written where only its owner can read it', async () => {
  await using folder = await scratch();
  const file = join(folder.path, 'token');
  await using served = await serveSite({ tokenFile: file });
  expect(readFileSync(file, 'utf8').trim()).toBe(served.token);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a page signs in with a token and gets a cookie that scripts and other pages cannot use', async () => {
  await using served = await serveSite();
  expect((await served.call('POST', 'session', { token: null, body: { token: 'guessed' } })).status).toBe(401);
  const signed = await served.call('POST', 'session', { token: null, body: { token: served.token } });
  const [cookie = '', ...attributes] = (signed.headers.get('set-cookie') ?? '').split('; ');
  expect(attributes).toEqual(expect.arrayContaining(['HttpOnly', 'SameSite=Strict', 'Path=/']));
  expect(cookie).not.toContain(served.token);
  const as = (headers: Record<string, string>, method = 'GET', path = 'who') =>
    served.call(method, path, { token: null, headers: { cookie, ...headers } });
  expect((await as({})).status).toBe(200);
  expect((await as({}, 'POST', 'tickets')).status).toBe(403);
  expect((await as({ origin: 'http://evil.example' }, 'POST', 'tickets')).status).toBe(403);
  expect((await as({ origin: served.site.url }, 'POST', 'tickets')).status).toBe(200);
  await as({ origin: served.site.url }, 'DELETE', 'session');
  expect((await as({})).status).toBe(401);
});

test('a visit signs nobody out: it gives a token and no cookie, and as many as strangers make leave sessions as they were', async () => {
  await using served = await serveSite();
  const signed = await served.call('POST', 'session', { token: null, body: { token: served.token } });
  const cookie = (signed.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const visit = await served.call('POST', 'visit', { token: null, headers: { cookie } });
  expect(visit.headers.get('set-cookie')).toBeNull();
  const { token } = visit.body as { token: string };
  expect((await served.call('GET', 'who', { token })).body).toMatchObject({ account: 'anonymous', role: 'host' });
  const auth = createAuth(served.site.accounts, Date.now, 'key');
  const { session } = auth.signIn(served.token);
  for (let visits = 0; visits <= DOOR.sessions.max; visits++) auth.visit();
  expect(auth.who({ cookie: `other=1; ${auth.cookie}=${session}` })).toMatchObject({ role: 'operator' });
});

test('requests of all visits from one address count together', async () => {
  await using served = await serveSite();
  const lefts: number[] = [];
  for (let visits = 0; visits < 3; visits++) {
    const { token } = (await served.call('POST', 'visit', { token: null })).body as { token: string };
    const { headers } = await served.call('GET', 'who', { token });
    lefts.push(DOOR.requestsVisitors.max - Number(headers.get('x-ratelimit-remaining')));
  }
  expect(lefts).toEqual([1, 2, 3]);
});

test('a ticket ends with the token that asked for it', async () => {
  await using served = await serveSite();
  const token = await served.tokenOf('owner', 'host');
  const { ticket } = (await served.call('POST', 'tickets', { token })).body as { ticket: string };
  const [{ id = '' } = {}] = served.site.accounts.list().find(({ id }) => id === 'owner')?.tokens ?? [];
  await served.call('DELETE', `accounts/owner/tokens/${id}`);
  const found = await opened(`${served.site.url}/connect?ticket=${ticket}`, ['lodger.1'], {});
  expect(found.status).toBe(401);
});

test.each([
  ['0.0.0.0', {}, 'loopback'],
  ['127.0.0.1', { data: '' }, 'data'],
  ['127.0.0.1', { port: 70_000 }, 'port'],
  ['127.0.0.1', { threads: 4 }, 'threads'],
])('a site on %s with %o does not start', async (host, more, says) => {
  const options = { data: '/nowhere/site', host, ...more } as Parameters<typeof createCoordinator>[0];
  await expect(createCoordinator(options)).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
    message: expect.stringContaining(says),
  });
});

test('two sites on one folder: the second does not start', async () => {
  await using served = await serveSite();
  const second = createCoordinator({ data: join(served.folder, 'data') });
  await expect(second).rejects.toMatchObject({ code: 'ERR_FILE' });
});

const opened = (url: string, protocols: string[], headers: Record<string, string>) =>
  new Promise<{ readonly socket: WebSocket; readonly status: number }>((resolve) => {
    const socket = new WebSocket(url.replace('http', 'ws'), protocols, { headers });
    socket.once('open', () => resolve({ socket, status: 101 }));
    socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve({ socket, status: statusCode }));
    socket.on('error', () => undefined);
  });
const closed = (socket: WebSocket) => new Promise<number>((resolve) => socket.once('close', resolve));

test('a WebSocket opens with a host token or a ticket, once, under the sub-protocol, and at /connect alone', async () => {
  await using served = await serveSite();
  const host = await served.tokenOf('owner', 'host');
  const submitter = await served.tokenOf('lab', 'submitter');
  const { url } = served.site;
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  const { ticket } = (await served.call('POST', 'tickets', { token: host })).body as { ticket: string };
  for (const [path, protocols, headers, status] of [
    ['/connect', ['lodger.1'], {}, 401],
    ['/connect', ['lodger.1'], as('guessed'), 401],
    ['/connect', ['lodger.1'], as(submitter), 403],
    ['/connect', ['lodger.9'], as(host), 426],
    ['/api/1/site', ['lodger.1'], as(host), 404],
    ['/connect', ['lodger.1'], as(host), 101],
    [`/connect?ticket=${ticket}`, ['lodger.1'], {}, 101],
    [`/connect?ticket=${ticket}`, ['lodger.1'], {}, 401],
  ] as const) {
    const found = await opened(url + path, [...protocols], headers);
    expect({ path, protocols, status: found.status }).toEqual({ path, protocols, status });
    // A client that offers to deflate is not taken at its word: it could fill memory with little.
    expect(found.socket.extensions).toBe('');
    found.socket.terminate();
  }
});

test.each([
  ['text', 'hello', 1008],
  ['garbage', Buffer.from([0xc1, 1, 2]), 1008],
  ['a message of no kind', Buffer.from([0x81, 0xa4, ...Buffer.from('type'), 0xa1, 0x78]), 1008],
  ['a frame over 1 MiB', Buffer.alloc(2 ** 20 + 1), 1009],
])('a host that sends %s is shown out, and the site goes on', async (_, data, code) => {
  await using served = await serveSite();
  const headers = { authorization: `Bearer ${served.token}` };
  const { socket } = await opened(`${served.site.url}/connect`, ['lodger.1'], headers);
  socket.send(data);
  expect(await closed(socket)).toBe(code);
  expect((await served.call('GET', 'site')).status).toBe(200);
});

test('a host whose token is revoked loses its connection', async () => {
  await using served = await serveSite();
  await served.call('PUT', 'accounts', { body: { id: 'owner' } });
  const made = await served.call('POST', 'accounts/owner/tokens', { body: { role: 'host' } });
  const { token, id } = made.body as { token: string; id: string };
  const headers = { authorization: `Bearer ${token}` };
  const { socket } = await opened(`${served.site.url}/connect`, ['lodger.1'], headers);
  const over = closed(socket);
  await served.call('DELETE', `accounts/owner/tokens/${id}`);
  expect(await over).toBe(1008);
  const remote = createRemote({ url: served.site.url, token, onBytes: () => undefined });
  await expect(
    remote.connect(
      () => undefined,
      () => undefined,
    ),
  ).rejects.toMatchObject({
    ...{ code: 'ERR_ACCESS_DENIED', message: expect.stringContaining('the token is not known to the site') },
  });
  await remote.close();
});
