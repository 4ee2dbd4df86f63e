// Writes the code that makes NaNs canonical: `x <= x ? x : NaN`, lane by lane of vectors, and where it can once for several values.
//
// By measurement, of forms that do the same. Of scalars, "not greater" costs engines one branch or none on x86, where equality of scalars
// needs two, since a NaN is told by a flag of its own: 1.0 against 1.1 for a stencil, 1.3 against 1.4 for y += ax on V8, 1.3 against 2.0
// on Wasmtime; a branch round the replacement is no better. Of vectors, a branch by a mask that becomes an integer is better than a
// replacement of four operations, which the store waits for, too: 1.22 against 1.44 for a Fourier transform on V8, 1.14 against 1.29 on
// Wasmtime. One such branch for the sum of all values that are stored together: 1.16 on V8. Collecting in a flag whether any NaN was
// seen in a whole loop, for a second run of it, costs more: 1.5 for y += ax on V8, 1.8 and with vectors 4.8 on Wasmtime.
import type { Writer } from '../wasm/writer.ts';
import { type Deferred, type Fix, type Fixes, FORM, type Group } from './nan-fixes.ts';
import { type Float, floatOf } from './nan-floats.ts';
import { KIND, MIXED, RAW } from './nan-kinds.ts';

const EMPTY = 0x40;
const OP = { if: 0x04, end: 0x0b, drop: 0x1a, get: 0x20, set: 0x21, tee: 0x22, const: 0x41, equal: 0x46 } as const;
const I32 = 0x7f;

/** What branches may add to what compilers merge at the control points of a function; `admission.ts` bounds what the author has. */
const MERGED_MAX = 10_000;
/** An `if` and its end; a group has one for each width at most. */
const POINTS = 2;
const WIDTHS = 4;

/** Writes a store of a group. */
type WriteStore = (store: Deferred) => void;

/** The fixes of one function at a time. */
export class NanWriter {
  readonly #w: Writer;
  /** Scratch locals by type, those that note what others hold, and those of groups: what is stored, and where. */
  readonly #scratch = new Map<number, number>();
  readonly #notes = new Map<number, number>();
  readonly #stored = new Map<number, number[]>();
  readonly #addresses: number[] = [];
  /** Whether what is seldom needed stands behind a branch. */
  #hasBranches = true;

  constructor(w: Writer) {
    this.#w = w;
  }

  /**
   * A new function with so many operands at most, whose own locals and the meter's end before `first`. Gives the types of the locals that
   * this adds.
   */
  begin(fixes: readonly Fix[], { noted }: Fixes, first: number, height: number): number[] {
    this.#scratch.clear();
    this.#notes.clear();
    this.#stored.clear();
    this.#addresses.length = 0;
    const types: number[] = [];
    const add = (type: number) => first + types.push(type) - 1;
    let branches = 0;
    for (const { form, kind, group } of fixes) {
      if (form === FORM.flush && group !== undefined) this.#reserve(group, add);
      else if (form === FORM.top) this.#reserveScratch(floatOf(kind).type, add);
      if (kind & KIND.vector) branches++;
      else if (form === FORM.flush) branches += Math.min(WIDTHS, group?.values.length ?? 0);
    }
    for (const local of noted) this.#notes.set(local, add(I32));
    this.#hasBranches = branches * POINTS * (first + types.length + height) <= MERGED_MAX;
    return types;
  }

  #reserveScratch(type: number, add: (type: number) => number): void {
    if (!this.#scratch.has(type)) this.#scratch.set(type, add(type));
  }

  #reserve({ stores, values }: Group, add: (type: number) => number): void {
    const used = new Map<number, number>();
    for (const { kind } of values) {
      const { type } = floatOf(kind);
      const place = used.get(type) ?? 0;
      used.set(type, place + 1);
      this.#reserveScratch(type, add);
      const locals = this.#stored.get(type) ?? [];
      if (place === locals.length) this.#stored.set(type, [...locals, add(type)]);
    }
    while (this.#addresses.length < stores.length) this.#addresses.push(add(I32));
  }

  write({ form, local, kind, group }: Fix, writeStore: WriteStore): void {
    const w = this.#w;
    switch (form) {
      case FORM.top: {
        const scratch = this.#scratch.get(floatOf(kind).type) as number;
        if (this.#isApart(kind)) {
          this.#replaceSeldom(w.byte(OP.set).u32(scratch), scratch, kind);
          w.byte(OP.get).u32(scratch);
        } else this.#choose(w.byte(OP.tee).u32(scratch), scratch, kind);
        break;
      }
      case FORM.tee:
        if (this.#isApart(kind)) {
          this.#replaceSeldom(w.byte(OP.drop), local, kind);
          w.byte(OP.get).u32(local);
        } else {
          this.#choose(w, local, kind);
          w.byte(OP.tee).u32(local);
        }
        break;
      case FORM.note:
        w.byte(OP.const).s32(kind).byte(OP.set).u32(this.#noteOf(local));
        break;
      case FORM.defer:
        if (group !== undefined) this.#putAside(group, local);
        break;
      case FORM.flush:
        if (group !== undefined) this.#flush(group, writeStore);
        break;
      default:
        if (MIXED[kind]) this.#asNoted(local, kind);
        else if (this.#isApart(kind)) this.#replaceSeldom(w, local, kind);
        else this.#replace(local, kind);
    }
  }

  /** Whether a replacement stands behind a branch by itself. */
  #isApart(kind: number): boolean {
    return (kind & KIND.vector) !== 0 && this.#hasBranches;
  }

  #noteOf(local: number): number {
    return this.#notes.get(local) as number;
  }

  /** With the value on the stack that the local has: leaves it or the canonical NaN. The kind is raw in one way. */
  #choose(w: Writer, local: number, kind: number): void {
    const { constant, plus, minus, splat, isNumber, choose } = floatOf(kind);
    w.raw(constant)
      .raw(kind & (KIND.plus32 | KIND.plus64) ? plus : minus)
      .raw(splat);
    this.#twice(local).raw(isNumber).raw(choose);
  }

  #twice(local: number): Writer {
    return this.#w.byte(OP.get).u32(local).byte(OP.get).u32(local);
  }

  #replace(local: number, kind: number): void {
    const w = this.#w;
    this.#choose(w.byte(OP.get).u32(local), local, kind);
    w.byte(OP.set).u32(local);
  }

  #replaceSeldom(w: Writer, local: number, kind: number): void {
    this.#twice(local).raw(floatOf(kind).hasNan).byte(OP.if).byte(EMPTY);
    this.#replace(local, kind);
    w.byte(OP.end);
  }

  /** A local that is raw in one way or has bits to keep, or in several: by what was noted when it was written. */
  #asNoted(local: number, kind: number): void {
    const w = this.#w;
    const raw = kind & RAW;
    const isOne = (raw & (raw - 1)) === 0;
    if (isOne) this.#twice(local).raw(floatOf(kind).hasNan).byte(OP.if).byte(EMPTY);
    for (let bit = 1; bit < KIND.vector; bit <<= 1) {
      if ((raw & bit) === 0) continue;
      w.byte(OP.get).u32(this.#noteOf(local)).byte(OP.const).s32(bit).byte(OP.equal).byte(OP.if).byte(EMPTY);
      this.#replace(local, bit | (kind & KIND.vector));
      w.byte(OP.end);
    }
    if (isOne) w.byte(OP.end);
  }

  /** The scratch local of one of a group's values. */
  #storedOf(values: Group['values'], index: number): number {
    const { type } = floatOf(values[index]?.kind as number);
    const before = values.slice(0, index).filter(({ kind }) => floatOf(kind).type === type).length;
    return this.#stored.get(type)?.[before] as number;
  }

  /** With the operands of a store on the stack. */
  #putAside({ stores, values }: Group, index: number): void {
    const value = this.#storedOf(values, stores[index]?.value as number);
    this.#w.byte(OP.set).u32(value);
    this.#w.byte(OP.set).u32(this.#addresses[index] as number);
  }

  #flush({ stores, values }: Group, writeStore: WriteStore): void {
    const w = this.#w;
    const widths = new Map<Float, { readonly own: number; readonly kind: number; readonly local: number }[]>();
    for (const [index, value] of values.entries()) {
      const width = floatOf(value.kind);
      widths.set(width, [...(widths.get(width) ?? []), { own: this.#storedOf(values, index), ...value }]);
    }
    for (const [width, all] of widths) {
      if (this.#hasBranches)
        this.#anyNan(
          width,
          all.map(({ own }) => own),
        );
      for (const { own, kind, local } of all) {
        this.#replace(own, kind);
        if (local >= 0) w.byte(OP.get).u32(own).byte(OP.set).u32(local);
      }
      if (this.#hasBranches) w.byte(OP.end);
    }
    for (const [index, store] of stores.entries()) {
      w.byte(OP.get).u32(this.#addresses[index] as number);
      w.byte(OP.get).u32(this.#storedOf(values, store.value));
      writeStore(store);
    }
  }

  /** Opens an `if` that is entered when there is a NaN in any of the locals, and when infinities cancel out. */
  #anyNan({ type, add, hasNan }: Float, [first, ...rest]: readonly number[]): void {
    const w = this.#w;
    let sum = first as number;
    if (rest.length > 0) {
      w.byte(OP.get).u32(sum);
      for (const local of rest) w.byte(OP.get).u32(local).raw(add);
      sum = this.#scratch.get(type) as number;
      w.byte(OP.set).u32(sum);
    }
    this.#twice(sum).raw(hasNan).byte(OP.if).byte(EMPTY);
  }
}
