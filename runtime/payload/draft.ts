// Bytes on their way: MessagePack is written to a buffer that is used again and again, or piece by piece; large arrays are left out of it and
// are copied once, into the whole. Format: https://github.com/msgpack/msgpack/blob/master/spec.md
import type { Room } from './bytes.ts';
import { Path } from './path.ts';

/** From this size on an array is copied straight into the whole. */
const LARGE_BYTES = 4096;

/** Small inputs may lie in one piece of memory this large: memory of its own for each takes longer than to write it. */
const SLAB_BYTES = 8192;
/** Larger ones have their own, so that none holds much more than itself. */
const SHARING_BYTES_MAX = 1024;

const utf8 = new TextEncoder();
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A field's name, ready to be written and compared: as 32-bit numbers with the first byte highest, the last one filled up with zeros. */
export interface Key {
  readonly words: readonly number[];
  /** The bits of the last word that are the name's. */
  readonly mask: number;
  readonly bytes: number;
}

export class Draft {
  readonly path = new Path('input');
  at = 0;
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  /** Where this one begins: in front of it are those that were handed out. */
  #from = 0;
  #large: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #largeBytes = 0;

  constructor(bytes: number = SLAB_BYTES) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  start(): this {
    this.path.start();
    this.at = this.#from;
    this.#letGo();
    return this;
  }

  /** What was written, where `Room` says. What is handed out is not written again. */
  finish(room?: Room): Uint8Array {
    const size = this.at - this.#from + this.#largeBytes;
    if (room && size <= SHARING_BYTES_MAX) return this.#handOut();
    const from = this.#from;
    const whole = room ? room(size) : new Uint8Array(size);
    let done = from;
    let to = 0;
    for (const { at, bytes } of this.#large) {
      whole.set(this.bytes.subarray(done, at), to);
      whole.set(bytes, to + at - done);
      to += at - done + bytes.length;
      done = at;
    }
    whole.set(this.bytes.subarray(done, this.at), to);
    this.#letGo();
    return whole;
  }

  /** What was written, where it lies, in a slab that goes on behind it. */
  #handOut(): Uint8Array {
    let part = this.bytes.subarray(this.#from, this.at);
    if (this.bytes.length > SLAB_BYTES) {
      this.#turnTo(new Uint8Array(SLAB_BYTES), 0);
      this.bytes.set(part);
      part = this.bytes.subarray(0, part.length);
      this.at = part.length;
    }
    this.#from = this.at;
    if (this.at > SLAB_BYTES - SHARING_BYTES_MAX) this.#turnTo(new Uint8Array(SLAB_BYTES), 0);
    return part;
  }

  #letGo(): void {
    if (this.#largeBytes > 0) this.#large = [];
    this.#largeBytes = 0;
  }

  /** Makes sure of room for that many more bytes. */
  room(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.at + size, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.#turnTo(grown, this.#from);
  }

  #turnTo(bytes: Uint8Array<ArrayBuffer>, from: number): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.#from = from;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }

  /** A key as it was made ready; up to three bytes behind it are written over. */
  key({ words, bytes }: Key): void {
    this.room(4 * words.length);
    const { view, at } = this;
    for (let i = 0; i < words.length; i++) view.setInt32(at + 4 * i, words[i] as number);
    this.at = at + bytes;
  }

  /** A length behind the tag that says how long it is; `tags` are those of 8, 16 and 32 bits, where there are any. */
  length(length: number, [tag8, tag16, tag32]: readonly [number | undefined, number, number]): void {
    this.room(5);
    const { view, at } = this;
    if (tag8 !== undefined && length < 0x100) {
      view.setUint16(at, (tag8 << 8) | length);
      this.at += 2;
    } else if (length < 0x1_0000) {
      view.setUint8(at, tag16);
      view.setUint16(at + 1, length);
      this.at += 3;
    } else {
      view.setUint8(at, tag32);
      view.setUint32(at + 1, length);
      this.at += 5;
    }
  }

  array(count: number): void {
    if (count < 16) this.byte(0x90 | count);
    else this.length(count, [undefined, 0xdc, 0xdd]);
  }

  /** A text. One with half of a surrogate pair is refused: it has no UTF-8. */
  string(text: string): void {
    const units = text.length;
    this.room(units + 5);
    if (units < 32) {
      const { bytes, at } = this;
      let i = 0;
      for (; i < units; i++) {
        const unit = text.charCodeAt(i);
        if (unit >= 0x80) break;
        bytes[at + 1 + i] = unit;
      }
      if (i === units) {
        bytes[at] = 0xa0 | units;
        this.at += 1 + units;
        return;
      }
    }
    if (LONE_SURROGATE.test(text)) throw this.path.refusal('a text without half of a surrogate pair');
    this.#utf8(utf8.encode(text));
  }

  #utf8(bytes: Uint8Array): void {
    if (bytes.length < 32) this.byte(0xa0 | bytes.length);
    else this.length(bytes.length, [0xd9, 0xda, 0xdb]);
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** The bytes of a typed array. */
  binary(bytes: Uint8Array): void {
    this.length(bytes.length, [0xc4, 0xc5, 0xc6]);
    if (bytes.length >= LARGE_BYTES) {
      this.#large.push({ at: this.at, bytes });
      this.#largeBytes += bytes.length;
      return;
    }
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
}

/** Makes a name ready. */
export function keyOf(name: string): Key {
  // A header, three bytes of each unit, and the rest of the last word.
  const draft = new Draft(8 + 4 * name.length);
  draft.string(name);
  const { at: bytes, view } = draft;
  const words = Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => view.getInt32(4 * i));
  return { words, mask: -1 << (8 * (4 * words.length - bytes)), bytes };
}
