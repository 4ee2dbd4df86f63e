// The code by which an instrumented module counts. Each piece leaves the operands as it found them.
import { BYTES_PER_FUEL } from '../meter/tariff.ts';
import type { Writer } from '../wasm/writer.ts';

/** Where it is written, and what it may use: globals, and two locals of type i32. */
export interface Code {
  readonly w: Writer;
  readonly site: number;
  /** The first counter. */
  readonly counters: number;
  readonly size: number;
  readonly grown: number;
}

const OP = {
  ...{ get: 0x20, set: 0x21, tee: 0x22, getGlobal: 0x23, setGlobal: 0x24, const: 0x41, const64: 0x42 },
  ...{ if: 0x04, end: 0x0b, unequal: 0x47, shrU: 0x76, add64: 0x7c, mul64: 0x7e, extendU: 0xad },
} as const;
const EMPTY = 0x40;
const LENGTH_SHIFT = Math.log2(BYTES_PER_FUEL);

/** A run begins. */
export function writeCount({ w, counters }: Code, counter: number): void {
  const global = counters + counter;
  w.byte(OP.getGlobal).u32(global).byte(OP.const64).s32(1).byte(OP.add64).byte(OP.setGlobal).u32(global);
}

/** The host is about to be called from there. */
export function writeSite({ w, site }: Code, index: number): void {
  w.byte(OP.const).s32(index).byte(OP.setGlobal).u32(site);
}

/** The size on top of the operands is kept; with a counter, it is bytes of a range, and paid for. */
export function writeLength({ w, counters, size }: Code, counter: number | undefined): void {
  w.byte(OP.tee).u32(size);
  if (counter === undefined) return;
  const global = counters + counter;
  w.byte(OP.getGlobal).u32(global).byte(OP.get).u32(size).byte(OP.const).s32(LENGTH_SHIFT).byte(OP.shrU);
  w.byte(OP.extendU).byte(OP.add64).byte(OP.setGlobal).u32(global);
}

/** Behind `memory.grow`: pages that were really added are paid for. */
export function writeGrown({ w, counters, size, grown }: Code, counter: number, fuelPerPage: number): void {
  const global = counters + counter;
  w.byte(OP.tee).u32(grown).byte(OP.const).s32(-1).byte(OP.unequal).byte(OP.if).byte(EMPTY);
  w.byte(OP.getGlobal).u32(global).byte(OP.get).u32(size).byte(OP.extendU).byte(OP.const64).s32(fuelPerPage);
  w.byte(OP.mul64).byte(OP.add64).byte(OP.setGlobal).u32(global).byte(OP.end).byte(OP.get).u32(grown);
}
