// A cursor over MessagePack that a guest or a stranger wrote: nothing in it is trusted, and no length in it makes room that the bytes
// behind it would not fill. Every form of a value is taken that carries it exactly.
import type { LodgerError } from '../base/errors.ts';
import { Path } from './path.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class Source {
  readonly path = new Path('output');
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next tag, without taking it. */
  tag(): number {
    this.room(1);
    return this.bytes[this.at] as number;
  }

  room(size: number): void {
    if (this.bytes.length - this.at < size) throw this.path.refusal('whole: its bytes are cut short');
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
    if (size === 1) return this.view.getUint8(at);
    return size === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  /** How many pairs follow. */
  map(): number {
    const tag = this.tag();
    let count = tag & 15;
    if ((tag & 0xf0) === 0x80) this.at++;
    else if (tag === 0xde || tag === 0xdf) count = this.#length(tag === 0xde ? 2 : 4);
    else throw this.wants('an object');
    this.room(count);
    return count;
  }

  /** How many elements follow; each takes a byte at least. */
  array(wanted: string): number {
    const tag = this.tag();
    let count = tag & 15;
    if ((tag & 0xf0) === 0x90) this.at++;
    else if (tag === 0xdc || tag === 0xdd) count = this.#length(tag === 0xdc ? 2 : 4);
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
    return this.bytes.subarray(this.at - length, this.at);
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
    if (length < 24) {
      let text = '';
      for (let i = from; i < this.at; i++) {
        const byte = this.bytes[i] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (text.length === length) return text;
    }
    try {
      return utf8.decode(this.bytes.subarray(from, this.at));
    } catch {
      throw this.path.refusal('UTF-8');
    }
  }

  /** Whether the key is next; if so, it is taken. */
  skipKey(key: Uint8Array): boolean {
    const { bytes, at } = this;
    if (bytes.length - at < key.length) return false;
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
    this.at = at + key.length;
    return true;
  }

  float(): number {
    const tag = this.tag();
    if (tag === 0xcb) return this.view.getFloat64(this.take(8));
    if (tag === 0xca) return this.view.getFloat32(this.take(4));
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
    const { view } = this;
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
