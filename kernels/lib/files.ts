// Files below the folders that were granted, and no others. The job must grant each folder: `files:/PATH=FOLDER:read|write`.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { AREA, takeBytes, takeString } from './abi';
import { fail } from './exit';
import { errorAt } from './result';

@external('lodger:kernel/files@0.1.0', 'size')
declare function hostSize(path: usize, units: i32, area: usize): void;

@external('lodger:kernel/files@0.1.0', 'read')
declare function hostRead(path: usize, units: i32, offset: u64, length: u32, area: usize): void;

@external('lodger:kernel/files@0.1.0', 'write')
declare function hostWrite(path: usize, units: i32, offset: u64, bytes: usize, length: i32, area: usize): void;

@external('lodger:kernel/files@0.1.0', 'names')
declare function hostNames(path: usize, units: i32, area: usize): void;

export namespace files {
  /** Why the last `try...` gave nothing. */
  export let lastError: string = '';

  /** Bytes of a file; the task fails with the host's message when there is none. */
  export function size(path: string): u64 {
    const length = trySize(path);
    if (length < 0) fail(lastError);
    return length;
  }

  /** Bytes of a file, or -1; `lastError` then says why. */
  export function trySize(path: string): i64 {
    hostSize(changetype<usize>(path), path.length, AREA);
    const error = errorAt(8);
    if (error === null) return load<i64>(AREA, 8);
    lastError = error;
    return -1;
  }

  /** At most `length` bytes from `offset` on; the task fails with the host's message when that cannot be read. */
  export function read(path: string, offset: u64, length: u32): Uint8Array {
    const bytes = tryRead(path, offset, length);
    if (bytes === null) throw new Error(lastError);
    return bytes;
  }

  /** The same, or null; `lastError` then says why. */
  export function tryRead(path: string, offset: u64, length: u32): Uint8Array | null {
    hostRead(changetype<usize>(path), path.length, offset, length, AREA);
    const error = errorAt(4);
    if (error === null) return takeBytes(load<usize>(AREA, 4), load<usize>(AREA, 8));
    lastError = error;
    return null;
  }

  /** Writes all of `bytes` from `offset` on; the task fails with the host's message when that is not possible. */
  export function write(path: string, offset: u64, bytes: Uint8Array): void {
    if (!tryWrite(path, offset, bytes)) fail(lastError);
  }

  /** The same; false when it is not possible, and `lastError` then says why. */
  export function tryWrite(path: string, offset: u64, bytes: Uint8Array): bool {
    hostWrite(changetype<usize>(path), path.length, offset, bytes.dataStart, bytes.length, AREA);
    const error = errorAt(4);
    if (error === null) return true;
    lastError = error;
    return false;
  }

  /** The names in a folder; the task fails with the host's message when it cannot be listed. */
  export function names(path: string): string[] {
    const found = tryNames(path);
    if (found === null) throw new Error(lastError);
    return found;
  }

  /** The same, or null; `lastError` then says why. */
  export function tryNames(path: string): string[] | null {
    hostNames(changetype<usize>(path), path.length, AREA);
    const error = errorAt(4);
    if (error === null) return takeStrings(load<usize>(AREA, 4), load<i32>(AREA, 8));
    lastError = error;
    return null;
  }
}

/** Takes over a `list<string>`: pairs of address and code units. */
function takeStrings(block: usize, count: i32): string[] {
  const texts = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const pair = block + (<usize>i << 3);
    texts[i] = takeString(load<usize>(pair), load<usize>(pair, 4));
  }
  if (count > 0) __unpin(block);
  return texts;
}
