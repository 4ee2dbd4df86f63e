// Handlers of blobs: sent whole or in pieces, resumed where they were broken off, read whole or in part.
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { LodgerError } from '../../../runtime/base/errors.ts';
import { CALLER } from '../../wire/ceilings.ts';
import type { Blobs } from '../contracts.ts';
import type { Usage } from '../usage.ts';
import type { Handlers } from './call.ts';
import type { Shown } from './shown.ts';

const RESUME = 308;
const CONFLICT = 409;

interface Piece {
  readonly from: number;
  /** Behind the last byte. */
  readonly to: number;
  readonly total: number;
  /** Not told to be a piece, it takes the place of what came before. */
  readonly anew: boolean;
}

export function blobHandlers({
  blobs,
  usage,
  shown,
}: {
  readonly blobs: Blobs;
  readonly usage: Usage;
  readonly shown: Shown;
}): Pick<Handlers, 'getBlob' | 'putBlob'> {
  return {
    getBlob: async ({ caller, params: { digest }, request, reply }) => {
      const isAsked = request.method === 'HEAD';
      // Whoever asks whether it is there will not send it: it is to be there when a job names it.
      const size = shown.mayRead(caller, digest) ? await blobs[isAsked ? 'use' : 'size'](digest) : null;
      reply.header('accept-ranges', 'bytes').type('application/octet-stream');
      if (size === null) {
        reply.header('upload-offset', await blobs.partial(digest, caller.token));
        throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
      }
      reply.header('etag', `"${digest}"`);
      const range = rangeOf(request.headers.range, size);
      if (range === 'none') return reply.code(416).header('content-range', `bytes */${size}`).send();
      if (range) reply.code(206).header('content-range', `bytes ${range.from}-${range.to - 1}/${size}`);
      const { from, to } = range ?? { from: 0, to: size };
      reply.header('content-length', to - from);
      if (isAsked && usage.owns(caller.account, digest)) await usage.own(caller.account, digest, size);
      if (isAsked) return reply.send(Readable.from([], { objectMode: false }));
      return reply.send(Readable.from(blobs.read(digest, from, to), { objectMode: false }));
    },
    putBlob: async ({ caller, params: { digest }, request, reply, body }) => {
      const piece = pieceOf(request.headers);
      const source = limited(body as Readable, piece.to - piece.from);
      const { account, token: by } = caller;
      // A digest alone opens nothing: what others have brought is sent again by whoever wants to have it.
      const size = usage.owns(account, digest) ? await blobs.use(digest) : null;
      if (size !== null) {
        await usage.own(account, digest, size);
        return created(reply, size);
      }
      usage.reserve(account, { digest, by }, Math.max(piece.total, await blobs.partial(digest, by)));
      const there = await blobs.write(digest, source, { ...piece, by }).catch(async (error: unknown) => {
        if ((await blobs.partial(digest, by)) === 0) usage.giveBack({ digest, by });
        if (error instanceof LodgerError && error.code === 'ERR_OPTION_INVALID') return undefined;
        throw error;
      });
      if (there === undefined)
        return reply
          .code(CONFLICT)
          .header('upload-offset', await blobs.partial(digest, by))
          .send({
            code: 'ERR_OPTION_INVALID',
            message: 'option "content-range" must begin where the last piece ended',
          });
      if (there < piece.total) return reply.code(RESUME).header('upload-offset', there).send();
      usage.giveBack({ digest, by });
      await usage.own(account, digest, piece.total);
      return created(reply, there);
    },
  };
}

const created = (reply: FastifyReply, size: number) => reply.code(201).header('upload-offset', size).send();

/** What a request sends: all of it, or `Content-Range: bytes 0-99/1000`. Throws `ERR_OPTION_INVALID`. */
function pieceOf(headers: Readonly<Record<string, string | string[] | undefined>>): Piece {
  const { 'content-length': length, 'content-range': range } = headers;
  const whole = /^\d{1,15}$/.test(String(length)) ? Number(length) : undefined;
  if (whole === undefined) throw new LodgerError('ERR_OPTION_INVALID', ['content-length', 'given']);
  const [, from = '0', last = '', total = ''] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(String(range)) ?? [];
  const piece =
    range === undefined
      ? { from: 0, to: whole, total: whole, anew: true }
      : { from: Number(from), to: Number(last) + 1, total: Number(total), anew: false };
  if (total === '' && range !== undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['content-range', 'bytes A-B/TOTAL']);
  if (piece.to - piece.from !== whole || piece.to > piece.total)
    throw new LodgerError('ERR_OPTION_INVALID', ['content-range', 'as long as the body, and within the whole']);
  if (piece.total > CALLER.blobBytes.default)
    throw new LodgerError('ERR_OPTION_INVALID', ['content-length', `at most ${CALLER.blobBytes.default} bytes a blob`]);
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
