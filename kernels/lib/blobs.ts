// The job's read-only data, by name. The host has checked it against its digest. The job must grant each name: `blobs:NAME=FILE`.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { AREA, takeBytes } from './abi';
import { fail } from './exit';
import { errorAt } from './result';

@external('lodger:kernel/blobs@0.1.0', 'size')
declare function hostSize(name: usize, units: i32, area: usize): void;

@external('lodger:kernel/blobs@0.1.0', 'read')
declare function hostRead(name: usize, units: i32, offset: u64, length: u32, area: usize): void;

export namespace blobs {
  /** Why the last `try...` gave nothing. */
  export let lastError: string = '';

  /** Bytes of a blob; the task fails with the host's message when there is none. */
  export function size(name: string): u64 {
    const length = trySize(name);
    if (length < 0) fail(lastError);
    return length;
  }

  /** Bytes of a blob, or -1; `lastError` then says why. */
  export function trySize(name: string): i64 {
    hostSize(changetype<usize>(name), name.length, AREA);
    const error = errorAt(8);
    if (error === null) return load<i64>(AREA, 8);
    lastError = error;
    return -1;
  }

  /** At most `length` bytes from `offset` on; the task fails with the host's message when that cannot be read. */
  export function read(name: string, offset: u64, length: u32): Uint8Array {
    const bytes = tryRead(name, offset, length);
    if (bytes === null) throw new Error(lastError);
    return bytes;
  }

  /** The same, or null; `lastError` then says why. */
  export function tryRead(name: string, offset: u64, length: u32): Uint8Array | null {
    hostRead(changetype<usize>(name), name.length, offset, length, AREA);
    const error = errorAt(4);
    if (error === null) return takeBytes(load<usize>(AREA, 4), load<usize>(AREA, 8));
    lastError = error;
    return null;
  }

  /** The whole blob; the task fails when there is none, or when it is over 1 GiB. */
  export function readAll(name: string): Uint8Array {
    const length = size(name);
    if (length > 0x40000000) fail('blob ' + name + ' is too large to read at once: ' + length.toString() + ' bytes');
    return read(name, 0, <u32>length);
  }
}
