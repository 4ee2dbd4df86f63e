// Sends blobs that are at hand, small ones together: what a request costs is more than their bytes do.
import { frontOf } from '../wire/frame.ts';
import type { Http } from './http.ts';

/**
 * Sends those of a group that the site has not, each of at most `CALLER.groupBytes`, `CALLER.groupBlobs` of them. Their bytes must not change
 * until then. Throws `ERR_SITE_UNREACHABLE`, and what the site refuses.
 */
export async function sendBlobs(
  http: Http,
  blobs: ReadonlyMap<string, Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const abort = signal && { signal };
  await http.patiently(async () => {
    const { missing } = await http.ask('missingBlobs', { json: { digests: [...blobs.keys()] }, ...abort });
    const wanted = [...new Set(missing)].flatMap((digest) => {
      const bytes = blobs.get(digest);
      return bytes ? [{ digest, bytes }] : [];
    });
    if (wanted.length === 0) return;
    const size = wanted.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    const front = frontOf({ blobs: wanted.map(({ digest, bytes }) => [digest, bytes.byteLength]) }, size);
    await http.ask('putBlobs', { bytes: [front, ...wanted.map(({ bytes }) => bytes)], ...abort });
  }, signal);
}
