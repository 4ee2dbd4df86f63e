// Sends a blob to a site, a piece at a time, and goes on where it was broken off.
import type { Given } from './asking.ts';
import { type Http, invalid } from './http.ts';
import { sleep } from './sleep.ts';

const PIECE_BYTES = 8 * 2 ** 20;
const AGAIN_MS = 200;

/** What a blob is read from, a piece at a time. */
export interface BlobSource {
  readonly digest: string;
  readonly size: number;
  read(from: number, to: number): Uint8Array | Promise<Uint8Array>;
}

/** Sends a blob, unless the site has it; goes on where it was broken off. Throws `ERR_SITE_UNREACHABLE`, and what the site refuses. */
export async function sendBlob(http: Http, blob: BlobSource, signal?: AbortSignal): Promise<void> {
  const given = { params: { digest: blob.digest }, ...(signal && { signal }) };
  await http.patiently(async () => {
    const until = performance.now() + http.patienceMs;
    // Another one of this token may be sending the same, and have sent more by now: then it is asked again how much is there.
    for (let from: number | undefined; ; ) {
      from ??= await missingFrom(http, given);
      if (from === undefined || (from >= blob.size && from > 0)) return;
      from = await putPiece(http, blob, from, given);
      if (from !== undefined) continue;
      if (performance.now() > until)
        throw invalid(http.url, 'it takes a blob neither from where it says nor from elsewhere');
      await sleep(AGAIN_MS, signal);
    }
  }, signal);
}

type Place = Pick<Given, 'params' | 'signal'>;

/** How many bytes of a blob are there; nothing is missing of one that is whole. */
async function missingFrom(http: Http, given: Place): Promise<number | undefined> {
  const { statusCode, headers, body } = await http.open('getBlob', { method: 'HEAD', accepts: [404], ...given });
  await body.dump();
  return statusCode === 404 ? Number(headers['upload-offset'] ?? 0) : undefined;
}

/** How many bytes are there now; unknown where they were not where this one would have gone. */
async function putPiece(http: Http, blob: BlobSource, from: number, given: Place): Promise<number | undefined> {
  const total = blob.size;
  const to = Math.min(from + PIECE_BYTES, total);
  const headers = total > 0 ? { 'content-range': `bytes ${from}-${to - 1}/${total}` } : undefined;
  const piece = { bytes: await blob.read(from, to), ...(headers && { headers }) };
  const sent = await http.open('putBlob', { ...given, ...piece, accepts: [308, 409] });
  await sent.body.dump();
  if (sent.statusCode === 409) return undefined;
  return sent.statusCode === 308 ? Number(sent.headers['upload-offset']) : Math.max(1, total);
}
