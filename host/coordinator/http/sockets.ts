// Hosts' connections: WebSockets at /connect, opened by a token or a ticket, each handed to the site as what it says.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { LodgerError } from '../../../runtime/base/errors.ts';
import { SITE } from '../../wire/ceilings.ts';
import { encodeFrame, PROTOCOL, parseFromHost } from '../../wire/site.ts';
import type { Accounts, Known } from '../accounts.ts';
import { DOOR } from '../ceilings.ts';
import type { HostConnection, Site } from '../contracts.ts';
import type { Auth } from './auth.ts';
import type { Shown } from './shown.ts';

/** WebSocket's codes for "against the rules", and for "going away". */
const AGAINST_RULES = 1008;
const GOING = 1001;
const REASON_BYTES_MAX = 120;

export interface SocketParts {
  readonly site: Site;
  readonly auth: Auth;
  readonly accounts: Accounts;
  readonly shown: Shown;
  readonly log: FastifyBaseLogger;
}

/** Takes WebSockets on a server. `close` ends them all. */
export function takeSockets(server: Server, parts: SocketParts): { close(): void } {
  const { auth, accounts } = parts;
  const wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: SITE.frameBytes.max,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  const byToken = new Map<string, Set<WebSocket>>();
  accounts.onRevoked((token) => {
    for (const socket of byToken.get(token) ?? []) socket.close(AGAINST_RULES, 'the token was revoked');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const caller = callerOf(request, auth);
    const refusal = refusalOf(request, caller);
    if (refusal || !caller)
      return void socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    wss.handleUpgrade(request, socket, head, (opened) => {
      const sockets = byToken.get(caller.token) ?? new Set();
      byToken.set(caller.token, sockets.add(opened));
      opened.once('close', () => {
        sockets.delete(opened);
        if (sockets.size === 0) byToken.delete(caller.token);
      });
      serve(opened, caller, parts);
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

function serve(socket: WebSocket, caller: Known, { site, shown, log }: SocketParts): void {
  socket.binaryType = 'nodebuffer';
  socket.on('error', (error) => log.debug({ err: error }, 'a connection of a host failed'));
  const end = (reason: string) => socket.close(AGAINST_RULES, cut(reason));
  const connection: HostConnection = site.connect(
    caller,
    (message) => {
      if (socket.readyState !== socket.OPEN) return;
      shown.told(caller, message);
      socket.send(encodeFrame(message));
      if (socket.bufferedAmount > DOOR.hostBufferBytes.max) socket.terminate();
    },
    end,
  );
  const silent = setTimeout(() => socket.terminate(), DOOR.helloMs.default);
  socket.once('message', () => clearTimeout(silent));
  socket.on('message', (data: RawData, isBinary: boolean) => {
    try {
      if (!isBinary) throw new RangeError('messages are binary');
      connection.hear(parseFromHost(data as Buffer));
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof LodgerError)) log.error({ err: error }, 'a message failed');
      const message = error instanceof Error ? error.message : String(error);
      socket.send(encodeFrame({ type: 'refused', code: 'ERR_OPTION_INVALID', message: message.slice(0, 1_000) }));
      end(message);
    }
  });
  socket.once('close', () => {
    clearTimeout(silent);
    connection.closed();
  });
}

/** The reason in a closing frame has its ceiling in bytes. */
function cut(reason: string): string {
  return Buffer.from(reason)
    .subarray(0, REASON_BYTES_MAX)
    .toString()
    .replace(/\uFFFD$/, '');
}
