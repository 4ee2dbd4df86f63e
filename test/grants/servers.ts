// Servers on loopback for tests of http: what each path does, and a name server whose answers are told.
import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A server, and what reached it. */
export interface TestServer {
  readonly origin: string;
  readonly port: number;
  readonly seen: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
}

type Act = (request: IncomingMessage, response: ServerResponse, other: string) => void;

const MIB = 2 ** 20;
const BOMB = gzipSync(new Uint8Array(64 * MIB), { level: 9 });

/** By the first name of the path. `other` is an origin that redirects may lead to. */
const ACTS: Readonly<Record<string, Act>> = {
  hello: (_, response) => void response.end('hello'),
  echo: (request, response) => void request.pipe(response),
  missing: (_, response) => void response.writeHead(404).end('nothing here'),
  cookie: (_, response) => void response.writeHead(200, { 'set-cookie': 'a=b' }).end('baked'),
  loop: (_, response) => void response.writeHead(302, { location: '/loop' }).end(),
  chain: (request, response) => {
    const left = Number(request.url?.split('/')[2]);
    if (left > 0) response.writeHead(307, { location: `/chain/${left - 1}` }).end();
    else response.end('at the end');
  },
  away: (_, response, other) => void response.writeHead(302, { location: `${other}/hello` }).end('secret'),
  metadata: (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
  file: (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  see: (_, response) => void response.writeHead(303, { location: '/hello' }).end(),
  bomb: (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB),
  slow: (_, response) => void setTimeout(() => response.end('slow'), 400),
  silent: () => undefined,
  half: (_, response) => void response.writeHead(200, { 'content-length': '100' }).write('half'),
  // A byte now and then: never silent for long, never at an end.
  drip: (_, response) => {
    response.writeHead(200, { 'content-length': '100000' });
    const more = setInterval(() => (response.destroyed ? clearInterval(more) : response.write('.')), 20);
  },
  nowhere: (_, response) => void response.writeHead(302, { location: 'http://[' }).end(),
  nonsense: (_, response) => void response.socket?.end('what is no answer\r\n\r\n'),
  short: (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('short', () => response.destroy());
  },
  headers: (_, response) => void response.writeHead(200, { 'x-long': 'x'.repeat(40_000) }).end(),
  endless: (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(new Uint8Array(MIB))) void 0;
    };
    response.on('drain', more);
    more();
  },
};

export async function openServer(other = ''): Promise<TestServer> {
  const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  const server: Server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers });
    const act = ACTS[url.split('/')[1] ?? ''];
    if (act) act(request, response, other);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A name server on loopback, for A records: each question gets the next of the answers, the last one for ever. */
export async function openNameServer(answers: readonly string[]): Promise<{
  readonly address: string;
  questions(): number;
  close(): Promise<void>;
}> {
  const socket = createSocket('udp4');
  let asked = 0;
  socket.on('message', (question, { address, port }) => {
    // The name ends with a zero; its type and class are behind it.
    const end = question.indexOf(0, 12) + 5;
    const isA = question.readUInt16BE(end - 4) === 1;
    const head = Buffer.from(question.subarray(0, end));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(isA ? 1 : 0, 6);
    head.writeUInt32BE(0, 8);
    const ip = (answers[Math.min(asked, answers.length - 1)] ?? '').split('.').map(Number);
    if (isA) asked++;
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip]);
    socket.send(isA ? Buffer.concat([head, record]) : head, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  return {
    address: `127.0.0.1:${port}`,
    questions: () => asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
