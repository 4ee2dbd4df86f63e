// A cursor that writes values to bytes, little-endian, in one buffer that grows: what the host is given is not copied again.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { fail } from './exit';

/** No block of the runtime is larger. */
const LENGTH_MAX: u64 = 0x3fffffe0;

/** Writes values one after the other, in the form that Reader reads. `finish` gives the bytes. */
export class Writer {
  private buffer: ArrayBuffer;
  private length: usize = 0;
  private room: usize;

  /** Give the size of the output, where it is known, as `capacity`: the buffer then never moves. */
  constructor(capacity: i32 = 256) {
    if (capacity < 0) fail('a writer cannot have a capacity of ' + capacity.toString());
    this.buffer = changetype<ArrayBuffer>(__new(capacity, idof<ArrayBuffer>()));
    this.room = capacity;
  }

  /** Bytes written so far. */
  get position(): i32 {
    return <i32>this.length;
  }

  u8(value: u8): void {
    this.put<u8>(value);
  }

  i8(value: i8): void {
    this.put<i8>(value);
  }

  u16(value: u16): void {
    this.put<u16>(value);
  }

  i16(value: i16): void {
    this.put<i16>(value);
  }

  u32(value: u32): void {
    this.put<u32>(value);
  }

  i32(value: i32): void {
    this.put<i32>(value);
  }

  u64(value: u64): void {
    this.put<u64>(value);
  }

  i64(value: i64): void {
    this.put<i64>(value);
  }

  f32(value: f32): void {
    this.put<f32>(value);
  }

  f64(value: f64): void {
    this.put<f64>(value);
  }

  bool(value: bool): void {
    this.put<u8>(value ? 1 : 0);
  }

  /** Its length in bytes (u32), then UTF-8. A lone surrogate becomes U+FFFD. */
  string(value: string): void {
    const length = String.UTF8.byteLength(value);
    this.put<u32>(length);
    const to = this.extend(length);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, to, false, String.UTF8.ErrorMode.REPLACE);
  }

  /** The bytes alone, without their length. */
  bytes(value: Uint8Array): void {
    memory.copy(this.extend(value.byteLength), value.dataStart, value.byteLength);
  }

  /** The elements of a typed array alone, without their count. */
  array<T extends ArrayBufferView>(value: T): void {
    memory.copy(this.extend(value.byteLength), value.dataStart, value.byteLength);
  }

  /** The address of that many more bytes, for code that fills them itself. A later write may move them. */
  reserve(size: i32): usize {
    return this.extend(size);
  }

  /** Zeroes up to a position that is a multiple of `size`, so that an array read there needs no copy. */
  align(size: i32): void {
    const over = <i32>this.length % size;
    if (over > 0) memory.fill(this.extend(size - over), 0, size - over);
  }

  /** The bytes written. No copy: a later write may change or leave them. */
  finish(): Uint8Array {
    return Uint8Array.wrap(this.buffer, 0, <i32>this.length);
  }

  @inline
  private put<T>(value: T): void {
    store<T>(this.extend(sizeof<T>()), value);
  }

  /** Address of `size` more bytes. */
  @inline
  private extend(size: usize): usize {
    const at = this.length;
    if (this.room - at < size) this.grow(size);
    this.length = at + size;
    return changetype<usize>(this.buffer) + at;
  }

  private grow(size: usize): void {
    const wanted = <u64>this.length + size;
    if (wanted > LENGTH_MAX) fail('output is too large: ' + wanted.toString() + ' bytes');
    const room = <usize>min<u64>(max<u64>(wanted, <u64>this.room * 2), LENGTH_MAX);
    const old = changetype<usize>(this.buffer);
    if (ASC_RUNTIME == 0) {
      // Runtime.Stub never frees, and grows its newest block where it lies.
      this.buffer = changetype<ArrayBuffer>(__renew(old, room));
    } else {
      // Bytes that were given out already must stay, so this block is left to the collector.
      const next = __new(room, idof<ArrayBuffer>());
      memory.copy(next, old, this.length);
      this.buffer = changetype<ArrayBuffer>(next);
    }
    this.room = room;
  }
}
