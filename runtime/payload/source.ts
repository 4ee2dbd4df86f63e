// A cursor over MessagePack that a guest or a stranger wrote: nothing in it is trusted, and no length in it makes room that the bytes
// behind it would not fill. Every form of a value is taken that carries it exactly.
import type { LodgerError } from '../base/errors.ts';
import type { Key } from './draft.ts';
import { Path } from './path.ts';

const NOTHING = new Uint8Array();

/** A buffer up to this size is kept at hand: small outputs come many in one, and to make two views of it takes as long as to read some. */
const KEPT_BYTES_MAX = 64 * 1024;

/** Length of a short text -> room for the codes of its characters. */
const CODES = Array.from({ length: 24 }, (_, length) => new Array<number>(length).fill(0));

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Source {
  readonly path = new Path('output');
  /** The whole buffer, of which the bytes from `at` to the end are read. */
  #all: Uint8Array = NOTHING;
  #view: DataView = new DataView(NOTHING.buffer);
  #end = 0;
  at = 0;

  start({ buffer, byteOffset, byteLength }: Uint8Array): void {
    this.path.start();
    if (buffer !== this.#all.buffer || buffer.byteLength !== this.#all.byteLength) this.#turnTo(new Uint8Array(buffer));
    this.at = byteOffset;
    this.#end = byteOffset + byteLength;
  }

  /** Lets go of the bytes. */
  end(): void {
    if (this.#all.length > KEPT_BYTES_MAX) this.#turnTo(NOTHING);
  }

  #turnTo(all: Uint8Array): void {
    this.#all = all;
    this.#view = new DataView(all.buffer);
  }

  /** How many bytes are still to be read. */
  get rest(): number {
    return this.#end - this.at;
  }

  /** The next tag, without taking it. */
  tag(): number {
    this.room(1);
    return this.#all[this.at] as number;
  }

  room(size: number): void {
    if (this.rest < size) throw this.path.refusal('whole: its bytes are cut short');
  }

  wants(what: string): LodgerError {
    return this.path.refusal(`${what}, not ${nameOf(this.tag())}`);
  }

  /** Takes a tag and what follows it; gives where that begins. */
  take(size: number): number {
    this.room(1 + size);
    const at = this.at + 1;
    this.at = at + size;
    return at;
  }

  /** A length behind the tag: 1, 2 or 4 bytes. */
  #length(size: number): number {
    const at = this.take(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  /** How many pairs follow. */
  map(): number {
    return this.#count('an object', 0x80, 0xde);
  }

  /** How many elements follow. */
  array(wanted: string): number {
    return this.#count(wanted, 0x90, 0xdc);
  }

  /** Of what takes a byte each at least: in the tag, or behind it in 16 or 32 bits. */
  #count(wanted: string, few: number, many: number): number {
    const tag = this.tag();
    let count = tag & 15;
    if ((tag & 0xf0) === few) this.at++;
    else if (tag === many || tag === many + 1) count = this.#length(tag === many ? 2 : 4);
    else throw this.wants(wanted);
    this.room(count);
    return count;
  }

  /** The bytes of a binary, as a view; undefined if there is none. */
  binary(): Uint8Array | undefined {
    const tag = this.tag();
    if (tag < 0xc4 || tag > 0xc6) return undefined;
    const length = this.#length(1 << (tag - 0xc4));
    this.room(length);
    this.at += length;
    return this.#all.subarray(this.at - length, this.at);
  }

  string(): string {
    const tag = this.tag();
    let length = tag & 31;
    if ((tag & 0xe0) === 0xa0) this.at++;
    else if (tag >= 0xd9 && tag <= 0xdb) length = this.#length(1 << (tag - 0xd9));
    else throw this.wants('a string');
    this.room(length);
    const from = this.at;
    this.at += length;
    const codes = CODES[length];
    if (codes !== undefined) {
      let all = 0;
      for (let i = 0; i < length; i++) all |= codes[i] = this.#all[from + i] as number;
      if (all < 0x80) return String.fromCharCode(...codes);
    }
    try {
      return utf8.decode(this.#all.subarray(from, this.at));
    } catch {
      throw this.path.refusal('UTF-8');
    }
  }

  /** Whether the key is next; if so, it is taken. One so near to the end that no whole word is left is not seen here. */
  skipKey({ words, mask, bytes }: Key): boolean {
    if (this.rest < 4 * words.length) return false;
    const view = this.#view;
    const { at } = this;
    const last = words.length - 1;
    for (let i = 0; i < last; i++) if (view.getInt32(at + 4 * i) !== words[i]) return false;
    if ((view.getInt32(at + 4 * last) & mask) !== words[last]) return false;
    this.at = at + bytes;
    return true;
  }

  float(): number {
    const tag = this.tag();
    if (tag === 0xcb) return this.#view.getFloat64(this.take(8));
    if (tag === 0xca) return this.#view.getFloat32(this.take(4));
    if (!isInteger(tag)) throw this.wants('a number');
    return Number(this.integer());
  }

  /** A number where it is exact, else a bigint. */
  integer(): number | bigint {
    const tag = this.tag();
    if (tag === 0xca || tag === 0xcb) {
      const value = this.float();
      if (Number.isSafeInteger(value)) return value;
      throw this.path.refusal(`an integer, not ${value}`);
    }
    if (!isInteger(tag)) throw this.wants('an integer');
    const view = this.#view;
    if (tag < 0x80 || tag >= 0xe0) return view.getInt8(this.take(0) - 1);
    switch (tag) {
      case 0xcc:
        return view.getUint8(this.take(1));
      case 0xcd:
        return view.getUint16(this.take(2));
      case 0xce:
        return view.getUint32(this.take(4));
      case 0xcf:
        return view.getBigUint64(this.take(8));
      case 0xd0:
        return view.getInt8(this.take(1));
      case 0xd1:
        return view.getInt16(this.take(2));
      case 0xd2:
        return view.getInt32(this.take(4));
      default:
        return view.getBigInt64(this.take(8));
    }
  }
}

function isInteger(tag: number): boolean {
  return tag < 0x80 || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3);
}

function nameOf(tag: number): string {
  if (isInteger(tag)) return 'an integer';
  if (tag < 0x90 || tag === 0xde || tag === 0xdf) return 'a map';
  if (tag < 0xa0 || tag === 0xdc || tag === 0xdd) return 'an array';
  if (tag < 0xc0 || (tag >= 0xd9 && tag <= 0xdb)) return 'a string';
  if (tag === 0xc0) return 'nil';
  if (tag === 0xc2 || tag === 0xc3) return 'a boolean';
  if (tag >= 0xc4 && tag <= 0xc6) return 'bytes';
  return tag === 0xca || tag === 0xcb ? 'a float' : 'an extension';
}
