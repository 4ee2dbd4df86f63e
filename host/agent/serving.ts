// Gives whole blobs of the cache to neighbours that show a ticket of the site's, no faster than the owner allows.
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { isTicket } from '../platform/tickets.ts';
import type { NeighbourTerms } from './policy.ts';

export interface Serving {
  readonly port: number;
  /** What tickets are made with: 32 bytes in hex, known to this process and to the site. */
  readonly secret: string;
  bytes(): number;
  close(): Promise<void>;
}

export interface ServingOptions {
  readonly terms: NeighbourTerms;
  readonly pathOf: (digest: Digest) => string | undefined;
  /** Ms since 1970 by the clock of the site, as far as it is known. */
  readonly siteClock: () => number;
}

/** Neighbours that are given something at a time; others are sent to somebody else. */
const SERVED_MAX = 4;
const CONNECTIONS_MAX = 64;
const PIECE_BYTES = 64 * 1024;
/** A neighbour that takes nothing for so long is let go. */
const IDLE_MS = 10_000;

/** Listens where the owner says. Throws `ERR_OPTION_INVALID` for an address that cannot be had. */
export async function startServing({ terms, pathOf, siteClock }: ServingOptions): Promise<Serving> {
  const secret = randomBytes(32).toString('hex');
  const pace = createPace(terms.uploadBytesPerSecondMax);
  let [bytes, served] = [0, 0];

  const give = async (path: string, from: number, response: ServerResponse): Promise<void> => {
    const size = await stat(path).then(
      (found) => found.size,
      () => -1,
    );
    if (size < from) return void response.writeHead(404).end();
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': size - from, ...OCTETS });
    await pipeline(
      createReadStream(path, { start: from, highWaterMark: PIECE_BYTES }),
      async function* (pieces: AsyncIterable<Uint8Array>) {
        for await (const piece of pieces) {
          await pace(piece.byteLength);
          bytes += piece.byteLength;
          yield piece;
        }
      },
      response,
    );
  };
  const answer = async ({ method, url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const digest = /^\/blobs\/([0-9a-f]{64})$/.exec(url)?.[1];
    const from = Number(/^bytes=(\d{1,15})-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const ticket = /^Bearer (\S{1,256})$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (method !== 'GET' || digest === undefined) return void response.writeHead(404).end();
    if (!isTicket(secret, ticket, { digest, now: siteClock() })) return void response.writeHead(403).end();
    const path = pathOf(digest);
    if (path === undefined) return void response.writeHead(404).end();
    if (served >= SERVED_MAX) return void response.writeHead(503).end();
    served += 1;
    try {
      await give(path, from, response);
    } finally {
      served -= 1;
    }
  };
  const server = createServer({ requestTimeout: IDLE_MS, headersTimeout: IDLE_MS }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = IDLE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const wanted = `an address to listen at: ${error.message}`;
      reject(new LodgerError('ERR_OPTION_INVALID', ['neighbours.address', wanted]));
    });
    server.listen(terms.port, terms.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    secret,
    bytes: () => bytes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const OCTETS = { 'content-type': 'application/octet-stream' } as const;

/** Lets so many bytes a second through, for all who ask together: each waits for its turn. */
function createPace(bytesPerSecond: number): (bytes: number) => Promise<void> {
  let free = performance.now();
  return async (bytes) => {
    const begun = Math.max(free, performance.now());
    free = begun + (bytes / Math.max(1, bytesPerSecond)) * 1_000;
    const waits = begun - performance.now();
    if (waits > 1) await sleep(waits);
  };
}
