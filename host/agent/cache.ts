// Kernels and blobs on disk, by digest: up to a size, with what is still coming, the least recently used first out, each checked before it is
// used.
import { createHash, hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { formatSize } from '../../runtime/base/units.ts';
import { fileError, sweep } from '../jobs/files.ts';

/** Gives the bytes of a blob from a place on. */
export type Source = (from: number) => Promise<AsyncIterable<Uint8Array>>;

export interface Cache {
  /**
   * What is here, or comes from `source`: from where an earlier attempt broke off. Throws `ERR_FILE`, and what `source` throws. What is there
   * of an attempt that fails is gone where the source is not `believed`: others would go on with bytes that spoil the whole.
   */
  get(digest: Digest, source: Source, believed?: 'believed' | 'not believed'): Promise<Uint8Array>;
  /** Its path, if it is here whole; whoever reads it has to check it. */
  pathOf(digest: Digest): string | undefined;
  /** Most recently used first. */
  holds(): readonly Digest[];
  setBytesMax(bytesMax: number): Promise<void>;
  /** Of all that is on disk, whole or not. */
  readonly bytes: number;
  readonly files: number;
}

interface File {
  readonly bytes: number;
}

const NAME = /^[0-9a-f]{64}$/;
const PART = /^[0-9a-f]{64}\.part$/;
/** Of what comes so much is kept at hand, and need not be read back. */
const HELD_BYTES = 8 * 2 ** 20;

/** Opens a folder, which is made if it is not there. Throws `ERR_FILE`. */
export async function openCache(folder: string, bytesMax: number): Promise<Cache> {
  /** In the order of their last use. */
  const files = new Map<Digest, File>();
  const coming = new Map<Digest, Promise<Uint8Array>>();
  /** Bytes of what is not here whole: of what is coming, and of what was broken off. */
  const parts = new Map<Digest, number>();
  let most = bytesMax;
  let bytes = 0;
  const pathOf = (digest: Digest) => join(folder, digest);
  const partOf = (digest: Digest) => `${pathOf(digest)}.part`;
  const notePart = (digest: Digest, size: number) => {
    bytes += size - (parts.get(digest) ?? 0);
    if (size > 0) parts.set(digest, size);
    else parts.delete(digest);
  };

  try {
    await mkdir(folder, { recursive: true });
    sweep(folder);
    for (const { name, size } of await foundIn(folder, NAME)) {
      files.set(name, { bytes: size });
      bytes += size;
    }
    for (const { name, size } of await foundIn(folder, PART)) notePart(name.replace('.part', ''), size);
  } catch (error) {
    throw fileError('write', folder, error);
  }

  /** Its room is there when it is gone, and not before. */
  const remove = async (digest: Digest) => {
    const size = files.get(digest)?.bytes ?? 0;
    files.delete(digest);
    await rm(pathOf(digest), { force: true });
    bytes -= size;
  };
  const removePart = async (digest: Digest) => {
    await rm(partOf(digest), { force: true });
    notePart(digest, 0);
  };
  const evict = async () => {
    for (const digest of [...parts.keys()]) if (bytes > most && !coming.has(digest)) await removePart(digest);
    for (const oldest of [...files.keys()]) if (bytes > most) await remove(oldest);
  };
  /** One after the other: two at once would make room twice, or refuse both where one fits. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act);
    last = turn.catch(() => undefined);
    return turn;
  };
  /** Those that were refused for want of room, until what came of them is gone. */
  const leaving = new Set<Promise<unknown>>();
  /** There is room for it before it is written. */
  const growPart = (digest: Digest, size: number) =>
    inTurn(async () => {
      const before = parts.get(digest) ?? 0;
      notePart(digest, size);
      await evict();
      if (bytes > most) await Promise.allSettled(leaving);
      if (bytes <= most) return;
      notePart(digest, before);
      const whole = coming.get(digest) ?? Promise.resolve();
      leaving.add(whole);
      whole.catch(() => undefined).finally(() => leaving.delete(whole));
      const reason = `with what else is coming it has over ${formatSize(most)}, all that the owner gives to kernels and blobs`;
      throw new LodgerError('ERR_FILE', ['write', partOf(digest), reason]);
    });
  const use = (digest: Digest, size: number) => {
    bytes += size - (files.get(digest)?.bytes ?? 0);
    files.delete(digest);
    files.set(digest, { bytes: size });
    // The order outlasts this process. Where it cannot be written down, only that is lost.
    const now = new Date();
    utimes(pathOf(digest), now, now).catch(() => undefined);
  };

  /** What somebody has damaged is gone, and comes anew. */
  const read = async (digest: Digest): Promise<Uint8Array | undefined> => {
    if (!files.has(digest)) return undefined;
    const content = await readChecked(pathOf(digest), digest).catch(() => undefined);
    if (content) use(digest, content.byteLength);
    else await remove(digest);
    return content;
  };

  const bring = async (digest: Digest, source: Source, isBelieved: boolean): Promise<Uint8Array> => {
    const known = await read(digest);
    if (known) return known;
    const part = partOf(digest);
    try {
      const { size, bytes } = await download(part, { digest, source, onSize: (size) => growPart(digest, size) });
      await rename(part, pathOf(digest));
      notePart(digest, 0);
      use(digest, size);
      return bytes ?? (await readChecked(pathOf(digest), digest));
    } catch (error) {
      if (!isBelieved || isOfNoUse(error)) await removePart(digest);
      throw fileError('write', part, error);
    }
  };

  return {
    get: (digest, source, believed = 'believed') => {
      const known =
        coming.get(digest) ?? bring(digest, source, believed === 'believed').finally(() => coming.delete(digest));
      coming.set(digest, known);
      return known;
    },
    pathOf: (digest) => (files.has(digest) ? pathOf(digest) : undefined),
    holds: () => [...files.keys()].reverse(),
    setBytesMax: async (given) => {
      most = given;
      await inTurn(evict);
    },
    get bytes() {
      return bytes;
    },
    get files() {
      return files.size;
    },
  };
}

/** Other bytes than were asked for, or more than there is room for: nothing to go on with. */
const isOfNoUse = (error: unknown) =>
  error instanceof LodgerError && (error.code === 'ERR_HOST_FAULT' || error.code === 'ERR_FILE');

/** Throws `ERR_HOST_FAULT` for other bytes than the digest says. */
async function readChecked(path: string, digest: Digest): Promise<Uint8Array> {
  const bytes = await readFile(path);
  if (hash('sha256', bytes) === digest) return bytes;
  throw otherThan(digest);
}

const otherThan = (digest: Digest) => new LodgerError('ERR_HOST_FAULT', [`what came as blob ${digest} is another`]);

/**
 * Goes on with a file where it ends, and gives its size, and its bytes where they are at hand. The disk is not waited for: a file is checked
 * whenever it is read, and what an outage has spoilt comes again. Throws `ERR_HOST_FAULT` for other bytes than the digest says.
 */
async function download(
  part: string,
  { digest, source, onSize }: { digest: Digest; source: Source; onSize: (size: number) => Promise<void> },
): Promise<{ readonly size: number; readonly bytes: Uint8Array | undefined }> {
  const hashed = createHash('sha256');
  let size = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 0) for await (const piece of createReadStream(part)) hashed.update(piece as Uint8Array);
  let held: Uint8Array[] | undefined = size === 0 ? [] : undefined;
  const pieces = await source(size);
  await pipeline(
    pieces,
    async function* (given: AsyncIterable<Uint8Array>) {
      for await (const piece of given) {
        size += piece.byteLength;
        await onSize(size);
        hashed.update(piece);
        if (size > HELD_BYTES) held = undefined;
        held?.push(piece);
        yield piece;
      }
    },
    createWriteStream(part, { flags: 'a' }),
  );
  if (hashed.digest('hex') !== digest) throw otherThan(digest);
  return { size, bytes: held && Buffer.concat(held) };
}

/** Files by their last use, oldest first; what has been broken off for long is removed. */
async function foundIn(
  folder: string,
  kind: RegExp,
): Promise<readonly { readonly name: string; readonly size: number }[]> {
  const names = await readdir(folder);
  for (const name of names.filter((each) => PART.test(each))) {
    const { mtimeMs } = await stat(join(folder, name));
    if (Date.now() - mtimeMs > STALE_MS) await rm(join(folder, name), { force: true });
  }
  const found = await Promise.all(
    (await readdir(folder))
      .filter((name) => kind.test(name))
      .map(async (name) => ({ name, ...(await sizeOf(join(folder, name))) })),
  );
  return found.sort((a, b) => a.usedAt - b.usedAt);
}

const STALE_MS = 24 * 3_600_000;

async function sizeOf(path: string): Promise<{ readonly size: number; readonly usedAt: number }> {
  const { size, mtimeMs } = await stat(path);
  return { size, usedAt: mtimeMs };
}
