// Files as this machine has them: read within bounds, written whole or not at all.
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';

/** Writes are gathered up to this size. */
const GATHERED_BYTES = 64 * 1024;

/** Files under passing names, which must not outlive the process. */
export const passing = new Set<string>();

process.on('exit', () => {
  for (const path of passing) {
    try {
      unlinkSync(path);
    } catch {
      // It has its own name by now, or was never made.
    }
  }
});

/** Counts the names that were made, from where no process before us with our number is likely to have been: drawing a number for each takes system calls. */
let named = randomBytes(4).readUInt32LE();

const PASSING_NAME = /^\.(.+)\.(\d+)\.[0-9a-f]{8}\.tmp$/;

/**
 * Removes what processes that were killed have left half written in a folder; with `name`, only of the file of that name. Those that are
 * alive keep what they are writing.
 */
export function sweep(folder: string, name?: string): void {
  const ours = new Set([...passing].map((path) => basename(path)));
  for (const found of existsSync(folder) ? readdirSync(folder) : []) {
    const [, target, pid] = PASSING_NAME.exec(found) ?? [];
    if (target === undefined || (name !== undefined && target !== name) || ours.has(found)) continue;
    if (!isAlive(Number(pid))) rmSync(join(folder, found), { force: true });
  }
}

/** A file of our own number that is not one of `passing` is of a process before us. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What went wrong with a file, as a refusal that names it. */
export function fileError(verb: 'read' | 'write', path: string, cause: unknown): LodgerError {
  if (cause instanceof LodgerError) return cause;
  return new LodgerError('ERR_FILE', [verb, path, reasonOf(cause)], { cause });
}

function reasonOf(cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException | undefined)?.code) {
    case 'ENOENT':
      return 'there is no such file or folder';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
      return 'a part of its path is no folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** A file opened for reading, which is no folder and no device, and its size. The caller closes it. Throws `ERR_FILE`. */
export async function openFile(path: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const found = await handle.stat();
    if (!found.isFile()) throw new LodgerError('ERR_FILE', ['read', path, 'it is not a regular file']);
    return { handle, size: found.size };
  } catch (error) {
    await handle?.close();
    throw fileError('read', path, error);
  }
}

/** Makes so many bytes to be filled. */
export type Room = (bytes: number) => Uint8Array;

/** A whole file of at most `bytesMax`. Throws `ERR_FILE`. */
export async function readWhole(path: string, bytesMax: number, room?: Room): Promise<Uint8Array> {
  const { handle, size } = await openFile(path);
  try {
    if (size > bytesMax) {
      throw new LodgerError('ERR_FILE', [
        'read',
        path,
        `it has ${formatSize(size)}, at most ${formatSize(bytesMax)} are read`,
      ]);
    }
    return await fill(handle, path, 0, room?.(size) ?? new Uint8Array(size));
  } finally {
    await handle.close();
  }
}

/** Exactly `length` bytes from `from` on. Throws `ERR_FILE`, also when the file has become shorter. */
export function readAt(handle: FileHandle, path: string, from: number, length: number): Promise<Uint8Array> {
  return fill(handle, path, from, new Uint8Array(length));
}

async function fill(handle: FileHandle, path: string, from: number, bytes: Uint8Array): Promise<Uint8Array> {
  const { length } = bytes;
  let at = 0;
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, length - at, from + at).catch((error: unknown) => {
      throw fileError('read', path, error);
    });
    if (bytesRead === 0) throw new LodgerError('ERR_FILE', ['read', path, 'it changed while it was read']);
    at += bytesRead;
  }
  return bytes;
}

/** A file in the making: it appears under its name when it is whole. One of `commit` and `discard` must be called. */
export interface Making {
  write(bytes: Uint8Array | string): Promise<void>;
  commit(): Promise<void>;
  /** Leaves nothing behind. After `commit` it does nothing. */
  discard(): Promise<void>;
}

/** Begins a file. What stood under the name stays until `commit`. Throws `ERR_FILE`, also in the place of a folder or device. */
export async function makeFile(path: string): Promise<Making> {
  const target = await targetOf(path);
  const temporary = passingName(target);
  passing.add(temporary);
  let handle: FileHandle | undefined;
  let gathered: Uint8Array[] = [];
  let size = 0;

  const attempt = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      await discard();
      throw fileError('write', path, error);
    }
  };
  const flush = async () => {
    const bytes = gathered.length === 1 ? gathered[0] : Buffer.concat(gathered);
    gathered = [];
    size = 0;
    if (bytes !== undefined && bytes.byteLength > 0) await handle?.writeFile(bytes);
  };
  const discard = async () => {
    if (!passing.has(temporary)) return;
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    passing.delete(temporary);
  };

  await attempt(async () => {
    handle = await open(temporary, 'wx');
  });
  return {
    write: async (bytes) => {
      const piece = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
      gathered.push(piece);
      size += piece.byteLength;
      if (size >= GATHERED_BYTES) await attempt(flush);
    },
    commit: () =>
      attempt(async () => {
        await flush();
        await handle?.sync();
        await handle?.close();
        handle = undefined;
        await rename(temporary, target);
        passing.delete(temporary);
      }),
    discard,
  };
}

/** Where a file goes: to the end of links, which stay, and never over a device, which a rename would replace. */
async function targetOf(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (found.isFile()) return await realpath(path);
    const what = found.isDirectory() ? 'it is a folder' : 'it is not a regular file: redirect standard output instead';
    throw new LodgerError('ERR_FILE', ['write', path, what]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw fileError('write', path, error);
  }
}

/** Makes a folder and those above it. What it gives takes them away again, as far as they are empty. Throws `ERR_FILE`. */
export async function makeFolder(path: string): Promise<() => Promise<void>> {
  const first = await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw fileError('write', path, error);
  });
  return async () => {
    if (first === undefined) return;
    const top = resolve(first);
    for (let at = resolve(path); at.length >= top.length; at = dirname(at)) {
      const gone = await rmdir(at).then(
        () => true,
        () => false,
      );
      if (!gone) return;
    }
  };
}

/** Writes a file whole or not at all. Throws `ERR_FILE`. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await makeFile(path);
  await file.write(bytes);
  await file.commit();
}

/**
 * The same for a name of our own, where no link, folder or device can be: three calls fewer, which is most of what a small file costs.
 * The parts are put one behind the other. Throws `ERR_FILE`.
 */
export async function writeOwn(path: string, ...parts: readonly Uint8Array[]): Promise<void> {
  const temporary = passingName(path);
  passing.add(temporary);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
    await writeParts(handle, parts);
    await handle.datasync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError('write', path, error);
  } finally {
    passing.delete(temporary);
  }
}

async function writeParts(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const [only] = parts;
  if (only && parts.length === 1) return handle.writeFile(only);
  const { bytesWritten } = await handle.writev(parts);
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  // One call writes 2 GiB at most, and stops where the disk is full without a word of it.
  if (bytesWritten < bytes) await handle.writeFile(Buffer.concat(parts).subarray(bytesWritten));
}

/** What a file is called until it is whole: its process is told by it. */
export function passingName(target: string): string {
  named = (named + 1) >>> 0;
  return join(dirname(target), `.${basename(target)}.${process.pid}.${named.toString(16).padStart(8, '0')}.tmp`);
}
