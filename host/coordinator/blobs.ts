// Blobs: files named by the SHA-256 of what is in them, which are there whole or not at all. What is still coming in lies apart, for each
// of those who send it.
import { createHash, type Hash, hash as hashOfAll } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, stat, truncate, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { fileError, sweep, writeOwn } from '../jobs/files.ts';
import { CALLER } from '../wire/ceilings.ts';
import type { BlobPlace, Blobs } from './contracts.ts';
import { createGate } from './gate.ts';
import { appendTo } from './heaps.ts';
import { createRecent } from './recent.ts';

const READ_BYTES = 256 * 1024;
/** What came last is still at hand for the host in this process, which then reads nothing and checks nothing anew. */
const RECENT_BYTES = 32 * 2 ** 20;
/** Files that are written at once, so that they wait for the disk together: each has a descriptor. */
const WRITES_MAX = 16;
const DIGEST = /^[0-9a-f]{64}$/;
/** Uploads under way whose digest need not be computed anew when they go on. */
const HASHES_MAX = 1_000;
/** A sender's part of a blob: no name of a sender leads out of the folder. */
const PART = /^([0-9a-f]{64})\.([\w-]{1,64})$/;
/** What nobody has asked for or gone on with for so long is waited for no more. */
export const STALE_MS = 24 * 3_600_000;

/** A content-addressed folder; what else the site asks of it. A digest that is none is `ERR_NOT_FOUND`. */
export interface BlobFolder extends Blobs {
  /** Whether it is there: at once, for a report that names it. */
  has(digest: Digest): boolean;
  /** A whole one, checked where it comes from the disk. Its bytes must not change. Throws `ERR_NOT_FOUND`, and `ERR_BLOB_MISMATCH`. */
  get(digest: Digest): Promise<Uint8Array>;
  /** A blob whose bytes are at hand, and must not change from here on. Throws `ERR_BLOB_MISMATCH`, and `ERR_FILE`. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** Deletes one that nobody has brought or asked for since a moment, at once: what is done in the same turn sees it gone. */
  deleteUnused(digest: Digest, since: number): boolean;
  /** Every blob that is there. */
  list(): AsyncIterable<Digest>;
  /** Parts that nobody has gone on with since a moment are removed. */
  dropParts(since: number): Promise<readonly { readonly digest: Digest; readonly by: string }[]>;
}

/** Opens a folder of blobs, which is made if it is not there. Throws `ERR_FILE`. */
export async function openBlobs(folder: string): Promise<BlobFolder> {
  const path = resolve(folder);
  const coming = join(path, 'coming');
  try {
    mkdirSync(coming, { recursive: true });
    // What nobody has gone on with for long is not paid for by anybody.
    await dropParts(coming, Date.now() - STALE_MS);
    for (const part of await readdir(coming)) await shorten(join(coming, part));
    for (const part of await readdir(path)) if (/^[0-9a-f]{2}$/.test(part)) sweep(join(path, part));
  } catch (error) {
    throw fileError('write', path, error);
  }
  const places: Places = {
    whole: (digest) => join(path, checked(digest).slice(0, 2), digest),
    coming: (digest, by) => join(coming, partName(digest, by)),
  };
  const hashes: Hashes = new Map();
  const turns = new Map<string, Promise<unknown>>();
  const recent = createRecent(RECENT_BYTES);
  const gate = createGate(WRITES_MAX);
  return {
    has: (digest) => existsSync(places.whole(digest)),
    size: (digest) => sizeOf(places.whole(digest)),
    use: async (digest) => {
      touch(places.whole(digest));
      return sizeOf(places.whole(digest));
    },
    partial: async (digest, by) => (await sizeOf(places.coming(digest, by))) ?? 0,
    write: (digest, source, place) =>
      inTurn(turns, partName(digest, place.by), () => append(places, hashes, { ...place, digest, source })),
    put: async (digest, bytes) => {
      const found = hashOfAll('sha256', bytes);
      if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', ['of an upload', found, digest]);
      if (touch(places.whole(digest))) return;
      mkdirSync(join(path, digest.slice(0, 2)), { recursive: true });
      await gate(() => writeOwn(places.whole(digest), bytes));
      recent.add(digest, bytes);
    },
    get: async (digest) => recent.get(digest) ?? readAll(places.whole(digest), digest),
    read: (digest, from, to) => {
      const path = places.whole(digest);
      const bytes = recent.get(digest);
      const isAll = bytes && (from ?? 0) === 0 && (to ?? bytes.byteLength) >= bytes.byteLength;
      // As a copy: the memory that it lies in may be much larger, and a reader slow.
      return isAll && bytes.byteLength <= READ_BYTES ? once(new Uint8Array(bytes)) : pieces(path, digest, from, to);
    },
    deleteUnused: (digest, since) => {
      const file = places.whole(digest);
      if (!existsSync(file) || statSync(file).mtimeMs > since) return false;
      rmSync(file);
      recent.remove(digest);
      return true;
    },
    dropParts: (since) => dropParts(coming, since),
    async *list() {
      for (const part of await readdir(path))
        if (/^[0-9a-f]{2}$/.test(part))
          for (const name of await readdir(join(path, part))) if (DIGEST.test(name)) yield name;
    },
  };
}

interface Places {
  whole(digest: Digest): string;
  coming(digest: Digest, by: string): string;
}

interface Upload extends BlobPlace {
  readonly digest: Digest;
  readonly source: AsyncIterable<Uint8Array>;
}

/** By name of a part. */
type Hashes = Map<string, { readonly hash: Hash; readonly bytes: number }>;

async function append(
  places: Places,
  hashes: Hashes,
  { digest, from, source, total, by, anew }: Upload,
): Promise<number> {
  const { max } = CALLER.blobBytes;
  if (!(Number.isSafeInteger(total) && total >= 0 && total <= max))
    throw new LodgerError('ERR_OPTION_INVALID', ['total', `a length of at most ${max} bytes`]);
  const whole = places.whole(digest);
  const path = places.coming(digest, by);
  if (anew) await rm(path, { force: true });
  const there = (await sizeOf(path)) ?? 0;
  if (from !== there) throw new LodgerError('ERR_OPTION_INVALID', ['from', `${there}, which is how much has come`]);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'a+');
    const name = partName(digest, by);
    const kept = hashes.get(name);
    const hash = kept?.bytes === there ? kept.hash : await hashOf(handle, there);
    hashes.delete(name);
    const at = await appendTo(handle, hash, source, { at: there, total });
    if (at < total) {
      if (hashes.size < HASHES_MAX) hashes.set(name, { hash, bytes: at });
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
    else if ((await sizeOf(path)) === total) await shorten(path);
    throw fileError('write', whole, error);
  } finally {
    await handle?.close();
  }
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

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
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
    throw readError(path, digest, error);
  } finally {
    await handle?.close();
  }
}

async function readAll(path: string, digest: Digest): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    const found = hashOfAll('sha256', bytes);
    if (found !== digest) throw new LodgerError('ERR_BLOB_MISMATCH', [path, found, digest]);
    return bytes;
  } catch (error) {
    throw readError(path, digest, error);
  }
}

function readError(path: string, digest: Digest, error: unknown): LodgerError {
  const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return isGone ? new LodgerError('ERR_NOT_FOUND', ['blob', digest], { cause: error }) : fileError('read', path, error);
}

/** One after the other under a name, whatever became of the one before. */
function inTurn<T>(turns: Map<string, Promise<unknown>>, name: string, act: () => Promise<T>): Promise<T> {
  const turn = (turns.get(name) ?? Promise.resolve()).then(act, act);
  const settled = turn.then(
    () => undefined,
    () => undefined,
  );
  turns.set(name, settled);
  void settled.then(() => {
    if (turns.get(name) === settled) turns.delete(name);
  });
  return turn;
}

async function dropParts(folder: string, since: number): Promise<{ digest: Digest; by: string }[]> {
  const dropped: { digest: Digest; by: string }[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found || found.mtimeMs > since) continue;
    await rm(path, { force: true });
    const [, digest, by] = PART.exec(name) ?? [];
    if (digest !== undefined && by !== undefined) dropped.push({ digest, by });
  }
  return dropped;
}

/**
 * Takes the last byte off what came whole and could not be named, as it may be after an end in between: its sender, who is told how much is
 * there, would have nothing more to send.
 */
async function shorten(path: string): Promise<void> {
  const { size, atime, mtime } = await stat(path);
  if (size === 0) return;
  await truncate(path, size - 1);
  // It is no younger for that.
  await utimes(path, atime, mtime);
}

/** Marks a file as wanted from now on, and says whether it is there. */
function touch(path: string): boolean {
  try {
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw fileError('write', path, error);
  }
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

function partName(digest: Digest, by: string): string {
  const name = `${checked(digest)}.${by}`;
  if (!PART.test(name)) throw new LodgerError('ERR_OPTION_INVALID', ['by', 'a name of 1 to 64 letters and digits']);
  return name;
}
