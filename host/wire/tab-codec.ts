// `codec.ts` as it is in a tab: the same MessagePack without a library, since that is a tenth of all that a volunteer would be sent. The build of
// pages puts it in the place of the other; a test holds the two to the same answers. https://github.com/msgpack/msgpack/blob/master/spec.md
import { Writer } from '../../runtime/wasm/writer.ts';
import { checkShape } from './shape.ts';

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { ignoreBOM: true });
const float = new DataView(new ArrayBuffer(8));

/** Kept from message to message. */
const writer = new Writer(4_096);

/** As `codec.ts` has it. Throws a RangeError for what is no plain data. */
export function encode(message: unknown): Uint8Array {
  write(writer.clear(), message);
  return writer.take();
}

function write(out: Writer, value: unknown): void {
  if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'string') {
    const bytes = utf8.encode(value);
    if (bytes.length < 32) out.byte(0xa0 | bytes.length);
    else sized(out, bytes.length, [0xd9, 0xda, 0xdb]);
    out.raw(bytes);
  } else if (value === null) out.byte(0xc0);
  else if (typeof value === 'boolean') out.byte(value ? 0xc3 : 0xc2);
  else if (value instanceof Uint8Array) {
    sized(out, value.length, [0xc4, 0xc5, 0xc6]);
    out.raw(value);
  } else if (Array.isArray(value)) {
    if (value.length < 16) out.byte(0x90 | value.length);
    else sized(out, value.length, [0, 0xdc, 0xdd]);
    for (const each of value) write(out, each);
  } else if (typeof value === 'object') {
    const pairs = Object.entries(value as object);
    if (pairs.length < 16) out.byte(0x80 | pairs.length);
    else sized(out, pairs.length, [0, 0xde, 0xdf]);
    for (const pair of pairs) for (const each of pair) write(out, each);
  } else throw new RangeError(`a message has a part that is no data: ${typeof value}`);
}

function writeNumber(out: Writer, value: number): void {
  if (value >>> 0 === value) {
    if (value < 0x80) out.byte(value);
    else sized(out, value, [0xcc, 0xcd, 0xce]);
  } else if (value >> 0 === value && value >= -0x20) out.byte(value);
  else if (value >> 0 === value) bigEndian(out.byte(0xd2), value, 4);
  else {
    float.setFloat64(0, value);
    out.byte(0xcb).raw(new Uint8Array(float.buffer));
  }
}

/** A tag for as many bytes as a count takes, and the count; a tag of 0 is none. */
function sized(out: Writer, count: number, [tag8, tag16, tag32]: readonly [number, number, number]): void {
  if (tag8 > 0 && count < 0x100) bigEndian(out.byte(tag8), count, 1);
  else if (count < 0x1_0000) bigEndian(out.byte(tag16), count, 2);
  else bigEndian(out.byte(tag32), count, 4);
}

function bigEndian(out: Writer, value: number, bytes: number): void {
  for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.byte(value >>> shift);
}

/** As `codec.ts` has it. */
export function decode(bytes: Uint8Array): unknown {
  // After that every value lies within the bytes, and nothing is nested too deeply.
  checkShape(bytes);
  return new Parts(bytes).value();
}

/** Integers of 64 bits are bigints, which no message has: those beyond 32 bits are written as floats. */
const NUMBERS: Readonly<Record<number, readonly [bytes: number, read: (view: DataView, at: number) => unknown]>> = {
  202: [4, (view, at) => view.getFloat32(at)],
  203: [8, (view, at) => view.getFloat64(at)],
  204: [1, (view, at) => view.getUint8(at)],
  205: [2, (view, at) => view.getUint16(at)],
  206: [4, (view, at) => view.getUint32(at)],
  207: [8, (view, at) => view.getBigUint64(at)],
  208: [1, (view, at) => view.getInt8(at)],
  209: [2, (view, at) => view.getInt16(at)],
  210: [4, (view, at) => view.getInt32(at)],
  211: [8, (view, at) => view.getBigInt64(at)],
};

class Parts {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(): unknown {
    const first = this.#number(204) as number;
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first < 0x90) return this.#pairs(first & 15);
    if (first < 0xa0) return this.#list(first & 15);
    if (first < 0xc0) return text.decode(this.#part(first & 31));
    if (first < 0xc4) return first === 0xc0 ? null : first === 0xc3;
    if (first < 0xc7) return this.#part(this.#count(first - 0xc4));
    if (first < 0xd4) return this.#number(first);
    if (first < 0xdc) return text.decode(this.#part(this.#count(first - 0xd9)));
    return first < 0xde ? this.#list(this.#count(first - 0xdb)) : this.#pairs(this.#count(first - 0xdd));
  }

  #number(tag: number): unknown {
    const [bytes, read] = NUMBERS[tag] as (typeof NUMBERS)[number];
    const value = read(this.#view, this.#at);
    this.#at += bytes;
    return value;
  }

  /** In 1, 2 or 4 bytes. */
  #count(power: number): number {
    return this.#number(204 + power) as number;
  }

  /** A part of the message, as it lies there. */
  #part(length: number): Uint8Array {
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  #list(length: number): unknown[] {
    return Array.from({ length }, () => this.value());
  }

  #pairs(length: number): object {
    const pairs = Array.from({ length }, () => {
      const name = this.value();
      if (typeof name !== 'string') throw new RangeError('a message is not understood');
      return [name, this.value()] as const;
    });
    // Whatever the names are: none is taken for the object's own prototype.
    return Object.fromEntries(pairs);
  }
}
