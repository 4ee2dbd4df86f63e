// Writes the code that makes NaNs canonical: `x <= x ? x : NaN`, lane by lane of vectors.
//
// By measurement, of forms that do the same. "Not greater" costs engines one branch or none on x86, where equality of scalars needs two,
// since a NaN is told by a flag of its own: 1.0 against 1.1 for a stencil, 1.3 against 1.4 for y += ax on V8, 1.3 against 2.0 on
// Wasmtime. A branch round the replacement is no better for scalars, and costs vectors 1.5 against 1.0 on Wasmtime. Collecting in a
// flag whether any NaN was seen, for a second run, costs more than replacing: 1.5 for y += ax on V8, 1.8 and with vectors 4.8 on Wasmtime.
import type { Writer } from '../wasm/writer.ts';
import { type Fix, type Fixes, FORM } from './nan-fixes.ts';
import { KIND, MIXED, RAW, RAW32 } from './nan-kinds.ts';

const EMPTY = 0x40;
const OP = {
  ...{ if: 0x04, end: 0x0b, select: 0x1b, get: 0x20, set: 0x21, tee: 0x22 },
  ...{ const: 0x41, eqz: 0x45, equal: 0x46, vector: 0xfd },
} as const;
const [V128_CONST, BITSELECT, ALL_TRUE64, ALL_TRUE32] = [0x0c, 0x52, 0xc3, 0xa3] as const;
const I32 = 0x7f;

/** How floats of one kind are replaced. Of vectors, `true` is a mask. */
interface Float {
  readonly type: number;
  readonly constant: readonly number[];
  readonly plus: readonly number[];
  readonly minus: readonly number[];
  readonly isNumber: readonly number[];
  readonly choose: readonly number[];
  /** Makes an i32 of what `isNumber` gives: whether all are. */
  readonly all: readonly number[];
}

const bits32 = (high: number) => [0, 0, 0xc0, high];
const bits64 = (high: number) => [0, 0, 0, 0, 0, 0, 0xf8, high];
const both = (bits: readonly number[]): number[] => (bits.length < 16 ? both([...bits, ...bits]) : [...bits]);
const [PLUS, MINUS] = [0x7f, 0xff] as const;
const SCALAR = { choose: [OP.select], all: [] };
const VECTOR = { type: 0x7b, constant: [OP.vector, V128_CONST], choose: [OP.vector, BITSELECT] };

const FLOATS = {
  f32: { ...SCALAR, type: 0x7d, constant: [0x43], plus: bits32(PLUS), minus: bits32(MINUS), isNumber: [0x5f] },
  f64: { ...SCALAR, type: 0x7c, constant: [0x44], plus: bits64(PLUS), minus: bits64(MINUS), isNumber: [0x65] },
  f32x4: {
    ...{ ...VECTOR, plus: both(bits32(PLUS)), minus: both(bits32(MINUS)) },
    ...{ isNumber: [OP.vector, 0x41], all: [OP.vector, ALL_TRUE32, 1] },
  },
  f64x2: {
    ...{ ...VECTOR, plus: both(bits64(PLUS)), minus: both(bits64(MINUS)) },
    ...{ isNumber: [OP.vector, 0x47], all: [OP.vector, ALL_TRUE64, 1] },
  },
} as const satisfies Record<string, Float>;

function floatOf(kind: number): Float {
  if (kind & KIND.vector) return kind & RAW32 ? FLOATS.f32x4 : FLOATS.f64x2;
  return kind & RAW32 ? FLOATS.f32 : FLOATS.f64;
}

/** The fixes of one function at a time. */
export class NanWriter {
  readonly #w: Writer;
  /** Scratch locals by type, and those that note what others hold. */
  readonly #scratch = new Map<number, number>();
  readonly #notes = new Map<number, number>();

  constructor(w: Writer) {
    this.#w = w;
  }

  /** A new function, whose own locals and the meter's end before `first`. Gives the types of the locals that this adds. */
  begin(fixes: readonly Fix[], { noted }: Fixes, first: number): number[] {
    this.#scratch.clear();
    this.#notes.clear();
    const types: number[] = [];
    for (const { form, kind } of fixes) {
      const { type } = floatOf(kind);
      if (form !== FORM.top || this.#scratch.has(type)) continue;
      this.#scratch.set(type, first + types.push(type) - 1);
    }
    for (const local of noted) this.#notes.set(local, first + types.push(I32) - 1);
    return types;
  }

  write({ form, local, kind }: Fix): void {
    const w = this.#w;
    switch (form) {
      case FORM.top: {
        const scratch = this.#scratch.get(floatOf(kind).type) as number;
        this.#choose(w.byte(OP.tee).u32(scratch), scratch, kind);
        break;
      }
      case FORM.tee:
        this.#choose(w, local, kind);
        w.byte(OP.tee).u32(local);
        break;
      case FORM.note:
        w.byte(OP.const).s32(kind).byte(OP.set).u32(this.#noteOf(local));
        break;
      default:
        if (MIXED[kind]) this.#asNoted(local, kind);
        else this.#replace(local, kind);
    }
  }

  #noteOf(local: number): number {
    return this.#notes.get(local) as number;
  }

  /** With the value on the stack that the local has: leaves it or the canonical NaN. The kind is raw in one way. */
  #choose(w: Writer, local: number, kind: number): void {
    const { constant, plus, minus, choose } = floatOf(kind);
    w.raw(constant).raw(kind & (KIND.plus32 | KIND.plus64) ? plus : minus);
    this.#isNumber(local, kind);
    w.raw(choose);
  }

  #isNumber(local: number, kind: number): void {
    this.#w.byte(OP.get).u32(local).byte(OP.get).u32(local).raw(floatOf(kind).isNumber);
  }

  #replace(local: number, kind: number): void {
    const w = this.#w;
    this.#choose(w.byte(OP.get).u32(local), local, kind);
    w.byte(OP.set).u32(local);
  }

  /** A local that is raw in one way or has bits to keep, or in several: by what was noted when it was written. */
  #asNoted(local: number, kind: number): void {
    const w = this.#w;
    const raw = kind & RAW;
    const isOne = (raw & (raw - 1)) === 0;
    if (isOne) {
      this.#isNumber(local, kind);
      w.raw(floatOf(kind).all).byte(OP.eqz);
      w.byte(OP.if).byte(EMPTY);
    }
    for (let bit = 1; bit < KIND.vector; bit <<= 1) {
      if ((raw & bit) === 0) continue;
      w.byte(OP.get).u32(this.#noteOf(local)).byte(OP.const).s32(bit).byte(OP.equal).byte(OP.if).byte(EMPTY);
      this.#replace(local, bit | (kind & KIND.vector));
      w.byte(OP.end);
    }
    if (isOne) w.byte(OP.end);
  }
}
