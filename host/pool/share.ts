// Bytes that several attempts or threads read: small ones are the pool's own copy, large ones lie once in memory that threads share.
import { POOL } from '../../runtime/base/limits.ts';

/** Blobs that were shared before, so that a process holds one copy of each. */
const shared = new WeakMap<Uint8Array, Uint8Array>();

/** Buffers for large inputs, used again and again: touching 16 MiB of new memory costs more than copying into old. */
export interface Shelf {
  /** Room for an input, to be filled and given to `own`. */
  room(bytes: number): Uint8Array;
  /** A copy that is the pool's own: the caller may use its buffer for the next input. What lies in `room` already stays there. */
  own(input: Uint8Array): Uint8Array;
  /** Takes what `own` gave back when no thread will read it any more. */
  giveBack(copy: Uint8Array): void;
}

/** Keeps at most `bytesMax` of buffers that are not in use. */
export function createShelf(bytesMax: number): Shelf {
  const free = new Map<number, SharedArrayBuffer[]>();
  /** Those that somebody fills. */
  const filling = new WeakSet<ArrayBufferLike>();
  let bytes = 0;
  const take = (count: number): Uint8Array => {
    const size = 2 ** Math.ceil(Math.log2(count));
    const known = free.get(size)?.pop();
    if (known) bytes -= size;
    return new Uint8Array(known ?? new SharedArrayBuffer(size), 0, count);
  };
  return {
    room: (count) => {
      if (count < POOL.sharedBytesMin.default) return new Uint8Array(count);
      const room = take(count);
      filling.add(room.buffer);
      return room;
    },
    own: (input) => {
      if (filling.delete(input.buffer)) return input;
      // Of a Buffer `slice` would be no copy.
      if (input.byteLength < POOL.sharedBytesMin.default) return new Uint8Array(input);
      const copy = take(input.byteLength);
      copy.set(input);
      return copy;
    },
    giveBack: ({ buffer }) => {
      if (!(buffer instanceof SharedArrayBuffer) || bytes + buffer.byteLength > bytesMax) return;
      bytes += buffer.byteLength;
      const others = free.get(buffer.byteLength) ?? [];
      others.push(buffer);
      free.set(buffer.byteLength, others);
    },
  };
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
