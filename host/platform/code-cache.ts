// Compiled code on this user's disk. A native engine trusts such bytes wholly, so each entry is authenticated with a key that only
// this user can read; what does not fit is thrown away and compiled anew.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { cacheFolder } from './places.ts';

/** Beyond this many bytes the entries that were used longest ago go. */
const BYTES_MAX = 512 * 2 ** 20;
const MAC_BYTES = 32;
const KEY_BYTES = 32;
const NAME = /^[\w.-]{1,200}$/;

export interface CodeCache {
  /** What was written under that name by this user on this machine; undefined if there is none to be trusted. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Keeps bytes for later processes. A cache that cannot write is no failure. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}

/** A cache in a folder, which is made when first needed. */
export function openCodeCache(folder = join(cacheFolder(), 'code')): CodeCache {
  let key: Promise<Buffer | undefined> | undefined;
  const keyOf = () => {
    key ??= openKey(folder).catch(() => undefined);
    return key;
  };
  const pathOf = (name: string) => {
    if (!NAME.test(name)) throw new RangeError(`no name of an entry: ${name}`);
    return join(folder, `${name}.cwasm`);
  };
  return {
    read: async (name) => {
      const path = pathOf(name);
      const secret = await keyOf();
      const entry = await readFile(path).catch(() => undefined);
      if (!secret || !entry) return undefined;
      const bytes = entry.subarray(MAC_BYTES);
      const mac = entry.subarray(0, MAC_BYTES);
      if (mac.byteLength === MAC_BYTES && timingSafeEqual(mac, macOf(secret, name, bytes))) {
        const now = new Date();
        await utimes(path, now, now).catch(() => undefined);
        return bytes;
      }
      await rm(path, { force: true }).catch(() => undefined);
      return undefined;
    },
    write: async (name, bytes) => {
      const path = pathOf(name);
      const secret = await keyOf();
      if (!secret) return;
      const passing = `${path}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        await writeFile(passing, Buffer.concat([macOf(secret, name, bytes), bytes]), { mode: 0o600, flag: 'wx' });
        await rename(passing, path);
        await prune(folder);
      } catch {
        await rm(passing, { force: true }).catch(() => undefined);
      }
    },
  };
}

/** The name is under the authentication, too: an entry cannot pass for another. */
function macOf(key: Buffer, name: string, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${name.length}:${name}`).update(bytes).digest();
}

/** The host-local key, made when there is none. One that others can read or have written is not used: a new one takes its place. */
async function openKey(folder: string): Promise<Buffer | undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const mine = await stat(folder);
  const uid = process.getuid?.();
  if (uid !== undefined && mine.uid !== uid) return undefined;
  if ((mine.mode & 0o077) !== 0) await chmod(folder, 0o700);
  const path = join(folder, 'key');
  const known = await readKey(path, uid);
  if (known) return known;
  const passing = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  await writeFile(passing, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' });
  await rename(passing, path);
  // Another process may have been quicker: all use what is there now.
  return readKey(path, uid);
}

async function readKey(path: string, uid: number | undefined): Promise<Buffer | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const { mode, uid: owner, size } = await file.stat();
    const isMine = uid === undefined || (owner === uid && (mode & 0o077) === 0);
    return isMine && size === KEY_BYTES ? await file.readFile() : undefined;
  } finally {
    await file.close();
  }
}

async function prune(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cwasm'));
  const entries = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      return { path, bytes: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
    }),
  );
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of entries.sort((a, b) => a.used - b.used)) {
    if (total <= BYTES_MAX) return;
    await rm(path, { force: true });
    total -= bytes;
  }
}
