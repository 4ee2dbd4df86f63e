// Hosts' connections: WebSockets at /connect, opened by a token or a ticket, each handed to the site as what it says.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { LodgerError } from '../../../runtime/base/errors.ts';
import { SITE } from '../../wire/ceilings.ts';
import { encodeFrame, PROTOCOL, parseFromHost } from '../../wire/site.ts';
import type { Accounts, Known } from '../accounts.ts';
import { ANONYMOUS } from '../belief.ts';
import { DOOR } from '../ceilings.ts';
import type { HostConnection, Site } from '../contracts.ts';
import type { Proxies } from './address.ts';
import type { Auth } from './auth.ts';
import { createPace } from './pace.ts';
import type { Shown } from './shown.ts';
import { createTurns, type Turns } from './turns.ts';

/** Reports of a host that wait to be checked while it gets more to do. */
const AHEAD_MAX = 2;

/** WebSocket's codes for "against the rules", and for "going away". */
const AGAINST_RULES = 1008;
const GOING = 1001;
/** What stands for a connection that ended without a word. */
const BROKEN = 1006;
const REASON_BYTES_MAX = 120;

export interface SocketParts {
  readonly site: Site;
  readonly auth: Auth;
  readonly accounts: Accounts;
  readonly shown: Shown;
  readonly log: FastifyBaseLogger;
  readonly proxies: Proxies;
}

/** Takes WebSockets on a server. `close` ends them all. */
export function takeSockets(server: Server, parts: SocketParts): { close(): void } {
  const { auth, accounts, proxies } = parts;
  limitConnections(server, proxies);
  const wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: SITE.frameBytes.max,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  const turns = createTurns();
  const byToken = new Map<string, Set<WebSocket>>();
  /** Connected tabs that nobody answers for, by address. */
  const visitors = new Map<string, number>();
  accounts.onRevoked((token) => {
    for (const socket of byToken.get(token) ?? []) socket.close(AGAINST_RULES, 'the token was revoked');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const caller = callerOf(request, auth);
    const address = proxies.addressOf(request.socket.remoteAddress ?? '', request.headers);
    const isVisitor = caller?.account === ANONYMOUS;
    const isOneMore = isVisitor && (visitors.get(address) ?? 0) >= DOOR.visitorSockets.max;
    const refusal = refusalOf(request, caller) ?? (isOneMore ? '429 Too Many Requests' : undefined);
    if (refusal || !caller)
      return void socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    wss.handleUpgrade(request, socket, head, (opened) => {
      const sockets = byToken.get(caller.token) ?? new Set();
      byToken.set(caller.token, sockets.add(opened));
      if (isVisitor) count(visitors, address, 1);
      opened.once('close', () => {
        if (isVisitor) count(visitors, address, -1);
        sockets.delete(opened);
        if (sockets.size === 0) byToken.delete(caller.token);
      });
      serve(opened, { caller, raw: socket, turns }, parts);
    });
  });
  return {
    close: () => {
      for (const socket of wss.clients) {
        socket.close(GOING, 'the site is closing');
        socket.terminate();
      }
      wss.close();
    },
  };
}

/** Before a byte is read: whoever has many connections open gets no more. Those of proxies are of many. */
function limitConnections(server: Server, proxies: Proxies): void {
  const connections = new Map<string, number>();
  server.on('connection', (socket) => {
    const { remoteAddress = '' } = socket;
    if (proxies.trusts(remoteAddress)) return;
    if ((connections.get(remoteAddress) ?? 0) >= DOOR.connectionsOfAddress.max) return void socket.destroy();
    count(connections, remoteAddress, 1);
    socket.once('close', () => count(connections, remoteAddress, -1));
  });
}

function count(counts: Map<string, number>, name: string, by: 1 | -1): void {
  const now = (counts.get(name) ?? 0) + by;
  if (now > 0) counts.set(name, now);
  else counts.delete(name);
}

function callerOf({ headers, url = '' }: IncomingMessage, auth: Auth): Known | undefined {
  const ticket = /[?&]ticket=([\w-]{1,64})(?:&|$)/.exec(url)?.[1];
  return ticket === undefined ? auth.who(headers) : auth.redeem(ticket);
}

/** The status of an answer to a connection that is not opened. A browser's page opens one with a ticket, never with its cookie. */
function refusalOf({ url = '', headers }: IncomingMessage, caller: Known | undefined): string | undefined {
  if (url.split('?', 1)[0] !== '/connect') return '404 Not Found';
  if (!caller) return '401 Unauthorized';
  if (caller.role === 'submitter') return '403 Forbidden';
  if (headers.cookie !== undefined && headers.authorization === undefined && !url.includes('ticket='))
    return '403 Forbidden';
  const offered = String(headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
  return offered.includes(PROTOCOL) ? undefined : '426 Upgrade Required';
}

interface Opened {
  readonly caller: Known;
  /** What the WebSocket writes to. */
  readonly raw: Duplex;
  readonly turns: Turns;
}

function serve(socket: WebSocket, { caller, raw, turns }: Opened, { site, shown, log }: SocketParts): void {
  socket.binaryType = 'nodebuffer';
  socket.on('error', (error) => log.debug({ err: error }, 'a connection of a host failed'));
  const end = (reason: string) => socket.close(AGAINST_RULES, cut(reason));
  const gather = createGatherer(raw);
  const connection: HostConnection = site.connect(
    caller,
    (message) => {
      if (socket.readyState !== socket.OPEN) return;
      shown.told(caller, message);
      gather(() => socket.send(encodeFrame(message)), message.type === 'ack');
      if (socket.bufferedAmount > DOOR.hostBufferBytes.max) socket.terminate();
    },
    end,
  );
  const silent = setTimeout(() => socket.terminate(), DOOR.helloMs.default);
  socket.once('message', () => clearTimeout(silent));
  const pace = createPace((caller.account === ANONYMOUS ? DOOR.messagesVisitor : DOOR.messagesHost).max);
  let unread: NodeJS.Timeout | undefined;
  const slow = (ms: number) => {
    if (ms === 0 || socket.isPaused) return;
    socket.pause();
    unread = setTimeout(() => socket.resume(), ms);
  };
  let isRefused = false;
  let waiting = 0;
  const unlessRefused = (act: () => void) => {
    if (isRefused) return;
    try {
      act();
    } catch (error) {
      isRefused = true;
      if (!(error instanceof RangeError || error instanceof LodgerError)) log.error({ err: error }, 'a message failed');
      const message = error instanceof Error ? error.message : String(error);
      socket.send(encodeFrame({ type: 'refused', code: 'ERR_OPTION_INVALID', message: message.slice(0, 1_000) }));
      end(message);
    }
  };
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (socket.readyState !== socket.OPEN) return;
    unlessRefused(() => {
      slow(pace());
      if (!isBinary) throw new RangeError('messages are binary');
      const message = parseFromHost(data as Buffer);
      if (message.type !== 'report') return connection.hear(message);
      // The next lease first: to check results takes long, and no host is to wait for that, unless it brings more than can be checked.
      const isAhead = waiting < AHEAD_MAX && message.slots > 0;
      if (isAhead) connection.hear({ type: 'pull', slots: message.slots });
      const report = isAhead ? { ...message, slots: 0 } : message;
      waiting++;
      turns.add(
        () => {
          waiting--;
          unlessRefused(() => connection.hear(report));
        },
        (data as Buffer).byteLength,
      );
    });
  });
  socket.once('close', (code) => {
    clearTimeout(silent);
    clearTimeout(unread);
    // Behind what it had said.
    turns.add(() => connection.closed(code === BROKEN ? undefined : 'goodbye'));
  });
}

/** Writes what may wait when the turn is over, or with what may not: each write wakes whoever reads, and costs more than what is in it. */
function createGatherer(raw: Duplex): (write: () => void, mayWait: boolean) => void {
  let isHeld = false;
  const release = () => {
    if (isHeld) raw.uncork();
    isHeld = false;
  };
  return (write, mayWait) => {
    if (!isHeld) {
      isHeld = true;
      raw.cork();
      if (mayWait) setImmediate(release);
    }
    write();
    if (!mayWait) release();
  };
}

/** The reason in a closing frame has its ceiling in bytes. */
function cut(reason: string): string {
  return Buffer.from(reason)
    .subarray(0, REASON_BYTES_MAX)
    .toString()
    .replace(/\uFFFD$/, '');
}
