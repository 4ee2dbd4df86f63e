// A cursor over bytes that never reads outside its bounds: LEB128 numbers, names and raw bytes of the binary format.
// Source: WebAssembly core specification 2.0, 5.2 "Values".

import { ADMISSION, type CeilingName } from '../base/admission.ts';
import { LodgerError } from '../base/errors.ts';
import { READING, type ReadingName } from '../base/reading.ts';

const CEILINGS = { ...ADMISSION, ...READING };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One of the two ways in which reading fails: `ERR_KERNEL_MALFORMED` with what is wrong and where. */
export function malformed(reason: string, at: number): LodgerError {
  return new LodgerError('ERR_KERNEL_MALFORMED', [reason, at]);
}

/** The other way: `ERR_KERNEL_CEILING`, more of something than `most`. Without it, more than is read whatever the ceilings. */
export function excessive(name: CeilingName | ReadingName, count: number, most?: number): LodgerError {
  const { unit, reason, max } = CEILINGS[name];
  return new LodgerError('ERR_KERNEL_CEILING', [count, unit, most ?? max, `${name}: ${reason}`]);
}

/** Reads forward from `at` up to `end`. Every method throws `ERR_KERNEL_MALFORMED` rather than pass the end. */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw malformed('it ends too early', this.at);
    return this.bytes[this.at++] as number;
  }

  /** The next byte, without taking it. */
  peek(): number {
    if (this.at >= this.end) throw malformed('it ends too early', this.at);
    return this.bytes[this.at] as number;
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw malformed('it ends too early', this.end);
    this.at += count;
  }

  /** A part of the bytes, not copied. */
  take(count: number): Uint8Array {
    this.skip(count);
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** Unsigned LEB128 of 32 bits: at most 5 bytes, no bit beyond the 32nd. */
  u32(): number {
    const first = this.byte();
    return first < 0x80 ? first : this.#u32Rest(first & 0x7f);
  }

  #u32Rest(first: number): number {
    let value = first;
    for (let shift = 7; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) throw malformed('a number has more than 32 bits', this.at - 1);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Signed LEB128 of 32 bits: at most 5 bytes, the unused bits of the last one repeat the sign. */
  s32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28) {
        if (byte > 0x7f || ((byte & 0x78) !== 0 && (byte & 0x78) !== 0x78)) {
          throw malformed('a number has more than 32 bits', this.at - 1);
        }
        return value | (byte << 28);
      }
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift);
    }
  }

  /** Signed LEB128 of 33 bits, as block types use it: at most 5 bytes. */
  s33(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && (byte > 0x7f || ((byte & 0x70) !== 0 && (byte & 0x70) !== 0x70))) {
        throw malformed('a number has more than 33 bits', this.at - 1);
      }
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
  }

  /** Signed LEB128 of 64 bits: at most 10 bytes, the unused bits of the last one repeat the sign. */
  s64(): bigint {
    let value = 0n;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 63 && byte !== 0x00 && byte !== 0x7f) {
        throw malformed('a number has more than 64 bits', this.at - 1);
      }
      value |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) return BigInt.asIntN(Math.min(shift + 7, 64), value);
    }
  }

  /** Passes over a signed LEB128 of 64 bits with the same checks, without making a BigInt. */
  skipS64(): void {
    for (let length = 1; ; length++) {
      const byte = this.byte();
      if (length === 10 && byte !== 0x00 && byte !== 0x7f) {
        throw malformed('a number has more than 64 bits', this.at - 1);
      }
      if (byte < 0x80) return;
    }
  }

  /**
   * The length of a vector whose items take at least `itemBytesMin` each; `what` names them. Where the bytes bound it too little,
   * `ceiling` does: beyond its highest value `ERR_KERNEL_CEILING` is thrown.
   */
  count(what: string, itemBytesMin: number, ceiling?: CeilingName | ReadingName): number {
    const at = this.at;
    const count = this.u32();
    if (count * itemBytesMin > this.end - this.at)
      throw malformed(`${what}: ${count} announced, too few bytes left`, at);
    if (ceiling !== undefined && count > CEILINGS[ceiling].max) throw excessive(ceiling, count);
    return count;
  }

  /** A UTF-8 name behind its length. Throws `ERR_KERNEL_CEILING` for a very long one. */
  name(): string {
    const at = this.at;
    const length = this.u32();
    if (length > READING.nameBytes.max) throw excessive('nameBytes', length);
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      throw malformed('a name is not UTF-8', at);
    }
  }
}
