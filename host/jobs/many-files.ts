// Many files of a job, one a task: each whole or not at all, several at a time, in few calls.
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fileError, passing, passingName, type Room, readWhole, writeOwn } from './files.ts';

/**
 * Up to this size a file is read and written by calls that return when it is done. Each call by way of Node's own threads wakes one
 * and comes back by the event loop, which takes more than what it does; of the disk's time, only reaching it at last is waited for there.
 */
const SMALL_BYTES = 256 * 1024;

/** Small files on their way to the disk, which writes several of them in one go. */
const WRITES_MAX = 16;

const reached = promisify(fdatasync);

/** A whole file of at most `bytesMax`. Throws `ERR_FILE`. */
export async function readOne(path: string, bytesMax: number, room?: Room): Promise<Uint8Array> {
  return readSmall(path, bytesMax, room) ?? readWhole(path, bytesMax, room);
}

/** Undefined of one that is not small. */
function readSmall(path: string, bytesMax: number, room?: Room): Uint8Array | undefined {
  let file: number | undefined;
  try {
    // What has become a pipe since it was looked at must not be waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (!found.isFile() || found.size > Math.min(bytesMax, SMALL_BYTES)) return undefined;
    const bytes = room?.(found.size) ?? new Uint8Array(found.size);
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(file, bytes, at, bytes.length - at, at);
      if (count === 0) throw new LodgerError('ERR_FILE', ['read', path, 'it changed while it was read']);
      at += count;
    }
    return bytes;
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Takes files under names of our own, where no link, folder or device can be. One of `finish` and `discard` must be called. */
export interface Writer {
  /** Resolves when there is room for another one. Throws `ERR_FILE`, also for one before it. */
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  /** Resolves when all are on the disk. Throws `ERR_FILE`. */
  finish(): Promise<void>;
  /** Resolves when none is on its way any more. */
  discard(): Promise<void>;
}

export function createWriter(): Writer {
  const under = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const look = () => {
    if (failure) throw failure.error;
  };
  return {
    write: async (path, bytes) => {
      look();
      const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
      const written: Promise<void> = writeOne(path, content)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => under.delete(written));
      under.add(written);
      const [first] = under;
      // A large one is waited for: several of them in memory at a time would be as many times the largest output.
      if (content.byteLength > SMALL_BYTES) await written;
      else if (under.size >= WRITES_MAX) await first;
      look();
    },
    finish: async () => {
      await Promise.all(under);
      look();
    },
    discard: async () => void (await Promise.all(under)),
  };
}

/** It has its name when it has reached the disk: whoever finds it there finds all of it. */
async function writeOne(path: string, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength > SMALL_BYTES) return writeOwn(path, bytes);
  const temporary = passingName(path);
  passing.add(temporary);
  let file: number | undefined;
  try {
    file = openSync(temporary, 'wx');
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
    await reached(file);
    closeSync(file);
    file = undefined;
    renameSync(temporary, path);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    remove(temporary);
    throw fileError('write', path, error);
  } finally {
    passing.delete(temporary);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}
