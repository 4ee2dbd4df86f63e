// Kernels as a site prepares them for its tabs, as files for the server of a tab: what it says of each, and the module that it names.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobs } from '../../host/coordinator/blobs.ts';
import { createPreparing } from '../../host/coordinator/preparing.ts';

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** By path, from kernels by path: those themselves, `/prepared/DIGEST/canonical` and `/blobs/DIGEST`. */
export async function preparedFiles(
  kernels: Readonly<Record<string, Uint8Array>>,
): Promise<Readonly<Record<string, Uint8Array>>> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-prepared-'));
  const blobs = await openBlobs(folder);
  const preparing = createPreparing(blobs);
  const files: Record<string, Uint8Array> = { ...kernels };
  try {
    for (const bytes of Object.values(kernels)) {
      const digest = digestOf(bytes);
      await blobs.put(digest, bytes);
      const answer = await preparing.prepared(digest, 'canonical');
      files[`/prepared/${digest}/canonical`] = Buffer.from(JSON.stringify(answer));
      if (answer.state === 'refused') continue;
      const parts: Uint8Array[] = [];
      for await (const part of blobs.read(answer.module)) parts.push(part);
      files[`/blobs/${answer.module}`] = Buffer.concat(parts);
    }
  } finally {
    await preparing.close();
    await rm(folder, { recursive: true });
  }
  return files;
}
