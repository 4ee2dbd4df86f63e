// Bytes that several attempts or threads read: small ones are the pool's own copy, large ones lie once in memory that threads share.
import { POOL } from '../../runtime/base/limits.ts';

/** Blobs that were shared before, so that a process holds one copy of each. */
const shared = new WeakMap<Uint8Array, Uint8Array>();

/** A copy that is the pool's own: the caller may use its buffer for the next input. */
export function own(input: Uint8Array): Uint8Array {
  if (input.byteLength < POOL.sharedBytesMin.default) return input.slice();
  return toShared(input);
}

/** Blobs as memory that threads share, copied once a process. */
export function share(blobs: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    Object.entries(blobs).map(([name, bytes]) => {
      const copy = shared.get(bytes) ?? toShared(bytes);
      shared.set(bytes, copy);
      return [name, copy];
    }),
  );
}

function toShared(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  copy.set(bytes);
  return copy;
}
