// Reads MessagePack for typed kernels: a cursor over the input that trusts nothing in it. The code that the transform writes calls this.
// Every form of a value is taken that carries it exactly (f32 rounds). Format: https://github.com/msgpack/msgpack/blob/master/spec.md
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { at, atWhole, bad, startAt } from './path';
import { kindOf } from './tags';
import { isUtf8 } from './utf8';

@lazy let cursor: usize = 0;
@lazy let end: usize = 0;
/** The input's block, which views of it keep alive. */
@lazy let whole: ArrayBuffer | null = null;
/** Where the input lies, also when it has been read. */
@lazy let block: usize = 0;
@lazy let blockBytes: usize = 0;
/** Bytes of the binary that `isBinary` has found; the cursor is at its first. */
@lazy let binaryLength: u32 = 0;

/** Takes over an input that the host has written. */
export function open(input: usize, length: usize): void {
  startAt('input');
  if (length == 0) bad('is empty');
  whole = changetype<ArrayBuffer>(input);
  __unpin(input);
  block = input;
  blockBytes = length;
  cursor = input;
  end = input + length;
}

export function inputStart(): usize {
  return block;
}

export function inputEnd(): usize {
  return block + blockBytes;
}

/** Refuses what follows the value. */
export function close(): void {
  if (cursor != end) bad('is followed by ' + (end - cursor).toString() + ' more bytes');
  whole = null;
}

@inline
function room(size: usize): void {
  if (end - cursor < size) bad('is cut short');
}

@inline
function tag(): u32 {
  room(1);
  return load<u8>(cursor);
}

function wants(what: string): void {
  bad('wants ' + what + ', has ' + kindOf(load<u8>(cursor)));
}

export function isNil(): bool {
  if (tag() != 0xc0) return false;
  cursor++;
  return true;
}

export function readBool(): bool {
  const first = tag();
  if ((first & 0xfe) != 0xc2) wants('a boolean');
  cursor++;
  return <bool>(first & 1);
}

export function readF64(): f64 {
  const first = tag();
  if (first == 0xcb) return reinterpret<f64>(take<u64>());
  if (first == 0xca) return <f64>reinterpret<f32>(take<u32>());
  if (first == 0xcf) return <f64>take<u64>();
  if (first >= 0x80 && first < 0xe0 && (first < 0xcc || first > 0xd3)) wants('a number');
  return <f64>readI64();
}

export function readF32(): f32 {
  if (tag() == 0xca) return reinterpret<f32>(take<u32>());
  return <f32>readF64();
}

export function readI64(): i64 {
  const first = tag();
  if (first < 0x80 || first >= 0xe0) {
    cursor++;
    return <i64>(<i8>first);
  }
  switch (first) {
    case 0xcc: return <i64>take<u8>();
    case 0xcd: return <i64>take<u16>();
    case 0xce: return <i64>take<u32>();
    case 0xd0: return <i64>take<i8>();
    case 0xd1: return <i64>take<i16>();
    case 0xd2: return <i64>take<i32>();
    case 0xd3: return take<i64>();
    case 0xcf: {
      const value = take<u64>();
      if (value > <u64>i64.MAX_VALUE) bad('is out of range: ' + value.toString());
      return <i64>value;
    }
    case 0xca:
    case 0xcb: {
      // A JavaScript number above 32 bits comes as a float.
      const value = readF64();
      if (!(Math.abs(value) <= 9007199254740991) || value != Math.trunc(value)) bad('wants an integer, has ' + value.toString());
      return <i64>value;
    }
  }
  wants('an integer');
  return 0;
}

export function readU64(): u64 {
  if (tag() == 0xcf) return take<u64>();
  const value = readI64();
  if (value < 0) bad('is out of range: ' + value.toString());
  return <u64>value;
}

/** An integer of at most 32 bits. */
export function readInteger(low: i64, high: i64): i64 {
  if (tag() == 0xcf) {
    const large = take<u64>();
    if (large > <u64>high) bad('is out of range: ' + large.toString());
    return <i64>large;
  }
  const value = readI64();
  if (value < low || value > high) bad('is out of range: ' + value.toString());
  return value;
}

/** The number behind the tag, big-endian. */
@inline
function take<T>(): T {
  room(1 + sizeof<T>());
  const value = bswap<T>(load<T>(cursor, 1));
  cursor += 1 + sizeof<T>();
  return value;
}

/** A length of 8, 16 or 32 bits behind a tag; `form` is 0, 1 or 2. */
function lengthOf(form: u32): u32 {
  if (form == 0) return <u32>take<u8>();
  if (form == 1) return <u32>take<u16>();
  return take<u32>();
}

/** How many pairs follow. */
export function readMap(): u32 {
  const first = tag();
  let count: u32 = 0;
  if ((first & 0xf0) == 0x80) {
    cursor++;
    count = first & 15;
  } else if (first == 0xde || first == 0xdf) count = lengthOf(first - 0xdd);
  else wants('a map');
  if (count > <u32>(end - cursor)) bad('is cut short');
  return count;
}

/** How many elements follow. Each is a byte at least, so that no number makes room for more than what 16 times the input takes. */
export function readArray(): u32 {
  const first = tag();
  let count: u32 = 0;
  if ((first & 0xf0) == 0x90) {
    cursor++;
    count = first & 15;
  } else if (first == 0xdc || first == 0xdd) count = lengthOf(first - 0xdb);
  else wants('an array');
  if (count > <u32>(end - cursor)) bad('is cut short');
  return count;
}

/** The length of a string, whose first byte the cursor is then at. */
function stringLength(): u32 {
  const first = tag();
  let length: u32 = 0;
  if ((first & 0xe0) == 0xa0) {
    cursor++;
    length = first & 31;
  } else if (first >= 0xd9 && first <= 0xdb) length = lengthOf(first - 0xd9);
  else wants('a string');
  room(length);
  return length;
}

export function readString(): string {
  const length: usize = stringLength();
  const from = cursor;
  const to = from + length;
  cursor = to;
  let ascii = from;
  while (ascii < to && load<u8>(ascii) < 0x80) ascii++;
  if (ascii == to) {
    const text = __new(length << 1, idof<String>());
    for (let i: usize = 0; i < length; i++) store<u16>(text + (i << 1), load<u8>(from + i));
    return changetype<string>(text);
  }
  if (!isUtf8(ascii, to - ascii)) bad('is not UTF-8');
  return String.UTF8.decodeUnsafe(from, length);
}

/** Whether binary is next, as numbers of `1 << shift` bytes each. If so, the cursor is at its first byte. */
export function isBinary(shift: u32): bool {
  const first = tag();
  if (first < 0xc4 || first > 0xc6) return false;
  binaryLength = lengthOf(first - 0xc4);
  room(binaryLength);
  const size: u32 = 1 << shift;
  if (binaryLength & (size - 1)) bad('wants a multiple of ' + size.toString() + ' bytes, has ' + binaryLength.toString());
  return true;
}

/** The binary as a typed array that looks into the input itself: no copy, whatever its place, since WebAssembly loads from any. */
export function view<T extends ArrayBufferView>(): T {
  const array = changetype<T>(__new(offsetof<T>(), idof<T>()));
  const buffer = changetype<usize>(whole);
  store<usize>(changetype<usize>(array), buffer, offsetof<T>('buffer'));
  __link(changetype<usize>(array), buffer, false);
  store<usize>(changetype<usize>(array), cursor, offsetof<T>('dataStart'));
  store<u32>(changetype<usize>(array), binaryLength, offsetof<T>('byteLength'));
  cursor += binaryLength;
  return array;
}

export function binaryBytes(): u32 {
  return binaryLength;
}

/** Copies the binary to its place. */
export function copyBinary(to: usize): void {
  memory.copy(to, cursor, binaryLength);
  cursor += binaryLength;
}

/** The key that `readKey` has found: an entry of the table. */
@lazy let found: usize = 0;

/**
 * The place of the next key among `count` of them. `table` has an entry for each: bytes of the key with its header, bytes of the
 * header, then both, as they are written. `guess` is the entry of the key that is next if keys come in order, `place` its place.
 */
export function readKey(table: usize, count: u32, guess: usize, place: u32): u32 {
  if (place < count) {
    const length: usize = load<u8>(guess);
    if (end - cursor >= length && memory.compare(cursor, guess + 2, length) == 0) {
      cursor += length;
      found = guess;
      return place;
    }
  }
  return searchKey(table, count);
}

/** The entry of the last key. */
export function foundKey(): usize {
  return found;
}

function searchKey(table: usize, count: u32): u32 {
  atWhole();
  const length = stringLength();
  let entry = table;
  for (let place: u32 = 0; place < count; place++) {
    const header: usize = load<u8>(entry, 1);
    const size: usize = load<u8>(entry);
    if (size - header == length && memory.compare(cursor, entry + 2 + header, length) == 0) {
      cursor += length;
      found = entry;
      return place;
    }
    entry += size + 2;
  }
  const named = length <= 100 && isUtf8(cursor, length);
  bad('has no field ' + (named ? '"' + String.UTF8.decodeUnsafe(cursor, length) + '"' : 'of such a name'));
  return 0;
}

export function repeated(): void {
  bad('is given twice');
}

/** Fails at the first field whose bit is set. */
export function missing(table: usize, absent: u64): void {
  let entry = table;
  for (let i = ctz(absent); i > 0; i--) entry += <usize>load<u8>(entry) + 2;
  at(entry);
  bad('is missing');
}
