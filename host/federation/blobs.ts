// Blobs between sites: by digest over HTTP, once to each site, in a stream to disk, gone on with where it broke off, from whoever has it.
import type { Readable } from 'node:stream';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { createHttp, type Http, unreachable } from '../client/http.ts';
import { sendBlob } from '../client/send-blob.ts';
import type { BlobFolder } from '../coordinator/blobs.ts';
import { CALLER } from '../wire/ceilings.ts';
import type { Self, SiteBlobs, Source } from './contracts.ts';
import { checkSafe, type Safety } from './safe.ts';

const PATIENCE_MS = 10_000;
/** Whose part it is that comes from other sites. */
const BY = 'sites';
/** How often each source is asked: connections break, and what came is kept. */
const ROUNDS = 3;

export function createSiteBlobs(blobs: BlobFolder, safety: Safety = {}, log: Self['log'] = () => undefined): SiteBlobs {
  const at = <T>(source: Source, act: (http: Http) => Promise<T>) => speak(source, safety, act);
  const from: From = (source, digest, anew) => at(source, (http) => continueFrom(http, blobs, { digest, anew }));
  /** Blobs on their way here: whoever wants one that comes waits for it. */
  const coming = new Map<Digest, Promise<void>>();
  return {
    fetch: (digest, sources, others = async () => []) => {
      if (blobs.has(digest)) return Promise.resolve();
      const known = coming.get(digest);
      if (known) return known;
      const brought = others()
        .then((more) => bring(digest, [...more, ...sources], { from, log }))
        .finally(() => coming.delete(digest));
      coming.set(digest, brought);
      return brought;
    },
    send: async (digest, to) => {
      const size = await blobs.size(digest);
      if (size === null) throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
      const read = (from: number, to: number) => joined(blobs.read(digest, from, to), to - from);
      await at(to, (http) => sendBlob(http, { digest, size, read }));
    },
  };
}

/** Gets what is missing of a blob from a source; all of it, `anew`. */
type From = (source: Source, digest: Digest, anew: boolean) => Promise<void>;

interface Bringing {
  readonly from: From;
  readonly log: Self['log'];
}

/**
 * Asks one source after the other, and all of them again: each goes on where the one before broke off. Once that has given a blob that is another,
 * each has to give all of it, and who gives another then is asked no more; nor is one that is not who it says.
 */
async function bring(digest: Digest, sources: readonly Source[], { from, log }: Bringing): Promise<void> {
  let why: unknown = new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
  let anew = false;
  let left = sources;
  for (let round = 0; round < ROUNDS; round += 1)
    for (const source of left) {
      try {
        return await from(source, digest, anew);
      } catch (error) {
        why = error;
        const code = error instanceof LodgerError ? error.code : undefined;
        if (code === 'ERR_CONNECTION_UNSAFE')
          log('warn', `blob ${digest}: ${(error as LodgerError).message} [${code}]`);
        if (code === 'ERR_CONNECTION_UNSAFE' || (code === 'ERR_BLOB_MISMATCH' && anew))
          left = left.filter((each) => each !== source);
        if (code === 'ERR_BLOB_MISMATCH') anew = true;
      }
    }
  throw why;
}

/** Gets what is missing of a blob. Throws `ERR_SITE_UNREACHABLE` where it breaks off again. */
async function continueFrom(
  http: Http,
  blobs: BlobFolder,
  { digest, anew }: { readonly digest: Digest; readonly anew: boolean },
): Promise<void> {
  const from = anew ? 0 : await blobs.partial(digest, BY);
  const headers = from > 0 ? { range: `bytes=${from}-` } : {};
  const answer = await http.open('getBlob', { params: { digest }, headers, accepts: [416] });
  const body: Readable = answer.body;
  const total = from + Number(answer.headers['content-length']);
  // A source that has less than came already, or sends all of it again, is no help.
  if (answer.statusCode !== (from > 0 ? 206 : 200) || !(total <= CALLER.blobBytes.default)) {
    await answer.body.dump();
    throw new LodgerError('ERR_BLOB_MISMATCH', [http.url, `${answer.statusCode} from byte ${from}`, digest]);
  }
  const there = await blobs.write(digest, unbroken(body), { from, total, by: BY, anew });
  if (there < total)
    throw unreachable(http.url, new Error(`blob ${digest} broke off after ${there} of ${total} bytes`));
}

/** The bytes up to where the connection broke: what has come is kept. */
async function* unbroken(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* body as AsyncIterable<Uint8Array>;
  } catch {
    // Whoever reads sees that there is less than was to come.
  }
}

async function joined(pieces: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let end = 0;
  for await (const piece of pieces) {
    bytes.set(piece, end);
    end += piece.byteLength;
  }
  return bytes;
}

async function speak<T>({ url, token }: Source, safety: Safety, act: (http: Http) => Promise<T>): Promise<T> {
  checkSafe(url, safety);
  const { ca } = safety;
  const http = createHttp(url, token, { patienceMs: PATIENCE_MS, ...(ca !== undefined && { ca }) });
  try {
    return await act(http);
  } finally {
    await http.close();
  }
}
