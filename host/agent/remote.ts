// A site behind a URL: the socket over which leases and reports go, and its blobs over HTTP.
import { WebSocket } from 'ws';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Given } from '../client/asking.ts';
import { createHttp, type Http, unreachable } from '../client/http.ts';
import type { Answered } from '../client/requests.ts';
import type { Connect, Line } from '../lend/contracts.ts';
import { trusting } from '../platform/trust.ts';
import { SITE } from '../wire/ceilings.ts';
import { frontOf } from '../wire/frame.ts';
import { encodeFrame, PROTOCOL, parseToHost } from '../wire/site.ts';
import type { Source } from './cache.ts';

export interface RemoteOptions {
  readonly url: string;
  readonly token?: string;
  readonly ca?: string;
  /** Told of all bytes that go over the network, either way. */
  readonly onBytes: (bytes: number) => void;
}

export interface Remote {
  readonly connect: Connect;
  /** What else is asked of the site. */
  readonly http: Http;
  read(digest: Digest): Source;
  /** Brings a blob to the site; what it has already of it is not sent again. */
  write(digest: Digest, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A site that says nothing at all for so long is gone, whatever the network says. */
const SILENCE_MS = 30_000;
const CONNECT_MS = 10_000;
/** Pieces in which blobs go up. */
const PIECE_BYTES = 8 * 2 ** 20;
const SMALL_BYTES = 2 ** 20;
const PIECES_MAX = 100_000;
/** Blobs and questions at once. */
const CONNECTIONS = 6;

/** Throws `ERR_OPTION_INVALID` for what is no address of a site, and for authorities that are none. */
export function createRemote({ url, token = '', ca, onBytes }: RemoteOptions): Remote {
  const tls = trusting(ca);
  const http = createHttp(url, token, { patienceMs: 0, connections: CONNECTIONS, ...(ca !== undefined && { ca }) });
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };

  const ask = async (name: 'getBlob' | 'putBlob' | 'putBlobs', digest: Digest, given: Given = {}) => {
    const answer = await http.send(name, { ...given, params: { digest } });
    // Too many requests are over soon; a quota of the account that is spent is not.
    const isBusy = answer.statusCode === 429 && answer.headers['retry-after'] !== undefined;
    if (answer.statusCode < 500 && !isBusy) return answer;
    await answer.body.dump();
    throw unreachable(http.url, new Error(`it answers with status ${answer.statusCode}`));
  };
  const refuse = async (digest: Digest, answer: Answered): Promise<never> => {
    await answer.body.dump();
    if (answer.statusCode === 404) throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
    throw new LodgerError('ERR_ACCESS_DENIED', [
      `the site answers with status ${answer.statusCode} for blob ${digest}`,
    ]);
  };

  return {
    connect: (hear, closed) => openSocket({ base: new URL(http.url), headers, tls, onBytes }, hear, closed),
    http,
    read: (digest) => async (from) => {
      const answer = await ask('getBlob', digest, from > 0 ? { headers: { range: `bytes=${from}-` } } : {});
      // The part that is here is the whole already.
      if (answer.statusCode === 416) return [] as never;
      if (answer.statusCode !== 200 && answer.statusCode !== 206) return refuse(digest, answer);
      return pieces(answer, { skip: answer.statusCode === 200 ? from : 0, url: http.url, onBytes });
    },
    write: async (digest, bytes) => {
      const known = await ask('getBlob', digest, { method: 'HEAD' });
      await known.body.dump();
      if (known.statusCode === 200) return;
      let at = offsetOf(known, bytes.byteLength);
      // A small one is sent whole: it need not be gone on with, and is at hand there for whoever waits for it.
      if (at === 0 && bytes.byteLength <= SMALL_BYTES) {
        const front = frontOf({ blobs: [[digest, bytes.byteLength]] }, bytes.byteLength);
        const answer = await ask('putBlobs', digest, { bytes: [front, bytes] });
        onBytes(front.byteLength + bytes.byteLength);
        if (answer.statusCode >= 300) return refuse(digest, answer);
        return void (await answer.body.dump());
      }
      for (let piece = 0; piece < PIECES_MAX; piece++) {
        const end = Math.min(at + PIECE_BYTES, bytes.byteLength);
        const range = `bytes ${at}-${end - 1}/${bytes.byteLength}`;
        const given = { bytes: bytes.subarray(at, end), headers: { 'content-range': range } };
        const answer = await ask('putBlob', digest, given);
        onBytes(end - at);
        if (answer.statusCode >= 200 && answer.statusCode < 300) return void (await answer.body.dump());
        // Another agent of the same token may be sending the same: then there is more of it by now.
        if (answer.statusCode !== 308 && answer.statusCode !== 409) return refuse(digest, answer);
        await answer.body.dump();
        at = offsetOf(answer, bytes.byteLength);
      }
    },
    close: http.close,
  };
}

function offsetOf({ headers }: Answered, most: number): number {
  const offset = Number(headers['upload-offset'] ?? 0);
  return Number.isSafeInteger(offset) && offset >= 0 && offset <= most ? offset : 0;
}

/** The body, without what is here already where the site sends all of it again. */
async function* pieces(
  { body }: Answered,
  { skip, url, onBytes }: { skip: number; url: string; onBytes: (bytes: number) => void },
): AsyncIterable<Uint8Array> {
  let left = skip;
  try {
    for await (const chunk of body) {
      const piece = chunk as Uint8Array;
      onBytes(piece.byteLength);
      if (left < piece.byteLength) yield piece.subarray(left);
      left = Math.max(0, left - piece.byteLength);
    }
  } catch (error) {
    throw unreachable(url, error);
  }
}

/** What came in place of a connection. */
function refusalOf(url: string, status: number | undefined): LodgerError {
  if (status === 401)
    return new LodgerError('ERR_ACCESS_DENIED', ['the token is not known to the site, was revoked or has expired']);
  return new LodgerError('ERR_SITE_UNREACHABLE', [url, `it answers with status ${status}`]);
}

interface Address {
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ReturnType<typeof trusting>;
  readonly onBytes: (bytes: number) => void;
}

function openSocket(
  { base, headers, tls, onBytes }: Address,
  hear: Parameters<Connect>[0],
  closed: Parameters<Connect>[1],
): Promise<Line> {
  const target = new URL(`${base.pathname.replace(/\/$/, '')}/connect`, base);
  target.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(target, PROTOCOL, {
      ...{ headers, ...tls, perMessageDeflate: false, maxPayload: SITE.frameBytes.max, handshakeTimeout: CONNECT_MS },
    });
    let reason = 'the connection was lost';
    let watch: NodeJS.Timeout | undefined;
    let isAlive = true;
    const alive = () => {
      isAlive = true;
    };
    const look = () => {
      if (!isAlive) {
        reason = `the site said nothing for ${SILENCE_MS / 1_000} s`;
        return socket.terminate();
      }
      isAlive = false;
      socket.ping();
    };
    socket.on('open', () => {
      watch = setInterval(look, SILENCE_MS / 2);
      resolve({
        send: (message) => {
          if (socket.readyState !== socket.OPEN) return;
          const frame = encodeFrame(message);
          onBytes(frame.byteLength);
          socket.send(frame);
        },
        close: (why) => socket.close(1000, why.slice(0, 100)),
      });
    });
    socket.on('message', (data: Buffer) => {
      alive();
      onBytes(data.byteLength);
      try {
        hear(parseToHost(data));
      } catch (error) {
        reason = `what the site says is not understood: ${error instanceof Error ? error.message : error}`;
        socket.close(1002);
      }
    });
    for (const sign of ['ping', 'pong'] as const) socket.on(sign, alive);
    socket.on('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      reject(refusalOf(base.href, statusCode));
    });
    socket.on('error', (error) => {
      reason = error.message;
      reject(unreachable(base.href, error));
    });
    socket.on('close', (_code, said) => {
      clearInterval(watch);
      closed(said.length > 0 ? said.toString() : reason);
    });
  });
}
