// Room for copies of memories that grow, and the places in it.
import { LodgerError } from '../base/errors.ts';
import type { Platform } from '../base/platform.ts';

/** As much as 32-bit addresses reach. */
const BYTES_MAX = 2 ** 32;

/**
 * The bytes, or a copy with room for as many as are needed: twice as long where it has to grow, since a memory may grow a little at each
 * step. What is not written to takes no room. Throws `ERR_HOST_MEMORY`.
 */
export function grown(bytes: Uint8Array, needed: number, { shared }: Pick<Platform, 'shared'> = {}): Uint8Array {
  if (needed <= bytes.byteLength) return bytes;
  const length = Math.max(needed, Math.min(bytes.byteLength * 2, BYTES_MAX));
  let longer: Uint8Array;
  try {
    longer = new Uint8Array(shared ? shared(length) : new ArrayBuffer(length));
  } catch (cause) {
    throw new LodgerError('ERR_HOST_MEMORY', [`${length} bytes to hold an image`], { cause });
  }
  longer.set(bytes);
  return longer;
}

/** One of many ranges of equal length that lie side by side. */
export function rangeOf(bytes: Uint8Array, length: number, index: number): Uint8Array {
  return bytes.subarray(index * length, (index + 1) * length);
}
