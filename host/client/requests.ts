// Requests over HTTP with times and connections under control, on what Node has itself: to load a library for them, and to compile its parser,
// takes more CPU time than all else that a short command does.
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http';
import { Agent as SafeAgent, request as safeRequest } from 'node:https';
import type { Readable } from 'node:stream';
import type { trusting } from '../platform/trust.ts';

/** What is asked. A body, also in pieces, does not change until the answer is there. */
export interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  /** Has to be read, or dropped, before its connection is used again. Ends with an error where it was broken off. */
  readonly body: Readable & { dump(): Promise<void> };
}

export interface RequestsOptions {
  /** For how long the other side may take to be connected, and be silent, in ms. A body that nobody reads is not silent. */
  readonly connectMsMax: number;
  readonly silentMsMax: number;
  readonly tls: ReturnType<typeof trusting>;
  /** How many at once: what is asked above that waits. */
  readonly connections?: number;
}

export interface Requests {
  /** Rejects with an Error of the network, or the signal's. Redirects are not followed. */
  request(url: string, asked: Asked): Promise<Answered>;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

/** Connections that nobody uses are given up before the other side does so. */
const IDLE_MS = 4_000;
/** What is read for nobody: to connect again costs about as much. */
const DUMPED_BYTES_MAX = 128 * 1024;

export function createRequests({ connectMsMax, silentMsMax, tls, connections }: RequestsOptions): Requests {
  const options = { keepAlive: true, timeout: IDLE_MS, ...(connections !== undefined && { maxSockets: connections }) };
  const [plain, safe] = [new PlainAgent(options), new SafeAgent({ ...options, ...tls })];
  const open = new Set<ClientRequest>();
  let isClosed = false;

  const begin = (url: string, { method, headers, signal }: Asked) => {
    const given = { method, headers, timeout: silentMsMax, ...(signal && { signal }) };
    return url.startsWith('https:')
      ? safeRequest(url, { ...given, agent: safe })
      : plainRequest(url, { ...given, agent: plain });
  };

  return {
    request: (url, asked) =>
      new Promise((resolve, reject) => {
        if (isClosed) throw new Error('it is closed');
        const request = begin(url, asked);
        let response: IncomingMessage | undefined;
        open.add(request);
        request.on('error', reject);
        request.on('close', () => {
          open.delete(request);
          reject(new Error('the connection was closed'));
        });
        request.on('timeout', () => {
          // Whoever does not read what is there waits for nobody else.
          if (response && response.readableLength > 0) request.setTimeout(silentMsMax);
          else request.destroy(new Error(`there was no word for ${silentMsMax} ms`));
        });
        mustConnect(request, connectMsMax);
        request.on('response', (answer) => {
          response = answer;
          // Who reads it is told of errors; where nobody does, they are of no interest.
          answer.on('error', () => undefined);
          const { statusCode = 0, headers } = answer;
          resolve({ statusCode, headers, body: Object.assign(answer, { dump: () => dump(answer) }) });
        });
        send(request, asked.body);
      }),
    close: async () => {
      isClosed = true;
      for (const request of open) request.destroy(new Error('it was closed'));
      plain.destroy();
      safe.destroy();
    },
  };
}

/** Destroys a request whose connection is not made in time. */
function mustConnect(request: ClientRequest, msMax: number): void {
  request.on('socket', (socket) => {
    if (!socket.connecting) return;
    const late = () => request.destroy(new Error(`there was no connection after ${msMax} ms`));
    const timer = setTimeout(late, msMax);
    for (const event of ['encrypted' in socket ? 'secureConnect' : 'connect', 'close'])
      socket.once(event, () => clearTimeout(timer));
  });
}

function send(request: ClientRequest, body: Asked['body']): void {
  if (!Array.isArray(body)) return void request.end(body);
  request.cork();
  for (const piece of body) request.write(piece);
  request.end();
  request.uncork();
}

/** Reads what is left, for nobody; of much, breaks it off with its connection. */
async function dump(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const piece of answer as AsyncIterable<Uint8Array>) {
      bytes += piece.byteLength;
      if (bytes > DUMPED_BYTES_MAX) return;
    }
  } catch {
    // It ended otherwise.
  }
}
