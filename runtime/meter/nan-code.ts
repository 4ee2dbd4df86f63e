// Writes the code that makes NaNs canonical.
import type { Writer } from '../wasm/writer.ts';
import { type Fix, type Fixes, FORM } from './nan-fixes.ts';
import { KIND, MIXED, RAW, RAW32 } from './nan-kinds.ts';

const EMPTY = 0x40;
const OP = { if: 0x04, end: 0x0b, drop: 0x1a, get: 0x20, set: 0x21, const: 0x41, equal: 0x46, vector: 0xfd } as const;
const [V128_CONST, BITSELECT, ANY_TRUE] = [0x0c, 0x52, 0x53] as const;

/** How floats of one kind are tested and replaced. */
interface Float {
  readonly type: number;
  readonly unequal: readonly number[];
  readonly constant: readonly number[];
  readonly plus: readonly number[];
  readonly minus: readonly number[];
}

const bits32 = (high: number) => [0, 0, 0xc0, high];
const bits64 = (high: number) => [0, 0, 0, 0, 0, 0, 0xf8, high];
const both = (bits: readonly number[]): number[] => (bits.length < 16 ? both([...bits, ...bits]) : [...bits]);
const [PLUS, MINUS] = [0x7f, 0xff] as const;

const FLOATS = {
  f32: { type: 0x7d, unequal: [0x5c], constant: [0x43], plus: bits32(PLUS), minus: bits32(MINUS) },
  f64: { type: 0x7c, unequal: [0x62], constant: [0x44], plus: bits64(PLUS), minus: bits64(MINUS) },
  f32x4: {
    ...{ type: 0x7b, unequal: [OP.vector, 0x42], constant: [OP.vector, V128_CONST] },
    ...{ plus: both(bits32(PLUS)), minus: both(bits32(MINUS)) },
  },
  f64x2: {
    ...{ type: 0x7b, unequal: [OP.vector, 0x48], constant: [OP.vector, V128_CONST] },
    ...{ plus: both(bits64(PLUS)), minus: both(bits64(MINUS)) },
  },
} as const satisfies Record<string, Float>;

function floatOf(kind: number): Float {
  if (kind & KIND.vector) return kind & RAW32 ? FLOATS.f32x4 : FLOATS.f64x2;
  return kind & RAW32 ? FLOATS.f32 : FLOATS.f64;
}

/** The fixes of one function at a time. */
export class NanWriter {
  readonly #w: Writer;
  readonly #hints: number[];
  /** Scratch locals by type, and those that note what others hold. */
  readonly #scratch = new Map<number, number>();
  readonly #notes = new Map<number, number>();

  /** `hints` takes the places of `if`s that are seldom taken. */
  constructor(w: Writer, hints: number[]) {
    this.#w = w;
    this.#hints = hints;
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
    for (const local of noted) this.#notes.set(local, first + types.push(0x7f) - 1);
    return types;
  }

  write({ form, local, kind }: Fix): void {
    const w = this.#w;
    if (form === FORM.note) {
      w.byte(OP.const)
        .s32(kind)
        .byte(OP.set)
        .u32(this.#notes.get(local) as number);
      return;
    }
    if (form === FORM.tee) w.byte(OP.drop);
    const place = form === FORM.top ? (this.#scratch.get(floatOf(kind).type) as number) : local;
    if (form === FORM.top) w.byte(OP.set).u32(place);
    this.#inPlace(place, kind);
    if (form !== FORM.get) w.byte(OP.get).u32(place);
  }

  #inPlace(local: number, kind: number): void {
    const raw = kind & RAW;
    const note = this.#notes.get(local) as number;
    if (!MIXED[kind]) this.#replace(local, kind);
    else if ((raw & (raw - 1)) === 0) {
      this.#replace(local, kind & ~KIND.keep, note);
    } else {
      for (let bit = 1; bit < KIND.vector; bit <<= 1) {
        if ((raw & bit) === 0) continue;
        this.#w.byte(OP.get).u32(note).byte(OP.const).s32(bit).byte(OP.equal).byte(OP.if).byte(EMPTY);
        this.#replace(local, bit | (kind & KIND.vector));
        this.#w.byte(OP.end);
      }
    }
  }

  /** `if (local != local) local = NaN`, where the kind is that of a value that is raw in one way; with `note`, if it was noted. */
  #replace(local: number, kind: number, note?: number): void {
    const w = this.#w;
    const float = floatOf(kind);
    const nan = kind & (KIND.plus32 | KIND.plus64) ? float.plus : float.minus;
    const isVector = (kind & KIND.vector) !== 0;
    w.byte(OP.get).u32(local).byte(OP.get).u32(local).raw(float.unequal);
    if (isVector) w.byte(OP.vector).byte(ANY_TRUE);
    this.#hints.push(w.length);
    w.byte(OP.if).byte(EMPTY);
    if (note !== undefined) w.byte(OP.get).u32(note).byte(OP.if).byte(EMPTY);
    w.raw(float.constant).raw(nan);
    if (isVector) {
      w.byte(OP.get).u32(local).byte(OP.get).u32(local).byte(OP.get).u32(local).raw(float.unequal);
      w.byte(OP.vector).byte(BITSELECT);
    }
    w.byte(OP.set).u32(local);
    if (note !== undefined) w.byte(OP.end);
    w.byte(OP.end);
  }
}
