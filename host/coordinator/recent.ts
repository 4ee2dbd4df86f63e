// Recent blobs: the bytes of those that came last, in memory up to a size.
import type { Digest } from '../../runtime/base/platform.ts';

export interface Recent {
  /** Keeps bytes, which must not change, and lets the oldest go where they are too many. */
  add(digest: Digest, bytes: Uint8Array): void;
  get(digest: Digest): Uint8Array | undefined;
  remove(digest: Digest): void;
  /** Of all memory that is held. */
  readonly bytes: number;
}

export function createRecent(bytesMax: number): Recent {
  const kept = new Map<Digest, Uint8Array>();
  /** Blobs of one request lie in one memory, all of which is held for as long as one of them is. */
  const shares = new Map<ArrayBufferLike, number>();
  let bytes = 0;
  const remove = (digest: Digest) => {
    const memory = kept.get(digest)?.buffer;
    if (!memory) return;
    kept.delete(digest);
    const left = (shares.get(memory) ?? 1) - 1;
    if (left > 0) return void shares.set(memory, left);
    shares.delete(memory);
    bytes -= memory.byteLength;
  };
  return {
    add: (digest, given) => {
      const { buffer } = given;
      remove(digest);
      kept.set(digest, given);
      if (!shares.has(buffer)) bytes += buffer.byteLength;
      shares.set(buffer, (shares.get(buffer) ?? 0) + 1);
      for (const oldest of kept.keys()) {
        if (bytes <= bytesMax) break;
        remove(oldest);
      }
    },
    get: (digest) => kept.get(digest),
    remove,
    get bytes() {
      return bytes;
    },
  };
}
