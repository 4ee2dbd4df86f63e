// Kernels and blobs on disk, by digest: up to a size, the least recently used first out, each checked before it is used.
import { createHash } from 'node:crypto';
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
  readonly bytes: number;
  readonly files: number;
}

interface File {
  readonly bytes: number;
}

const NAME = /^[0-9a-f]{64}$/;
const PART = /^[0-9a-f]{64}\.part$/;

/** Opens a folder, which is made if it is not there. Throws `ERR_FILE`. */
export async function openCache(folder: string, bytesMax: number): Promise<Cache> {
  /** In the order of their last use. */
  const files = new Map<Digest, File>();
  const coming = new Map<Digest, Promise<Uint8Array>>();
  let most = bytesMax;
  let bytes = 0;
  const pathOf = (digest: Digest) => join(folder, digest);

  try {
    await mkdir(folder, { recursive: true });
    sweep(folder);
    for (const { name, size } of await foundIn(folder)) {
      files.set(name, { bytes: size });
      bytes += size;
    }
  } catch (error) {
    throw fileError('write', folder, error);
  }

  const remove = async (digest: Digest) => {
    bytes -= files.get(digest)?.bytes ?? 0;
    files.delete(digest);
    await rm(pathOf(digest), { force: true });
  };
  const makeRoom = async (needed: number) => {
    for (const [oldest] of files) {
      if (bytes + needed <= most) return;
      await remove(oldest);
    }
  };
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
    const content = await readFile(pathOf(digest)).catch(() => undefined);
    if (content && createHash('sha256').update(content).digest('hex') === digest) {
      use(digest, content.byteLength);
      return content;
    }
    await remove(digest);
    return undefined;
  };

  const bring = async (digest: Digest, source: Source, isBelieved: boolean): Promise<Uint8Array> => {
    const known = await read(digest);
    if (known) return known;
    const part = `${pathOf(digest)}.part`;
    try {
      const size = await download(part, { digest, source, bytesMax: most });
      await makeRoom(size);
      await rename(part, pathOf(digest));
      use(digest, size);
      return await readFile(pathOf(digest));
    } catch (error) {
      if (!isBelieved) await rm(part, { force: true });
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
      await makeRoom(0);
    },
    get bytes() {
      return bytes;
    },
    get files() {
      return files.size;
    },
  };
}

/** Goes on with a file where it ends. One whose bytes are others than the digest says is removed. Gives its size. */
async function download(
  part: string,
  { digest, source, bytesMax }: { digest: Digest; source: Source; bytesMax: number },
): Promise<number> {
  const hash = createHash('sha256');
  let size = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 0) for await (const piece of createReadStream(part)) hash.update(piece as Uint8Array);
  const pieces = await source(size);
  await pipeline(
    pieces,
    async function* (given: AsyncIterable<Uint8Array>) {
      for await (const piece of given) {
        size += piece.byteLength;
        if (size > bytesMax) {
          const reason = `it has over ${formatSize(bytesMax)}, all that the owner gives to kernels and blobs`;
          throw new LodgerError('ERR_FILE', ['write', part, reason]);
        }
        hash.update(piece);
        yield piece;
      }
    },
    createWriteStream(part, { flags: 'a', flush: true }),
  );
  if (hash.digest('hex') === digest) return size;
  await rm(part, { force: true });
  throw new LodgerError('ERR_HOST_FAULT', [`what came as blob ${digest} is another`]);
}

/** Whole files by their last use, oldest first; what has been broken off for long is removed. */
async function foundIn(folder: string): Promise<readonly { readonly name: Digest; readonly size: number }[]> {
  const names = await readdir(folder);
  for (const name of names.filter((each) => PART.test(each))) {
    const { mtimeMs } = await stat(join(folder, name));
    if (Date.now() - mtimeMs > STALE_MS) await rm(join(folder, name), { force: true });
  }
  const found = await Promise.all(
    names.filter((name) => NAME.test(name)).map(async (name) => ({ name, ...(await sizeOf(join(folder, name))) })),
  );
  return found.sort((a, b) => a.usedAt - b.usedAt);
}

const STALE_MS = 24 * 3_600_000;

async function sizeOf(path: string): Promise<{ readonly size: number; readonly usedAt: number }> {
  const { size, mtimeMs } = await stat(path);
  return { size, usedAt: mtimeMs };
}
