// The port through which the runtime gets what it may not do itself, and the portable stand-in for it.
import { sha256 } from '@noble/hashes/sha2.js';

/** Given by Node, by a thread or by a tab. */
export interface Platform {
  /** SHA-256 of the bytes: 32 bytes. Synchronous, since a running guest waits for it. */
  digest(bytes: Uint8Array): Uint8Array;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Milliseconds since 1970 began. Without it no WASI program is given the grant `clock`. */
  today?(): number;
  /** Holds this thread for so many milliseconds, where it can be held. */
  hold?(ms: number): void;
  /** Lets whatever else waits in this thread have its turn. */
  turn?(): Promise<void>;
  /** CPU milliseconds used by this thread, where the platform tells. */
  cpuMs?(): number;
  /** Whether two ranges of equal length hold the same bytes, where the platform does it faster than a loop: 1 ms for 16 MiB, not 4. */
  same?(one: Uint8Array, other: Uint8Array): boolean;
  /**
   * SHA-256 of pages of 4 KiB, by their indexes, each to its place among `digests`, where the platform has a faster way for many than one
   * by one. Whether it has; else nothing is done.
   */
  digestPages?(memory: Uint8Array, pages: Uint32Array<ArrayBuffer>, digests: Uint8Array): boolean;
  /**
   * Makes a copy of a memory equal to it, in one go: the indexes of the pages of 4 KiB that differed to `changed`, which has room for
   * all. `mark`: what the last call with these two gave, if nothing but the memory has changed since; else 0. `undefined`: there is no
   * such way, and nothing is done.
   */
  takeChanged?(
    memory: Uint8Array,
    copy: Uint8Array,
    changed: Uint32Array<ArrayBuffer>,
    mark: number,
  ): Changed | undefined;
  /** Zeroed memory that other threads can look at, where images are made of it by another thread than the guest's. */
  shared?(bytes: number): ArrayBufferLike;
}

/** How many pages differed, and the mark for the next call: with it only pages that were written need to be read, where the system knows them. */
export interface Changed {
  readonly count: number;
  readonly mark: number;
}

/** Whether it has what a platform must have. */
export function isPlatform(value: unknown): boolean {
  const { digest, now } = Object(value) as Partial<Platform>;
  return typeof digest === 'function' && typeof now === 'function';
}

/** Works in any JavaScript host. Node's own (`lodger/host`) digests several times faster. */
export const portable: Platform = {
  digest: (bytes) => sha256(bytes),
  now: () => performance.now(),
  today: () => Date.now(),
};

/** Lower-case hex of a SHA-256, the name of kernels and blobs. */
export type Digest = string;

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of an even number of hex digits. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}
