// Grants as people write them, with what they name: paths resolved, folders that are pinned read and named by their digest.
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import { JOB_FILE } from '../../runtime/base/limits.ts';
import { treeOf } from '../../runtime/job/tree.ts';
import type { Grant, PinnedText } from '../../runtime/policy/grant.ts';
import { type BlobTree, readTree } from '../grants/tree.ts';
import { fileError } from './files.ts';

/** Grants, and the bytes behind those of them that are pinned. */
export interface LoadedGrants {
  readonly grants: readonly Grant[];
  readonly blobs: Readonly<Record<string, Uint8Array>>;
}

/**
 * Paths are relative to `folder`. A grant that names a tree by digest alone is sought among the folders in it. Throws `ERR_FILE`,
 * `ERR_BLOB_MISMATCH` for a folder of another digest, and `ERR_GRANT_INVALID` for a tree that is not found.
 */
export async function resolveGrants(
  given: readonly Grant[],
  pinned: readonly PinnedText[],
  folder: string,
): Promise<LoadedGrants> {
  const grants: Grant[] = [];
  let blobs: BlobTree['blobs'] = {};
  for (const grant of given) {
    const tree = grant.kind === 'files' ? treeOf(grant.from) : undefined;
    if (tree !== undefined) blobs = { ...blobs, ...(await neighbour(tree, folder)).blobs };
    const isFolder = grant.kind === 'files' && tree === undefined;
    grants.push(isFolder ? { ...grant, from: resolve(folder, grant.from) } : grant);
  }
  for (const { at, folder: from, digest } of pinned) {
    const tree = await readTree(resolve(folder, from));
    if (digest !== undefined && digest !== tree.digest)
      throw new LodgerError('ERR_BLOB_MISMATCH', [from, tree.digest, digest]);
    blobs = { ...blobs, ...tree.blobs };
    grants.push({ kind: 'files', at, from: `sha256:${tree.digest}`, mode: 'read' });
  }
  return { grants, blobs };
}

/** The folder in a folder that has the digest. One that cannot be pinned has none. */
async function neighbour(digest: string, folder: string): Promise<BlobTree> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError('read', folder, error);
  });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules').map(({ name }) => name);
  for (const name of names.sort().slice(0, JOB_FILE.neighbours.max)) {
    const tree = await readTree(join(folder, name)).catch(() => undefined);
    if (tree?.digest === digest) return tree;
  }
  const remedy = `no folder in ${folder} has this digest; name it: files:/PATH=FOLDER:sha256:HEX`;
  throw new LodgerError('ERR_GRANT_INVALID', [`sha256:${digest}`, remedy]);
}
