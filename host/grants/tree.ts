// Reads a folder of the caller's own into a blob tree: what a task then sees is in memory, named by digest, and the same on every host.
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TREE } from '../../runtime/base/outside.ts';
import { type Digest, toHex } from '../../runtime/base/platform.ts';
import { checkName, Refusal } from '../../runtime/job/outside.ts';
import { type TreeFile, treeKey, writeManifest } from '../../runtime/job/tree.ts';
import { node } from '../platform/node.ts';

export interface BlobTree {
  readonly digest: Digest;
  /** The manifest and the files by digest, as tasks are given blobs. */
  readonly blobs: Readonly<Record<string, Uint8Array>>;
}

/**
 * All files below a folder. Throws `ERR_FILE` for what is neither a file nor a folder, links among it, for names that no guest could ask
 * for, and for more than the ceilings of trees.
 */
export async function readTree(folder: string): Promise<BlobTree> {
  const files: TreeFile[] = [];
  const blobs: Record<string, Uint8Array> = {};
  let total = 0;
  const add = async (name: string) => {
    const bytes = await readFile(join(folder, name), TREE.bytes.max - total);
    total += bytes.byteLength;
    const digest = toHex(node.digest(bytes));
    blobs[treeKey(digest)] = bytes;
    files.push({ name, size: bytes.byteLength, digest });
    if (files.length > TREE.files.max) throw refused(folder, `it has over ${TREE.files.max} files`);
  };
  const walk = async (below: string) => {
    const path = join(folder, below);
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw refused(path, reasonOf(error));
    });
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      mayBeNamed(path, entry.name);
      if (entry.isDirectory()) await walk(name);
      else if (entry.isFile()) await add(name);
      else throw refused(join(folder, name), 'it is neither a file nor a folder');
    }
  };
  await walk('');
  const manifest = writeManifest(files);
  const digest = toHex(node.digest(manifest));
  return { digest, blobs: { ...blobs, [treeKey(digest)]: manifest } };
}

async function readFile(path: string, bytesMax: number): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error: unknown) => {
    throw refused(path, reasonOf(error));
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw refused(path, 'it is not a regular file');
    if (found.size > bytesMax) throw refused(path, `with it the folder has over ${TREE.bytes.max} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function mayBeNamed(path: string, name: string): void {
  try {
    checkName(name, name);
  } catch (error) {
    if (error instanceof Refusal) throw refused(path, error.message);
    throw error;
  }
}

function refused(path: string, reason: string): LodgerError {
  return new LodgerError('ERR_FILE', ['pin', path, reason]);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such folder';
  return code === 'ENOTDIR' ? 'it is no folder' : message;
}
