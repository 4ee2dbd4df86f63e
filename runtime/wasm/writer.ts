// Writes the WebAssembly binary format: bytes, LEB128 numbers, names and sections, into one buffer that grows.

const utf8 = new TextEncoder();

/** A growing byte buffer. Numbers are written in their shortest form. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** `sizeHint` in bytes saves growing. */
  constructor(sizeHint = 256) {
    this.#bytes = new Uint8Array(Math.max(sizeHint, 16));
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  raw(bytes: ArrayLike<number>): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A part of other bytes. */
  copy(bytes: Uint8Array, start: number, end: number): this {
    const length = end - start;
    this.#reserve(length);
    // For a few bytes, a view of them costs more than they do.
    if (length > 48) this.#bytes.set(bytes.subarray(start, end), this.#length);
    else for (let i = 0, to = this.#length; i < length; i++) this.#bytes[to + i] = bytes[start + i] as number;
    this.#length += length;
    return this;
  }

  /** Empties it; the buffer is kept. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  /** An unsigned LEB128 of an integer from 0 to 2^32 - 1. */
  u32(value: number): this {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  /** A signed LEB128 of a 32-bit integer. */
  s32(value: number): this {
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    return this.byte(rest & 0x7f);
  }

  /** A signed LEB128 of a 64-bit integer. */
  s64(value: bigint): this {
    let rest = BigInt.asIntN(64, value);
    while (rest < -0x40n || rest > 0x3fn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    return this.byte(Number(rest & 0x7fn));
  }

  /** UTF-8 bytes behind their length. */
  name(text: string): this {
    const bytes = utf8.encode(text);
    return this.u32(bytes.length).raw(bytes);
  }

  /** What `fill` writes, behind its size in bytes. */
  sized(fill: (inner: Writer) => void): this {
    const inner = new Writer();
    fill(inner);
    return this.u32(inner.length).raw(inner.view());
  }

  /** A section: its id, its size and what `fill` writes. */
  section(id: number, fill: (inner: Writer) => void): this {
    return this.byte(id).sized(fill);
  }

  /** The bytes written so far, not copied: valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of the bytes written so far. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** The magic number and the version of a core module. */
export const HEADER: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
