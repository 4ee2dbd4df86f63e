// Requests of callers to servers that are silent, endless, slow or gone: each ends, with an answer or an error.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRequests, type RequestsOptions } from '../../host/client/requests.ts';

const SILENT_MS = 300;
const GET = { method: 'GET', headers: {} };

async function served(listener: RequestListener): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

function requestsWith(options: Partial<RequestsOptions> = {}) {
  const requests = createRequests({ connectMsMax: 5_000, silentMsMax: SILENT_MS, tls: {}, ...options });
  onTestFinished(requests.close);
  return requests;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('an answer that does not begin, and one that does not go on, end with an error', async () => {
  const { url } = await served(({ url: path }, response) => {
    if (path === '/begun') response.write('a part');
  });
  const { request } = requestsWith();
  await expect(request(url, GET)).rejects.toThrow('no word for 300 ms');
  const { body } = await request(`${url}begun`, GET);
  await expect(textOf(body)).rejects.toThrow();
});

test('an answer that is read later than others would be silent comes whole', async () => {
  const sent = Buffer.alloc(4 * 2 ** 20, 'x');
  const { url } = await served((_, response) => response.end(sent));
  const { request } = requestsWith({ silentMsMax: 50 });
  const { body } = await request(url, GET);
  // Nothing moves on the connection for as long as it would take to be given up twice.
  for (let turns = 0; turns < 2; turns++)
    await new Promise((resolve) => (body as unknown as IncomingMessage).socket.once('timeout', resolve));
  expect((await textOf(body)).length).toBe(sent.length);
});

test('an endless answer that nobody wants is broken off', async () => {
  let ended: (() => void) | undefined;
  const over = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const { url } = await served((_, response) => {
    const more = () => response.write(Buffer.alloc(64 * 1024), more);
    response.on('close', () => ended?.());
    more();
  });
  const { body } = await requestsWith().request(url, GET);
  await body.dump();
  await over;
});

test('a body goes out whole, in one piece or many, and a connection is used again', async () => {
  const ports = new Set<number | undefined>();
  const { url } = await served((request, response) => {
    ports.add(request.socket.remotePort);
    void textOf(request).then((text) => {
      const said = `${request.headers['content-length']} ${text}`;
      response.setHeader('content-length', said.length).end(said);
    });
  });
  const { request } = requestsWith();
  const bodies = ['text', Buffer.from('text'), [Buffer.from('te'), Buffer.from('xt')]];
  for (const body of bodies) {
    const answer = await request(url, { method: 'PUT', headers: { 'content-length': '4' }, body });
    expect(await textOf(answer.body)).toBe('4 text');
  }
  const head = await request(url, { method: 'HEAD', headers: {} });
  await head.body.dump();
  await (await request(url, GET)).body.dump();
  expect(ports.size).toBe(1);
});

test('no more connections are made than were allowed, and what waits for one is answered', async () => {
  const ports = new Set<number | undefined>();
  const { url } = await served((request, response) => {
    ports.add(request.socket.remotePort);
    response.end('x');
  });
  const { request } = requestsWith({ connections: 2 });
  const texts = Array.from({ length: 20 }, async () => textOf((await request(url, GET)).body));
  expect((await Promise.all(texts)).join('')).toBe('x'.repeat(20));
  expect(ports.size).toBe(2);
});

test.each(['close', 'signal'] as const)('what is under way, and what waits, ends with a %s', async (how) => {
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const { url } = await served(() => arrive());
  const { request, close } = requestsWith({ connections: 1, silentMsMax: 60_000 });
  const leaving = new AbortController();
  const asked = [1, 2].map(() => request(url, { ...GET, signal: leaving.signal }));
  const ended = Promise.allSettled(asked);
  await arrived;
  if (how === 'close') await close();
  else leaving.abort();
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  if (how === 'close') await expect(request(url, GET)).rejects.toThrow('it is closed');
});

test('a server that breaks off, or speaks something else, is an error of the network', async () => {
  const server = createSocketServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      if (data.toString().startsWith('GET /other')) socket.end('SSH-2.0-OpenSSH\r\n');
      else if (data.toString().startsWith('GET /more'))
        socket.end('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n');
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { request } = requestsWith();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (const path of ['', 'other', 'more']) await expect(request(url + path, GET)).rejects.toThrow(Error);
});
