// Images of steppers in a folder: a file an image, named by its digest, which is there whole or not at all.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { ImageStore, Parts } from '../../runtime/job/steps.ts';
import { headBytes, type ImageForm, peek } from '../../runtime/snapshot/difference.ts';
import { invalid, type Manifest } from '../../runtime/snapshot/manifest.ts';
import { fileError, sweep, writeOwn } from '../jobs/files.ts';

/** What comes after the digest in a file's name. */
const IMAGE_EXTENSION = '.img';

const NAME = /^([0-9a-f]{64})\.img$/;
/** Most manifests fit into the first read. */
const FIRST_READ_BYTES = 64 * 1024;

export interface FolderStore extends ImageStore {
  /** The folder, absolute. */
  readonly path: string;
  /** Of the images that are there; files of other names are none. */
  digests(): readonly Digest[];
  /** What an image says of itself, without a look at its pages. Throws `ERR_IMAGE_INVALID`, and `ERR_FILE`. */
  peek(digest: Digest): { readonly form: ImageForm; readonly manifest: Manifest };
}

/**
 * Keeps images in a folder, which is made if it is not there. What processes that were killed have left half written is removed. Files
 * are checked when an image is opened, so it does no harm if somebody else changes them. Throws `ERR_FILE`.
 */
export function folderStore(folder: string): FolderStore {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true });
    sweep(path);
  } catch (error) {
    throw fileError('write', path, error);
  }
  const fileOf = (digest: Digest) => join(path, `${digest}${IMAGE_EXTENSION}`);
  const putParts = async (digest: Digest, parts: Parts) => {
    if (!isDigest(digest)) throw invalid(`"${digest}" is no digest`);
    await writeOwn(fileOf(digest), ...parts);
  };
  const store: FolderStore = {
    path,
    put: (digest, bytes) => putParts(digest, [bytes]),
    get: (digest) => imageIn(path, digest),
    delete: async (digest) => {
      if (isDigest(digest)) await rm(fileOf(digest), { force: true });
    },
    digests: () => readdirSync(path).flatMap((name) => NAME.exec(name)?.[1] ?? []),
    peek: (digest) => peek(readHead(fileOf(digest))),
  };
  // Whoever makes another store of this one, `{ ...store, put }`, is not passed by.
  return Object.defineProperty(store, 'putParts', { value: putParts });
}

/** The stored form of an image in a folder, if it is there. Throws `ERR_FILE`. */
export function imageIn(folder: string, digest: Digest): Uint8Array | undefined {
  return isDigest(digest) ? readIfThere(join(folder, `${digest}${IMAGE_EXTENSION}`)) : undefined;
}

function isDigest(text: string): boolean {
  return NAME.test(`${text}${IMAGE_EXTENSION}`);
}

function readIfThere(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError('read', file, error);
  }
}

/** As many bytes as it takes to `peek`. */
function readHead(file: string): Uint8Array {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const first = readUpTo(handle, FIRST_READ_BYTES);
    const needed = headBytes(first);
    return needed <= first.byteLength ? first : readUpTo(handle, needed);
  } catch (error) {
    throw error instanceof LodgerError ? error : fileError('read', file, error);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function readUpTo(handle: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let read = -1; at < length && read !== 0; at += read) read = readSync(handle, bytes, at, length - at, at);
  return bytes.subarray(0, at);
}
