// `codec.ts` as it is in a tab: the same MessagePack without a library, since that is a tenth of all that a volunteer would be sent. The build of
// pages puts it in the place of the other; a test holds the two to the same answers. https://github.com/msgpack/msgpack/blob/master/spec.md
const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { ignoreBOM: true });
const float = new DataView(new ArrayBuffer(8));

/** Kept from message to message. */
let room = new Uint8Array(4_096);
let length = 0;

/** As `codec.ts` has it. Throws a RangeError for what is no plain data. */
export function encode(message: unknown): Uint8Array {
  length = 0;
  write(message);
  return room.slice(0, length);
}

function write(value: unknown): void {
  if (typeof value === 'number') writeNumber(value);
  else if (typeof value === 'string') {
    const bytes = utf8.encode(value);
    if (bytes.length < 32) put(0xa0 | bytes.length);
    else sized(bytes.length, [0xd9, 0xda, 0xdb]);
    raw(bytes);
  } else if (value === null) put(0xc0);
  else if (typeof value === 'boolean') put(value ? 0xc3 : 0xc2);
  else if (value instanceof Uint8Array) {
    sized(value.length, [0xc4, 0xc5, 0xc6]);
    raw(value);
  } else if (Array.isArray(value)) {
    if (value.length < 16) put(0x90 | value.length);
    else sized(value.length, [0, 0xdc, 0xdd]);
    for (const each of value) write(each);
  } else if (typeof value === 'object') {
    const pairs = Object.entries(value as object);
    if (pairs.length < 16) put(0x80 | pairs.length);
    else sized(pairs.length, [0, 0xde, 0xdf]);
    for (const pair of pairs) for (const each of pair) write(each);
  } else throw new RangeError(`a message has a part that is no data: ${typeof value}`);
}

function writeNumber(value: number): void {
  if (value >>> 0 === value) {
    if (value < 0x80) put(value);
    else sized(value, [0xcc, 0xcd, 0xce]);
  } else if (value >> 0 === value && value >= -0x20) put(value);
  else if (value >> 0 === value) put(0xd2, value, 4);
  else {
    float.setFloat64(0, value);
    put(0xcb);
    raw(new Uint8Array(float.buffer));
  }
}

/** A tag for as many bytes as a count takes, and the count; a tag of 0 is none. */
function sized(count: number, [tag8, tag16, tag32]: readonly [number, number, number]): void {
  if (tag8 > 0 && count < 0x100) put(tag8, count, 1);
  else if (count < 0x1_0000) put(tag16, count, 2);
  else put(tag32, count, 4);
}

/** A tag, and a number behind it in so many bytes, the highest first. */
function put(tag: number, value = 0, bytes = 0): void {
  reserve(5);
  room[length++] = tag;
  for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) room[length++] = value >>> shift;
}

function raw(bytes: Uint8Array): void {
  reserve(bytes.length);
  room.set(bytes, length);
  length += bytes.length;
}

function reserve(more: number): void {
  if (length + more <= room.length) return;
  const grown = new Uint8Array(2 * (length + more));
  grown.set(room);
  room = grown;
}

/** As `codec.ts` has it, with what `shape.ts` refuses, found as it is read: nothing is made of a length before there are bytes for it. */
export function decode(bytes: Uint8Array): unknown {
  const parts = new Parts(bytes);
  const value = parts.value();
  if (parts.left > 0) throw new RangeError('a message has something behind it');
  return value;
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

/** As many lists in each other as `shape.ts` lets through. */
const DEPTH_MAX = 15;

class Parts {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  value(): unknown {
    if (this.left === 0) throw new RangeError('a message ends too early');
    const first = this.#number(204) as number;
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first < 0x90) return this.#pairs(first & 15);
    if (first < 0xa0) return this.#list(first & 15);
    if (first < 0xc0) return text.decode(this.#part(first & 31));
    if (first === 0xc0) return null;
    if (first === 0xc2 || first === 0xc3) return first === 0xc3;
    if (first >= 0xc4 && first < 0xc7) return this.#part(this.#count(first - 0xc4));
    if (first < 0xd9) return this.#number(first);
    if (first < 0xdc) return text.decode(this.#part(this.#count(first - 0xd9)));
    return first < 0xde ? this.#list(this.#count(first - 0xdb)) : this.#pairs(this.#count(first - 0xdd));
  }

  #number(tag: number): unknown {
    const form = NUMBERS[tag];
    if (!form) throw new RangeError(`a message has a form that is not used: ${tag}`);
    const [bytes, read] = form;
    this.#need(bytes);
    const value = read(this.#view, this.#at);
    this.#at += bytes;
    return value;
  }

  /** In 1, 2 or 4 bytes. */
  #count(power: number): number {
    return this.#number(204 + power) as number;
  }

  #need(bytes: number): void {
    if (bytes > this.left) throw new RangeError('a message claims more than it has');
  }

  /** A part of the message, as it lies there. */
  #part(length: number): Uint8Array {
    this.#need(length);
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  #list(length: number, each = () => this.value()): unknown[] {
    this.#need(length);
    if (length > 0 && this.#depth === DEPTH_MAX) throw new RangeError('a message is nested too deeply');
    this.#depth++;
    const list = Array.from({ length }, each);
    this.#depth--;
    return list;
  }

  #pairs(length: number): object {
    this.#need(2 * length);
    const pairs = this.#list(length, () => {
      const name = this.value();
      if (typeof name !== 'string') throw new RangeError('a message is not understood');
      // As msgpackr reads it.
      return [name === '__proto__' ? '__proto_' : name, this.value()];
    });
    // Whatever the names are: none is taken for the object's own prototype.
    return Object.fromEntries(pairs as [string, unknown][]);
  }
}
