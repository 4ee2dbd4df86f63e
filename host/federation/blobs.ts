// Blobs between sites: by digest over HTTP, from the site that asks.
import { LodgerError } from '../../runtime/base/errors.ts';
import { createSiteClient, type SiteClient } from '../client/site.ts';
import type { BlobFolder } from '../coordinator/blobs.ts';
import type { SiteBlobs, Source } from './contracts.ts';

const PATIENCE_MS = 10_000;

export function createSiteBlobs(blobs: BlobFolder): SiteBlobs {
  /** Blobs on their way here: whoever wants one that comes waits for it. */
  const coming = new Map<string, Promise<void>>();
  const bring = async (digest: string, sources: readonly Source[]) => {
    let why: unknown = new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
    for (const source of sources) {
      try {
        await blobs.put(digest, await at(source, (client) => client.getBlob(digest)));
        return;
      } catch (error) {
        why = error;
      }
    }
    throw why;
  };
  return {
    fetch: (digest, sources) => {
      if (blobs.has(digest)) return Promise.resolve();
      const known = coming.get(digest);
      if (known) return known;
      const brought = bring(digest, sources).finally(() => coming.delete(digest));
      coming.set(digest, brought);
      return brought;
    },
    send: async (digest, to) => {
      const parts: Uint8Array[] = [];
      for await (const part of blobs.read(digest)) parts.push(part);
      await at(to, (client) => client.putBlob(Buffer.concat(parts)));
    },
  };
}

async function at<T>({ url, token }: Source, act: (client: SiteClient) => Promise<T>): Promise<T> {
  const client = createSiteClient(url, token, { patienceMs: PATIENCE_MS });
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}
