// Follows a function to find where raw NaNs could be seen: the kind of every operand and local at every place.
//
// Values are made canonical as early as they are on top of the stack, at the end of the instruction that gave them, so that operands
// of any depth can be reached; one that was read from a local is made canonical in the local, and is so from there on. Where two ways
// meet with values of kinds that do not go together, those on the stack are made canonical before; of a local that needs it, the
// function notes at each write which kind it was.
//
// Stores that follow each other in straight code, with nothing between them that could tell, wait for the last of them, so that what they
// store is looked at once.
//
// Nothing raw leaves a function: arguments, results, globals and memory are always as the definition has them.
import type { Body, FunctionType, Module } from '../wasm/module.ts';
import { rowAt, stepOver, u32At } from '../wasm/outline.ts';
import { POPS, PUSHES } from '../wasm/rows.ts';
import { NanControl } from './nan-control.ts';
import { EFFECT, EFFECTS, GIVES, MAKES, QUIET, SEES } from './nan-effects.ts';
import { Fixes } from './nan-fixes.ts';
import { fits, KIND, MAGNITUDE, NEGATED, ofBits, ofWidth, RAW32, RAW64 } from './nan-kinds.ts';
import { constantKind, localTypes, shuffleWidth } from './nan-reads.ts';
import { NanValues } from './nan-values.ts';

/** Loops are followed again until nothing changes; after so many passes every local may be anything. */
const PASSES_MAX = 6;

/** What locals may be that nothing is known of. */
const ANY: Readonly<Record<string, number>> = {
  f: KIND.keep | KIND.clean32 | RAW32,
  F: KIND.keep | KIND.clean64 | RAW64,
  v: 0x7ff,
};

/** Follows one function at a time. */
export class NanFlow {
  /** After `find`: where to make what canonical. */
  readonly fixes: Fixes = new Fixes();
  readonly #bytes: Uint8Array;
  readonly #values: NanValues = new NanValues(this.fixes);
  readonly #control: NanControl;

  constructor(module: Module) {
    this.#bytes = module.bytes;
    this.#control = new NanControl(module, this.#values);
  }

  /** Finds the fixes of a function. */
  find(body: Body, { params, results }: FunctionType): this {
    this.fixes.clear();
    if (!makesNans(this.#bytes, body)) return this;
    const locals = params + localTypes(this.#bytes, body);
    const floats = [...locals].filter((letter) => letter in ANY);
    let tracked = 0;
    const slots = Int32Array.from(locals, (letter) => (letter in ANY ? tracked++ : -1));
    const given = [...params].filter((letter) => letter in ANY).length;
    const entry = new Uint16Array(tracked).fill(KIND.keep, 0, given);
    const control = this.#control;
    control.loops = [];
    control.hasChanged = true;
    // When nothing changes any more it is known which locals need notes.
    for (let pass = 0; control.hasChanged || !this.fixes.isWhole; pass++) {
      if (pass === PASSES_MAX && control.hasChanged)
        for (const state of control.loops) state.set(floats.map((letter) => ANY[letter] ?? 0));
      this.fixes.again();
      this.#values.begin(slots, entry);
      control.begin(results.length);
      this.#walk(body);
    }
    return this;
  }

  #walk({ code, end }: Body): void {
    const bytes = this.#bytes;
    for (let at = code, next = at; at < end; at = next) {
      next = stepOver(bytes, at);
      const row = rowAt(bytes, at);
      if (!this.#control.passes(row)) this.#step(row, at, next);
    }
  }

  #step(row: number, at: number, next: number): void {
    const values = this.#values;
    if (QUIET[row] === 0 && EFFECTS[row] !== EFFECT.store) values.flush();
    switch (EFFECTS[row]) {
      case EFFECT.fixed:
        values.see(POPS[row] as number, SEES[row] as number);
        if (PUSHES[row] === 1) values.push(GIVES[row] as number, next);
        break;
      case EFFECT.round:
        values.push(values.see(POPS[row] as number, 0) === 0 ? 0 : (GIVES[row] as number), next);
        break;
      case EFFECT.negate:
        values.push(NEGATED[values.move(SEES[row] as number)] as number, next);
        break;
      case EFFECT.magnitude:
        values.push(MAGNITUDE[values.move(SEES[row] as number)] as number, next);
        break;
      case EFFECT.copysign:
        values.settle(values.pop());
        values.push(values.settle(values.pop()) === 0 ? 0 : KIND.keep, next);
        break;
      case EFFECT.select:
        values.pop();
        values.push(values.meet([values.pop(), values.pop()]), next);
        break;
      case EFFECT.get:
        values.get(u32At(this.#bytes, at + 1), at);
        break;
      case EFFECT.set:
      case EFFECT.tee:
        values.set(u32At(this.#bytes, at + 1), at, EFFECTS[row] === EFFECT.tee ? next : 0);
        break;
      case EFFECT.drop:
        values.pop();
        break;
      case EFFECT.store:
        values.store(at, next);
        break;
      case EFFECT.control:
        this.#control.step(row, at, next);
        break;
      default:
        values.push(this.#lanes(row, next), next);
    }
  }

  /** What works on lanes, or is a constant. */
  #lanes(row: number, next: number): number {
    const values = this.#values;
    const { vector } = KIND;
    const sees = SEES[row] as number;
    const clean = (GIVES[row] as number) & ~vector;
    switch (EFFECTS[row]) {
      case EFFECT.constant:
        return constantKind(this.#bytes, row, next);
      case EFFECT.splat:
        return ofWidth(values.move(sees), clean) | vector;
      case EFFECT.extract:
        return ofWidth(values.move(sees), clean) & ~vector;
      case EFFECT.either:
        values.see(1, sees);
        return ofWidth(values.move(sees), clean) | vector;
      case EFFECT.shuffle:
        return this.#shuffle(shuffleWidth(this.#bytes, next));
      case EFFECT.replace: {
        // A vector and what replaces one of its lanes.
        const both = [values.pop(), values.pop()];
        for (const value of both) if (value.kind & sees) values.settle(value);
        return ofWidth(ofBits(values.meet(both)), clean) | vector;
      }
      default:
        return this.#masked(EFFECTS[row] as number);
    }
  }

  /** Lanes of one or of two vectors, as a mask on top of them has it, if it is one. */
  #masked(effect: number): number {
    const values = this.#values;
    const mask = values.pop();
    const below = values.pop();
    const other = effect === EFFECT.bitselect ? values.pop() : below;
    if (fits(mask.kind, below.kind | other.kind)) return values.meet([below, other]);
    if (effect === EFFECT.and && fits(below.kind, mask.kind)) return values.meet([mask]);
    for (const value of [mask, below, other]) values.settle(value);
    return KIND.keep | KIND.vector;
  }

  /** Moves parts of two vectors that are so many bytes wide. */
  #shuffle(width: number): number {
    const values = this.#values;
    const { vector, clean32, keep } = KIND;
    const both = [values.pop(), values.pop()];
    const isNarrow = both.every(({ kind }) => (kind & ~(RAW32 | clean32 | vector)) === 0 && kind !== vector);
    if (width === 8 || (width === 4 && isNarrow)) return values.meet(both);
    for (const value of both) values.settle(value);
    return keep | vector;
  }
}

/** Whether any instruction of a body makes NaNs. */
function makesNans(bytes: Uint8Array, { code, end }: Body): boolean {
  for (let at = code; at < end; at = stepOver(bytes, at)) if (MAKES[rowAt(bytes, at)] === 1) return true;
  return false;
}
