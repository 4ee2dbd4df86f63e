// Blobs: files named by the SHA-256 of what is in them, which are there whole or not at all. What is still coming in lies apart.
import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { fileError, sweep, writeOwn } from '../jobs/files.ts';
import { SITE } from '../wire/ceilings.ts';
import type { Blobs } from './contracts.ts';

const READ_BYTES = 256 * 1024;
const DIGEST = /^[0-9a-f]{64}$/;
/** Uploads under way whose digest need not be computed anew when they go on. */
const HASHES_MAX = 1_000;
const STALE_MS = 24 * 3_600_000;

/** A content-addressed folder; what else the site asks of it. A digest that is none is `ERR_NOT_FOUND`. */
export interface BlobFolder extends Blobs {
  /** Whether it is there: at once, for a report that names it. */
  has(digest: Digest): boolean;
  /** A blob whose bytes are at hand. Throws `ERR_BLOB_MISMATCH`, and `ERR_FILE`. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  delete(digest: Digest): Promise<void>;
  /** Every blob that is there. */
  list(): AsyncIterable<Digest>;
}

/** Opens a folder of blobs, which is made if it is not there. Throws `ERR_FILE`. */
export async function openBlobs(folder: string): Promise<BlobFolder> {
  const path = resolve(folder);
  const coming = join(path, 'coming');
  try {
    mkdirSync(coming, { recursive: true });
    // What nobody has gone on with for long is not paid for by anybody.
    for (const name of await readdir(coming)) if (await isStale(join(coming, name))) await rm(join(coming, name));
    for (const part of await readdir(path)) if (/^[0-9a-f]{2}$/.test(part)) sweep(join(path, part));
  } catch (error) {
    throw fileError('write', path, error);
  }
  const places: Places = {
    whole: (digest) => join(path, checked(digest).slice(0, 2), digest),
    coming: (digest) => join(coming, checked(digest)),
  };
  const hashes = new Map<Digest, { readonly hash: Hash; readonly bytes: number }>();
  const turns = new Map<Digest, Promise<unknown>>();
  return {
    has: (digest) => existsSync(places.whole(digest)),
    size: (digest) => sizeOf(places.whole(digest)),
    partial: async (digest) => (await sizeOf(places.coming(digest))) ?? 0,
    write: (digest, source, { from, total }) =>
      inTurn(turns, digest, () => append(places, hashes, { digest, from, source, total })),
    put: async (digest, bytes) => {
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', ['of an upload', found, digest]);
      if (existsSync(places.whole(digest))) return;
      mkdirSync(join(path, digest.slice(0, 2)), { recursive: true });
      await writeOwn(places.whole(digest), bytes);
    },
    read: (digest, from, to) => pieces(places.whole(digest), digest, from, to),
    delete: async (digest) => {
      await rm(places.whole(digest), { force: true });
      await rm(places.coming(digest), { force: true });
    },
    async *list() {
      for (const part of await readdir(path))
        if (/^[0-9a-f]{2}$/.test(part))
          for (const name of await readdir(join(path, part))) if (DIGEST.test(name)) yield name;
    },
  };
}

interface Places {
  whole(digest: Digest): string;
  coming(digest: Digest): string;
}

interface Upload {
  readonly digest: Digest;
  readonly from: number;
  readonly source: AsyncIterable<Uint8Array>;
  readonly total: number;
}

type Hashes = Map<Digest, { readonly hash: Hash; readonly bytes: number }>;

async function append(places: Places, hashes: Hashes, { digest, from, source, total }: Upload): Promise<number> {
  const { max } = SITE.blobBytes;
  if (!(Number.isSafeInteger(total) && total >= 0 && total <= max))
    throw new LodgerError('ERR_OPTION_INVALID', ['total', `a length of at most ${max} bytes`]);
  const whole = places.whole(digest);
  if (existsSync(whole)) return total;
  const path = places.coming(digest);
  const there = (await sizeOf(path)) ?? 0;
  if (from !== there) throw new LodgerError('ERR_OPTION_INVALID', ['from', `${there}, which is how much has come`]);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'a+');
    const kept = hashes.get(digest);
    const hash = kept?.bytes === there ? kept.hash : await hashOf(handle, there);
    hashes.delete(digest);
    const at = await appendTo(handle, hash, source, { at: there, total });
    if (at < total) {
      if (hashes.size < HASHES_MAX) hashes.set(digest, { hash, bytes: at });
      return at;
    }
    const found = hash.digest('hex');
    if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', ['of an upload', found, digest]);
    await handle.sync();
    mkdirSync(resolve(whole, '..'), { recursive: true });
    await rename(path, whole);
    return at;
  } catch (error) {
    if (error instanceof LodgerError) await rm(path, { force: true });
    throw fileError('write', whole, error);
  } finally {
    await handle?.close();
  }
}

/** Writes what comes, up to `total`; a piece that the disk did not take whole is cut off again, so that the next one fits. */
async function appendTo(
  handle: FileHandle,
  hash: Hash,
  source: AsyncIterable<Uint8Array>,
  { at, total }: { readonly at: number; readonly total: number },
): Promise<number> {
  let end = at;
  for await (const piece of source) {
    if (end + piece.byteLength > total)
      throw new LodgerError('ERR_OPTION_INVALID', ['total', `the number of its bytes: more than ${total} have come`]);
    try {
      await handle.appendFile(piece);
    } catch (error) {
      await handle.truncate(end);
      throw error;
    }
    hash.update(piece);
    end += piece.byteLength;
  }
  return end;
}

async function hashOf(handle: FileHandle, bytes: number): Promise<Hash> {
  const hash = createHash('sha256');
  const room = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(room, 0, Math.min(room.length, bytes - at), at);
    if (bytesRead === 0) throw new Error('it changed while it was read');
    hash.update(room.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

async function* pieces(path: string, digest: Digest, from = 0, to?: number): AsyncGenerator<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    const end = Math.min(to ?? size, size);
    const hash = from === 0 && end === size ? createHash('sha256') : undefined;
    for (let at = from; at < end || (at === 0 && end === 0); ) {
      const room = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
      const { bytesRead } = await handle.read(room, 0, room.length, at);
      if (bytesRead === 0 && end > 0) throw new Error('it changed while it was read');
      const piece = room.subarray(0, bytesRead);
      hash?.update(piece);
      at += bytesRead;
      const found = at === end ? hash?.digest('hex') : undefined;
      if (found !== undefined && found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', [path, found, digest]);
      if (bytesRead > 0) yield piece;
      if (end === 0) return;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new LodgerError('ERR_NOT_FOUND', ['blob', digest], { cause: error });
    throw fileError('read', path, error);
  } finally {
    await handle?.close();
  }
}

/** One after the other for a digest, whatever became of the one before. */
function inTurn<T>(turns: Map<Digest, Promise<unknown>>, digest: Digest, act: () => Promise<T>): Promise<T> {
  const turn = (turns.get(digest) ?? Promise.resolve()).then(act, act);
  const settled = turn.then(
    () => undefined,
    () => undefined,
  );
  turns.set(digest, settled);
  void settled.then(() => {
    if (turns.get(digest) === settled) turns.delete(digest);
  });
  return turn;
}

async function isStale(path: string): Promise<boolean> {
  return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError('read', path, error);
  }
}

function checked(digest: Digest): Digest {
  if (!DIGEST.test(digest)) throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
  return digest;
}
