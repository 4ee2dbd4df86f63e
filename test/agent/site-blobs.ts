// Blobs over HTTP as a site has them: in pieces and in ranges, spoilt where a test wants that.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { frameIn } from '../../host/wire/frame.ts';

export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface BlobServer {
  /** What was asked for, as `GET 0123abcd bytes=5-`. */
  readonly requests: readonly string[];
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface BlobServerOptions {
  readonly blobs: Map<string, Uint8Array>;
  readonly spoil: Map<string, Uint8Array | number>;
  readonly onPut: () => void;
}

export function createBlobServer({ blobs, spoil, onPut }: BlobServerOptions): BlobServer {
  const requests: string[] = [];
  const parts = new Map<string, Buffer>();
  const takeBlob = async (digest: string, request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const [, from = 0, total = 0] = (/^bytes (\d+)-\d+\/(\d+)$/.exec(request.headers['content-range'] ?? '') ?? []).map(
      Number,
    );
    const bytes = Buffer.concat([parts.get(digest)?.subarray(0, from) ?? Buffer.alloc(0), ...pieces]);
    if (bytes.byteLength < total) {
      parts.set(digest, bytes);
      return void response.writeHead(308, { 'upload-offset': bytes.byteLength }).end();
    }
    parts.delete(digest);
    if (sha(bytes) === digest) blobs.set(digest, bytes);
    response.writeHead(sha(bytes) === digest ? 201 : 422).end();
    onPut();
  };
  const takeGroup = async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { message, data } = frameIn(Buffer.concat(pieces)) ?? { message: { blobs: [] }, data: Buffer.alloc(0) };
    let at = 0;
    const given = (message as { blobs: [string, number][] }).blobs.map(([digest, size]) => {
      at += size;
      return { digest, bytes: data.subarray(at - size, at) };
    });
    const areThese = given.every(({ digest, bytes }) => sha(bytes) === digest);
    if (areThese) for (const { digest, bytes } of given) blobs.set(digest, bytes);
    response.writeHead(areThese ? 201 : 422).end();
    onPut();
  };
  const serveBlob = async (request: IncomingMessage, response: ServerResponse) => {
    const digest = (request.url ?? '').split('/').at(-1) ?? '';
    requests.push(`${request.method} ${digest.slice(0, 8)} ${request.headers.range ?? ''}`.trim());
    if (request.url?.endsWith('/blobs')) return takeGroup(request, response);
    if (request.method === 'PUT') return takeBlob(digest, request, response);
    if (request.method === 'HEAD' && !blobs.has(digest))
      return void response.writeHead(404, { 'upload-offset': parts.get(digest)?.byteLength ?? 0 }).end();
    const wrong = spoil.get(digest);
    spoil.delete(digest);
    const bytes = wrong instanceof Uint8Array ? wrong : blobs.get(digest);
    if (!bytes) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.byteLength - from });
    if (typeof wrong !== 'number')
      return void response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from));
    response.write(bytes.subarray(from, from + wrong), () => setTimeout(() => response.destroy(), 20));
  };
  return { requests, answer: serveBlob };
}
