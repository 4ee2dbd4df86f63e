// A cursor that reads values from bytes, little-endian. Every read is checked, and one too many ends the task with a message.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { fail } from './exit';
import { isUtf8 } from './utf8';

/**
 * Reads values one after the other. Numbers are little-endian and need no alignment; a string is its length in bytes (u32), then
 * UTF-8. Arrays are bare: their count is the caller's to know. What cannot be read ends the task as failed and says where.
 */
export class Reader {
  private readonly start: usize;
  private readonly end: usize;
  private at: usize;

  constructor(private readonly source: Uint8Array) {
    this.start = source.dataStart;
    this.end = source.dataStart + <usize>source.byteLength;
    this.at = source.dataStart;
  }

  /** Bytes read so far. */
  get position(): i32 {
    return <i32>(this.at - this.start);
  }

  /** Bytes not yet read. */
  get remaining(): i32 {
    return <i32>(this.end - this.at);
  }

  u8(): u8 {
    return this.take<u8>();
  }

  i8(): i8 {
    return this.take<i8>();
  }

  u16(): u16 {
    return this.take<u16>();
  }

  i16(): i16 {
    return this.take<i16>();
  }

  u32(): u32 {
    return this.take<u32>();
  }

  i32(): i32 {
    return this.take<i32>();
  }

  u64(): u64 {
    return this.take<u64>();
  }

  i64(): i64 {
    return this.take<i64>();
  }

  f32(): f32 {
    return this.take<f32>();
  }

  f64(): f64 {
    return this.take<f64>();
  }

  /** One byte, 0 or 1; another value is refused. */
  bool(): bool {
    const value = this.take<u8>();
    if (value > 1)
      fail('bool at byte ' + (this.position - 1).toString() + ' is ' + value.toString() + ', neither 0 nor 1');
    return value == 1;
  }

  /** A length in bytes (u32), then UTF-8, which is checked. */
  string(): string {
    const at = this.position;
    const length = this.take<u32>();
    const text = this.span('string', length, 1);
    if (!isUtf8(text, length)) fail('string at byte ' + at.toString() + ' is not UTF-8');
    return String.UTF8.decodeUnsafe(text, length);
  }

  /** The next `length` bytes. No copy: a view of the source. */
  bytes(length: i32): Uint8Array {
    return this.array<Uint8Array>(length);
  }

  /**
   * The next `count` elements as a typed array, as in `reader.array<Float64Array>(n)`. It is a view of the source where their
   * place is aligned to the element, and a copy where not: read it, do not write to it. `align` makes sure that it is a view.
   */
  array<T extends ArrayBufferView>(count: i32): T {
    const size = sizeof<valueof<T>>();
    const length = <usize>count * size;
    const from = this.span(nameof<T>(), count, size);
    if ((from & (size - 1)) != 0) {
      const copy = instantiate<T>(count);
      memory.copy(copy.dataStart, from, length);
      return copy;
    }
    const view = changetype<T>(__new(offsetof<T>(), idof<T>()));
    const buffer = changetype<usize>(this.source.buffer);
    store<usize>(changetype<usize>(view), buffer, offsetof<T>('buffer'));
    __link(changetype<usize>(view), buffer, false);
    store<usize>(changetype<usize>(view), from, offsetof<T>('dataStart'));
    store<i32>(changetype<usize>(view), <i32>length, offsetof<T>('byteLength'));
    return view;
  }

  /** Passes over `length` bytes. */
  skip(length: i32): void {
    this.span('skip', length, 1);
  }

  /** Passes over padding, up to a position that is a multiple of `size`. */
  align(size: i32): void {
    const over = this.position % size;
    if (over > 0) this.skip(size - over);
  }

  /** Refuses bytes that nobody has read. */
  finish(): void {
    if (this.at != this.end) fail('input is followed by ' + this.remaining.toString() + ' more bytes');
  }

  @inline
  private take<T>(): T {
    const at = this.at;
    if (this.end - at < sizeof<T>()) this.short(nameof<T>(), sizeof<T>());
    this.at = at + sizeof<T>();
    return load<T>(at);
  }

  /** Address of the next `count` elements, which are then behind the cursor. A negative count is a very large one. */
  private span(what: string, count: u32, size: usize): usize {
    const from = this.at;
    const length = <u64>count * size;
    if (<u64>(this.end - from) < length) this.short(what, length);
    this.at = from + <usize>length;
    return from;
  }

  private short(what: string, wanted: u64): void {
    const place = what + ' at byte ' + this.position.toString();
    fail(
      'input is cut short: ' +
        place +
        ' needs ' +
        wanted.toString() +
        ' bytes, ' +
        this.remaining.toString() +
        ' are left',
    );
  }
}
