// The site that a tab lends itself to: its socket, and its blobs, which are kept in the browser's cache and checked whenever they are read.
import { safeParse } from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type Digest, portable, toHex } from '../../runtime/base/platform.ts';
import type { Blobs, Connect } from '../lend/contracts.ts';
import { type PreparedAnswer, type PreparedKernel, PreparedSchema } from '../wire/prepared.ts';
import { encodeFrame, PROTOCOL, parseToHost } from '../wire/site.ts';

const API = '/api/1';
const CACHE = 'lodger-blobs';

/** Blobs that are kept: kernels and data that come again. */
const KEPT_MAX = 256;
/** Larger ones are fetched each time: browsers give a site little room. */
const KEPT_BYTES_MAX = 256 * 2 ** 20;
/** At most so much is read into memory. */
const BLOB_BYTES_MAX = 1024 * 2 ** 20;

type Call = (path: string, init?: RequestInit) => Promise<Response>;

export interface TabSite {
  readonly connect: Connect;
  readonly blobs: Blobs;
  visit(): Promise<void>;
  /** What it has prepared of a kernel. Throws `ERR_HOST_FAULT` for what has not the form of that. */
  prepared(kernel: Digest, nans: PreparedKernel['nans']): Promise<PreparedAnswer>;
}

/** A tab has no secret of its own: a visit gives it a token, and each connection takes a ticket. Throws `ERR_ACCESS_DENIED`. */
export function openSite(origin: string): TabSite {
  let token = '';
  const visit = async () => {
    const answer = await send(origin, `${API}/visit`, { method: 'POST' });
    ({ token } = (await answer.json()) as { token: string });
  };
  const call: Call = async (path, init = {}) => {
    const ask = () => send(origin, path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
    try {
      return await ask();
    } catch (error) {
      // The site has forgotten this visit: it was started again, say, or half a day has gone by.
      if (!(error instanceof LodgerError && error.code === 'ERR_ACCESS_DENIED')) throw error;
      await visit();
      return ask();
    }
  };
  const connect: Connect = async (hear, closed) => {
    const answer = await call(`${API}/tickets`, { method: 'POST' });
    const { ticket } = (await answer.json()) as { ticket: string };
    const url = `${origin.replace(/^http/, 'ws')}/connect?ticket=${encodeURIComponent(ticket)}`;
    return openSocket(new WebSocket(url, PROTOCOL), hear, closed);
  };
  const prepared: TabSite['prepared'] = async (kernel, nans) => {
    const answer = await call(`${API}/kernels/${kernel}/prepared?nans=${nans}`);
    const { success, output } = safeParse(PreparedSchema, await answer.json().catch(() => undefined));
    if (success) return output;
    throw new LodgerError('ERR_HOST_FAULT', [`what ${origin} says of kernel ${kernel} has no known form`]);
  };
  return { connect, blobs: createBlobs(origin, call), visit, prepared };
}

/** Whoever is signed in to the site's console in this browser has no part in it: no cookie goes along. */
async function send(origin: string, path: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(`${origin}${path}`, { credentials: 'omit', ...init }).catch((error: unknown) => {
    throw new LodgerError('ERR_SITE_UNREACHABLE', [origin, String(error)]);
  });
  if (answer.ok) return answer;
  const { message = `status ${answer.status}` } = (await answer.json().catch(() => ({}))) as { message?: string };
  if (answer.status === 401 || answer.status === 403) throw new LodgerError('ERR_ACCESS_DENIED', [message]);
  if (answer.status === 404) throw new LodgerError('ERR_NOT_FOUND', ['blob', path]);
  throw new LodgerError('ERR_SITE_UNREACHABLE', [origin, message]);
}

function openSocket(
  socket: WebSocket,
  hear: Parameters<Connect>[0],
  closed: Parameters<Connect>[1],
): Promise<Awaited<ReturnType<Connect>>> {
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    let isOpen = false;
    socket.onopen = () => {
      isOpen = true;
      resolve({
        send: (message) => socket.send(encodeFrame(message) as Uint8Array<ArrayBuffer>),
        close: (reason) => socket.close(1000, reason.slice(0, 100)),
      });
    };
    socket.onmessage = ({ data }) => {
      try {
        if (typeof data === 'string') throw new RangeError('a frame is text');
        hear(parseToHost(new Uint8Array(data as ArrayBuffer)));
      } catch (error) {
        socket.close(1000);
        closed(error instanceof Error ? error.message : String(error));
      }
    };
    socket.onclose = ({ reason }) => {
      if (isOpen) closed(reason || 'the site closed the connection');
      else reject(new LodgerError('ERR_SITE_UNREACHABLE', [socket.url.replace(/\?.*/, ''), 'no connection']));
    };
  });
}

function createBlobs(origin: string, call: Call): Blobs {
  /** In the order of their last use, the latest last. */
  const held = new Set<Digest>();
  const urlOf = (digest: Digest) => `${origin}${API}/blobs/${digest}`;
  const open = () => caches.open(CACHE).catch(() => undefined);
  const begun = open().then(async (cache) => {
    for (const { url } of (await cache?.keys()) ?? []) held.add(url.slice(url.lastIndexOf('/') + 1));
  });

  const keep = async (digest: Digest, bytes: Uint8Array) => {
    if (bytes.byteLength > KEPT_BYTES_MAX) return;
    const cache = await open();
    await cache?.put(urlOf(digest), new Response(bytes as Uint8Array<ArrayBuffer>)).catch(() => undefined);
    held.add(digest);
    for (const oldest of held) {
      if (held.size <= KEPT_MAX) break;
      held.delete(oldest);
      await cache?.delete(urlOf(oldest));
    }
  };
  return {
    get: async (digest) => {
      await begun;
      const cache = await open();
      const kept = await cache?.match(urlOf(digest));
      if (kept) {
        const bytes = new Uint8Array(await kept.arrayBuffer());
        if ((await digestOf(bytes)) === digest) {
          held.delete(digest);
          held.add(digest);
          return bytes;
        }
        held.delete(digest);
        await cache?.delete(urlOf(digest));
      }
      const answer = await call(`${API}/blobs/${digest}`);
      if (Number(answer.headers.get('content-length') ?? 0) > BLOB_BYTES_MAX)
        throw new LodgerError('ERR_HOST_MEMORY', ['a blob is larger than a tab takes']);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const found = await digestOf(bytes);
      if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', [digest, found, digest]);
      await keep(digest, bytes);
      return bytes;
    },
    put: async (digest, bytes) => {
      await call(`${API}/blobs/${digest}`, {
        method: 'PUT',
        body: bytes as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'application/octet-stream' },
      });
    },
    holds: () => [...held].reverse(),
  };
}

/** The browser's own is fast and asynchronous; where a site has no TLS there is none. */
async function digestOf(bytes: Uint8Array): Promise<Digest> {
  if (!globalThis.crypto?.subtle) return toHex(portable.digest(bytes));
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
}
