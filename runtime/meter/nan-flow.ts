// Follows a function to find where raw NaNs could be seen: the kind of every operand and local at every place.
//
// Values are made canonical as early as they are on top of the stack, at the end of the instruction that gave them, so that operands
// of any depth can be reached; one that was read from a local is made canonical in the local, and is so from there on. Where two ways
// meet with values of kinds that do not go together, those on the stack are made canonical before; of a local that needs it, the
// function notes at each write which kind it was.
//
// Nothing raw leaves a function: arguments, results, globals and memory are always as the definition has them.
import type { Body, FunctionType, Module } from '../wasm/module.ts';
import { labelsOf, ROW, rowAt, stepOver, u32At } from '../wasm/outline.ts';
import { POPS, PUSHES } from '../wasm/rows.ts';
import { EFFECT, EFFECTS, GIVES, MAKES, SEES } from './nan-effects.ts';
import { Fixes, FORM } from './nan-fixes.ts';
import { KIND, MAGNITUDE, MIXED, NEGATED, ofWidth, RAW, RAW32, RAW64, SETTLED } from './nan-kinds.ts';
import { constantKind, localTypes, shuffleWidth } from './nan-reads.ts';

/** A value on the stack: what it may be, and how it can be made canonical. */
interface Value {
  kind: number;
  /** Where the instruction that gave it ends, or begins if that only read a local. */
  readonly at: number;
  readonly form: number;
  readonly local: number;
  /** How often the local had been written when it was read. */
  readonly writes: number;
}

/** Loops are followed again until nothing changes; beyond this every local may be anything. */
const PASSES_MAX = 6;

interface Label {
  readonly row: number;
  readonly loop: number;
  readonly base: number;
  readonly params: readonly Value[];
  readonly results: number;
  /** How many values a branch to it takes along. */
  readonly arity: number;
  /** Values that branches to its end bring, where they bring one. */
  readonly edges: Value[];
  /** Locals where branches to its end meet; at its `else`. */
  state: Uint8Array | undefined;
  other: Uint8Array | undefined;
}

const NONE: readonly Value[] = [];
const NEVER = -1;

/** Follows one function at a time. */
export class NanFlow {
  readonly fixes: Fixes = new Fixes();
  readonly #module: Module;
  readonly #bytes: Uint8Array;
  #stack: Value[] = [];
  #labels: Label[] = [];
  /** For each local its place in the state, or -1; how often it has been written. */
  #slots: Int32Array = new Int32Array(0);
  #writes: Int32Array = new Int32Array(0);
  #state: Uint8Array = new Uint8Array(0);
  #loops: Uint8Array[] = [];
  #loop = 0;
  #changed = false;
  /** 0 where code is reached, else how many blocks are open that are not. */
  #dead = 0;
  #results = 0;

  constructor(module: Module) {
    this.#module = module;
    this.#bytes = module.bytes;
  }

  /** Finds the fixes of a function; `locals` are the letters of its parameters and locals. */
  find(body: Body, { params, results }: FunctionType): this {
    this.fixes.clear();
    if (!makesNans(this.#bytes, body)) return this;
    const locals = params + localTypes(this.#bytes, body);
    let tracked = 0;
    this.#slots = Int32Array.from(locals, (letter) => ('fFv'.includes(letter) ? tracked++ : -1));
    const entry = new Uint8Array(tracked);
    for (let local = 0; local < params.length; local++) {
      if ((this.#slots[local] as number) >= 0) entry[this.#slots[local] as number] = KIND.keep;
    }
    this.#results = results.length;
    this.#loops = [];
    for (let pass = 0; pass === 0 || this.#changed; pass++) {
      if (pass === PASSES_MAX) this.#giveUp(locals);
      this.#begin(entry, locals.length);
      this.#walk(body);
    }
    return this;
  }

  /** Every local may be anything at the head of every loop. */
  #giveUp(locals: string): void {
    const { keep, clean32, clean64 } = KIND;
    const all = { f: keep | clean32 | RAW32, F: keep | clean64 | RAW64, v: 0xff };
    const kinds = [...locals].flatMap((letter) => (letter in all ? [all[letter as keyof typeof all]] : []));
    for (const state of this.#loops) state.set(kinds);
  }

  #begin(entry: Uint8Array, locals: number): void {
    this.fixes.clear();
    this.#stack.length = 0;
    this.#labels.length = 0;
    this.#state = entry.slice();
    this.#writes = new Int32Array(locals);
    this.#loop = 0;
    this.#changed = false;
    this.#dead = 0;
  }

  #walk({ code, end }: Body): void {
    const bytes = this.#bytes;
    for (let at = code, next = at; at < end; at = next) {
      next = stepOver(bytes, at);
      const row = rowAt(bytes, at);
      if (this.#dead > 0 && this.#pass(row)) continue;
      this.#step(row, at, next);
    }
  }

  /** In code that is not reached: true when there is nothing to do. */
  #pass(row: number): boolean {
    if (row >= ROW.block && row <= ROW.if) this.#dead++;
    else if (row === ROW.end && this.#dead > 1) this.#dead--;
    else if (row === ROW.end || (row === ROW.else && this.#dead === 1)) return false;
    return true;
  }

  #step(row: number, at: number, next: number): void {
    switch (EFFECTS[row]) {
      case EFFECT.fixed:
        this.#see(POPS[row] as number, SEES[row] as number);
        if (PUSHES[row] === 1) this.#push(GIVES[row] as number, next);
        break;
      case EFFECT.round:
        this.#push(this.#see(POPS[row] as number, 0) === 0 ? 0 : (GIVES[row] as number), next);
        break;
      case EFFECT.negate:
        this.#push(NEGATED[this.#operand(row)] as number, next);
        break;
      case EFFECT.magnitude:
        this.#push(MAGNITUDE[this.#operand(row)] as number, next);
        break;
      case EFFECT.copysign: {
        this.#settle(this.#pop());
        this.#push(this.#settle(this.#pop()) === 0 ? 0 : KIND.keep, next);
        break;
      }
      case EFFECT.select:
        this.#pop();
        this.#push(this.#meet([this.#pop(), this.#pop()]), next);
        break;
      case EFFECT.get:
        this.#get(u32At(this.#bytes, at + 1), at);
        break;
      case EFFECT.set:
      case EFFECT.tee:
        this.#set(u32At(this.#bytes, at + 1), at, EFFECTS[row] === EFFECT.tee ? next : 0);
        break;
      case EFFECT.drop:
        this.#pop();
        break;
      case EFFECT.control:
        this.#control(row, at, next);
        break;
      default:
        this.#push(this.#lanes(row, next), next);
    }
  }

  #push(kind: number, at: number): void {
    this.#stack.push({ kind, at, form: FORM.top, local: -1, writes: 0 });
  }

  #pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined) throw new Error('an operand is missing');
    return value;
  }

  /** Takes operands, of which those with certain bits are made canonical. Gives all bits that they had. */
  #see(count: number, bits: number): number {
    let kinds = 0;
    for (let left = count; left > 0; left--) {
      const value = this.#pop();
      kinds |= value.kind;
      if (value.kind & bits) this.#settle(value);
    }
    return kinds;
  }

  /** One operand whose bits are moved: its kind, which is not mixed. */
  #operand(row: number): number {
    const value = this.#pop();
    return value.kind & (SEES[row] as number) || MIXED[value.kind] ? this.#settle(value) : value.kind;
  }

  /** Makes a value canonical where it was given. Gives its kind from then on. */
  #settle(value: Value): number {
    const { kind, at, form, local, writes } = value;
    if ((kind & RAW) === 0) return kind;
    this.fixes.settle(at, form, local, kind);
    value.kind = SETTLED[kind] as number;
    if (MIXED[kind]) this.fixes.noted.add(local);
    // What the local holds is what was made canonical.
    if (local >= 0 && writes === this.#writes[local]) this.#state[this.#slots[local] as number] = value.kind;
    return value.kind;
  }

  /** Values that become one. */
  #meet(values: readonly Value[]): number {
    let kind = 0;
    for (const value of values) kind |= value.kind;
    if (!MIXED[kind]) return kind;
    kind = 0;
    for (const value of values) kind |= this.#settle(value);
    return kind;
  }

  #get(local: number, at: number): void {
    const slot = this.#slots[local] as number;
    const known = slot >= 0;
    this.#stack.push({
      kind: known ? (this.#state[slot] as number) : 0,
      ...{ at, form: FORM.get, local: known ? local : -1 },
      writes: this.#writes[local] as number,
    });
  }

  /** Writes a local; with `teeEnd`, the value stays on the stack. */
  #set(local: number, at: number, teeEnd: number): void {
    const value = this.#pop();
    const slot = this.#slots[local] as number;
    if (slot < 0) {
      if (teeEnd > 0) this.#push(0, teeEnd);
      return;
    }
    const kind = MIXED[value.kind] ? this.#settle(value) : value.kind;
    this.#state[slot] = kind;
    this.#writes[local] = (this.#writes[local] as number) + 1;
    this.fixes.note(at, local, kind & RAW);
    if (teeEnd > 0)
      this.#stack.push({ kind, at: teeEnd, form: FORM.tee, local, writes: this.#writes[local] as number });
  }

  /** What works on lanes, or is a constant. */
  #lanes(row: number, next: number): number {
    const { vector } = KIND;
    const clean = (GIVES[row] as number) & ~vector;
    switch (EFFECTS[row]) {
      case EFFECT.constant:
        return constantKind(this.#bytes, row, next);
      case EFFECT.splat:
        return ofWidth(this.#operand(row), clean) | vector;
      case EFFECT.extract:
        return ofWidth(this.#operand(row), clean) & ~vector;
      case EFFECT.shuffle:
        return this.#shuffle(shuffleWidth(this.#bytes, next));
      default: {
        // Two vectors lane by lane, or a vector and what replaces one of its lanes.
        const values = [this.#pop(), this.#pop()];
        for (const value of values) if (value.kind & (SEES[row] as number)) this.#settle(value);
        return ofWidth(this.#meet(values), clean) | vector;
      }
    }
  }

  /** Moves parts of two vectors that are so many bytes wide. */
  #shuffle(width: number): number {
    const values = [this.#pop(), this.#pop()];
    if (width === 8) return this.#meet(values);
    const narrow = width === 4 ? RAW32 | KIND.clean32 | KIND.vector : KIND.vector;
    const isNarrow = values.every(({ kind }) => (kind & ~narrow) === 0 && kind & ~KIND.vector);
    if (isNarrow) return this.#meet(values);
    for (const value of values) this.#settle(value);
    return KIND.keep | KIND.vector;
  }

  #control(row: number, at: number, next: number): void {
    switch (row) {
      case ROW.block:
      case ROW.loop:
      case ROW.if:
        this.#open(row, at);
        break;
      case ROW.else:
        this.#else();
        break;
      case ROW.end:
        this.#end(next);
        break;
      case ROW.br:
        this.#branch(u32At(this.#bytes, at + 1));
        this.#dead = 1;
        break;
      case ROW.brIf:
        this.#pop();
        this.#branch(u32At(this.#bytes, at + 1));
        break;
      case ROW.brTable:
        this.#pop();
        for (const label of labelsOf(this.#bytes, at)) this.#branch(label);
        this.#dead = 1;
        break;
      case ROW.return:
        this.#settleTop(this.#results);
        this.#dead = 1;
        break;
      case ROW.unreachable:
        this.#dead = 1;
        break;
      default:
        this.#call(row, at, next);
    }
  }

  #call(row: number, at: number, next: number): void {
    const { functions, types } = this.#module;
    const index = u32At(this.#bytes, at + 1);
    const type = types[row === ROW.call ? (functions[index] as number) : index] as FunctionType;
    if (row !== ROW.call) this.#pop();
    this.#see(type.params.length, RAW);
    for (let left = type.results.length; left > 0; left--) this.#push(KIND.keep, next);
  }

  #settleTop(count: number): void {
    for (let index = this.#stack.length - count; index < this.#stack.length; index++) {
      this.#settle(this.#stack[index] as Value);
    }
  }

  #open(row: number, at: number): void {
    const { params, results } = this.#blockType(at);
    if (row === ROW.if) this.#pop();
    const isLoop = row === ROW.loop;
    if (isLoop && params > 0) {
      this.#settleTop(params);
      this.#stack.length -= params;
      for (let left = params; left > 0; left--) this.#push(KIND.keep, at);
    }
    const base = this.#stack.length - params;
    this.#labels.push({
      ...{ row, loop: this.#loop, base, results, arity: isLoop ? params : results },
      params: params > 0 ? this.#stack.slice(base) : NONE,
      edges: [],
      state: undefined,
      other: row === ROW.if ? this.#state.slice() : undefined,
    });
    if (isLoop) this.#openLoop();
  }

  #openLoop(): void {
    const index = this.#loop++;
    const known = this.#loops[index];
    if (known === undefined) this.#loops[index] = this.#state.slice();
    else {
      join(known, this.#state);
      this.#state.set(known);
    }
  }

  #blockType(at: number): { readonly params: number; readonly results: number } {
    const bytes = this.#bytes;
    const first = bytes[at + 1] as number;
    if (first === 0x40) return { params: 0, results: 0 };
    if (first > 0x40 && first < 0x80) return { params: 0, results: 1 };
    const type = this.#module.types[u32At(bytes, at + 1)] as FunctionType;
    return { params: type.params.length, results: type.results.length };
  }

  #else(): void {
    const label = this.#labels.at(-1);
    if (label === undefined) return;
    this.#fallThrough(label);
    this.#stack.length = label.base;
    this.#stack.push(...label.params);
    this.#state = label.other as Uint8Array;
    label.other = undefined;
    this.#dead = 0;
  }

  /** The way that goes on to the end of a block. */
  #fallThrough(label: Label): void {
    if (this.#dead === 0) this.#arrive(label, label.results);
  }

  #end(next: number): void {
    const label = this.#labels.pop();
    if (label === undefined) {
      if (this.#dead === 0) this.#settleTop(this.#results);
      return;
    }
    this.#fallThrough(label);
    if (label.other !== undefined) this.#withoutElse(label, label.other);
    this.#stack.length = label.base;
    this.#dead = label.state === undefined ? 1 : 0;
    if (label.state === undefined) return;
    this.#state = label.state;
    if (label.results === 1) this.#push(this.#meet(label.edges), next);
    else for (let left = label.results; left > 0; left--) this.#push(KIND.keep, next);
  }

  /** The way past an `if` that has no `else`: operands go on as they are. */
  #withoutElse(label: Label, other: Uint8Array): void {
    if (label.results === 1) label.edges.push({ ...(label.params[0] as Value), writes: NEVER });
    else for (const value of label.params) this.#settle(value);
    if (label.state === undefined) label.state = other;
    else join(label.state, other);
  }

  /** A branch, which may be taken or not. */
  #branch(depth: number): void {
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) this.#settleTop(this.#results);
    else if (label.row !== ROW.loop) this.#arrive(label, label.arity);
    else {
      this.#settleTop(label.arity);
      if (join(this.#loops[label.loop] as Uint8Array, this.#state)) this.#changed = true;
    }
  }

  /** Locals and operands as they come to the end of a block. */
  #arrive(label: Label, count: number): void {
    // When the block ends, it is not known any more what the local holds on each way.
    if (count === 1) label.edges.push({ ...(this.#stack.at(-1) as Value), writes: NEVER });
    else this.#settleTop(count);
    if (label.state === undefined) label.state = this.#state.slice();
    else join(label.state, this.#state);
  }
}

/** Adds the kinds of one state to another; whether that changed anything. */
function join(state: Uint8Array, more: Uint8Array): boolean {
  let changed = 0;
  for (let slot = 0; slot < state.length; slot++) {
    const known = state[slot] as number;
    const all = known | (more[slot] as number);
    changed |= all ^ known;
    state[slot] = all;
  }
  return changed !== 0;
}

/** Whether any instruction of a body makes NaNs. */
function makesNans(bytes: Uint8Array, { code, end }: Body): boolean {
  for (let at = code; at < end; at = stepOver(bytes, at)) if (MAKES[rowAt(bytes, at)] === 1) return true;
  return false;
}
