// An image as a file that somebody names, with those beside it that it takes to open it.
import { dirname, resolve } from 'node:path';
import { type Digest, toHex } from '../../runtime/base/platform.ts';
import type { ImageStore } from '../../runtime/job/steps.ts';
import { isImage, peek } from '../../runtime/snapshot/difference.ts';
import { encodeManifest, type Manifest } from '../../runtime/snapshot/manifest.ts';
import { openFile, readAt, readWhole } from '../jobs/files.ts';
import { node } from '../platform/node.ts';
import { imageIn } from './folder-store.ts';

/** The most that Node reads at once. */
const FILE_BYTES_MAX = 2 ** 31 - 1;
const MAGIC_BYTES = 8;

export interface ImageFile {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly form: 'whole' | 'difference';
  readonly bytes: Uint8Array;
  /** What lies in the same folder, and the image itself whatever its file is called. */
  readonly store: ImageStore;
}

/** Whether a file begins like an image. Throws `ERR_FILE`. */
export async function isImageFile(path: string): Promise<boolean> {
  const { handle, size } = await openFile(path);
  try {
    return size >= MAGIC_BYTES && isImage(await readAt(handle, path, 0, MAGIC_BYTES));
  } finally {
    await handle.close();
  }
}

/** Reads an image, without a look at whether its pages are what it says. Throws `ERR_IMAGE_INVALID` and `ERR_FILE`. */
export async function readImage(path: string): Promise<ImageFile> {
  const bytes = await readWhole(path, FILE_BYTES_MAX);
  const { form, manifest } = peek(bytes);
  const digest = toHex(node.digest(encodeManifest(manifest)));
  const folder = dirname(resolve(path));
  const get = (name: Digest) => (name === digest ? bytes : imageIn(folder, name));
  return { digest, manifest, form, bytes, store: { get, put: () => undefined, delete: () => undefined } };
}

/** What is in either of two stores. */
export function either(one: ImageStore, other: ImageStore): ImageStore {
  return { ...one, get: (digest) => one.get(digest) ?? other.get(digest) };
}
