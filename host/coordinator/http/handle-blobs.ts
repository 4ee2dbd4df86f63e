// Handlers of blobs: sent whole or in pieces, resumed where they were broken off, read whole or in part.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { LodgerError } from '../../../runtime/base/errors.ts';
import { SITE } from '../../wire/ceilings.ts';
import type { Known } from '../accounts.ts';
import type { Blobs } from '../contracts.ts';
import type { Usage } from '../usage.ts';
import type { Handlers } from './call.ts';

const RESUME = 308;
const CONFLICT = 409;

interface Piece {
  readonly from: number;
  /** Behind the last byte. */
  readonly to: number;
  readonly total: number;
}

export function blobHandlers({
  blobs,
  usage,
}: {
  readonly blobs: Blobs;
  readonly usage: Usage;
}): Pick<Handlers, 'getBlob' | 'putBlob'> {
  return {
    getBlob: async ({ caller, params: { digest }, request, reply }) => {
      const size = mayRead(caller, digest, usage) ? await blobs.size(digest) : null;
      reply.header('accept-ranges', 'bytes').type('application/octet-stream');
      if (size === null) {
        reply.header('upload-offset', await blobs.partial(digest));
        throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
      }
      reply.header('etag', `"${digest}"`);
      const range = rangeOf(request.headers.range, size);
      if (range === 'none') return reply.code(416).header('content-range', `bytes */${size}`).send();
      if (range) reply.code(206).header('content-range', `bytes ${range.from}-${range.to - 1}/${size}`);
      const { from, to } = range ?? { from: 0, to: size };
      reply.header('content-length', to - from);
      if (request.method === 'HEAD') return reply.send(Readable.from([], { objectMode: false }));
      return reply.send(Readable.from(blobs.read(digest, from, to), { objectMode: false }));
    },
    putBlob: async ({ caller, params: { digest }, request, reply, body }) => {
      const piece = pieceOf(request.headers);
      const source = limited(body as Readable, piece.to - piece.from);
      const { account } = caller;
      const size = await blobs.size(digest);
      if (size !== null) {
        if (!usage.owns(account, digest)) {
          // Who has all the bytes may have them counted as its own; a digest alone opens nothing.
          usage.mayStore(account, size);
          await mustBe(source, digest, piece);
          await usage.own(account, digest, size);
        }
        return created(reply, size);
      }
      usage.reserve(account, digest, Math.max(piece.total, await blobs.partial(digest)));
      const there = await blobs.write(digest, source, piece).catch(async (error: unknown) => {
        if ((await blobs.partial(digest)) === 0) usage.giveBack(digest);
        if (error instanceof LodgerError && error.code === 'ERR_OPTION_INVALID') return undefined;
        throw error;
      });
      if (there === undefined)
        return reply
          .code(CONFLICT)
          .header('upload-offset', await blobs.partial(digest))
          .send({
            code: 'ERR_OPTION_INVALID',
            message: 'option "content-range" must begin where the last piece ended',
          });
      if (there < piece.total) return reply.code(RESUME).header('upload-offset', there).send();
      usage.giveBack(digest);
      await usage.own(account, digest, piece.total);
      return created(reply, there);
    },
  };
}

const created = (reply: FastifyReply, size: number) => reply.code(201).header('upload-offset', size).send();

/** Hosts read what leases name, by digest; submitters what they sent, and outputs of their own jobs. */
function mayRead({ role, account }: Known, digest: string, usage: Usage): boolean {
  return role !== 'submitter' || usage.owns(account, digest);
}

/** What a request sends: all of it, or `Content-Range: bytes 0-99/1000`. Throws `ERR_OPTION_INVALID`. */
function pieceOf(headers: Readonly<Record<string, string | string[] | undefined>>): Piece {
  const { 'content-length': length, 'content-range': range } = headers;
  const whole = /^\d{1,15}$/.test(String(length)) ? Number(length) : undefined;
  if (whole === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['content-length', 'given']);
  const [, from = '0', last = '', total = ''] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(String(range)) ?? [];
  const piece =
    range === undefined
      ? { from: 0, to: whole, total: whole }
      : { from: Number(from), to: Number(last) + 1, total: Number(total) };
  if (total === '' && range !== undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['content-range', 'bytes A-B/TOTAL']);
  if (piece.to - piece.from !== whole || piece.to > piece.total)
    throw new LodgerError('ERR_OPTION_INVALID', ['content-range', 'as long as the body, and within the whole']);
  if (piece.total > SITE.blobBytes.default)
    throw new LodgerError('ERR_OPTION_INVALID', ['content-length', `at most ${SITE.blobBytes.default} bytes a blob`]);
  return piece;
}

/** The bytes of a body, which HTTP keeps at its length; one that is broken off ends without an error, so that what came stays. */
async function* limited(body: Readable, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      left -= part.byteLength;
      if (left < 0) return;
      yield part;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}

async function mustBe(source: AsyncIterable<Uint8Array>, digest: string, { from, to, total }: Piece): Promise<void> {
  if (from !== 0 || to !== total) throw new LodgerError('ERR_OPTION_INVALID', ['content-range', 'the whole blob']);
  const hash = createHash('sha256');
  for await (const part of source) hash.update(part);
  const found = hash.digest('hex');
  if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', [digest.slice(0, 12), found, digest]);
}

/** The range that is asked for; nothing for all of it, `none` for what the blob has not. Several ranges are answered with all. */
function rangeOf(
  header: string | undefined,
  size: number,
): { readonly from: number; readonly to: number } | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  return from < to ? { from, to } : 'none';
}
