// Walks function bodies, each instruction once: checks that they can be read, and counts what compiling them costs.
// Types are not checked; that is left to the engine. Source: core specification 2.0, 5.4 "Instructions".
import { ADMISSION } from '../base/admission.ts';
import { note, Unread } from './draft.ts';
import type { Body, FunctionType } from './module.ts';
import { FEATURES, type Feature, IMMEDIATES, PREFIX_FEATURES } from './opcodes.ts';
import { excessive, malformed, Reader } from './reader.ts';
import { EXITS, FEATURE, KIND, POINTS, POPS, PREFIX_ROWS, PREFIXED, PUSHES, UNKNOWN } from './rows.ts';
import { blockType, valueType } from './values.ts';

/** How deep blocks can be nested at all; beyond it nothing is read. */
const NESTING_MAX = ADMISSION.nesting.max;

/** Immediates up to this one belong to control. */
const CONTROL_LAST = IMMEDIATES.indexOf('call_indirect');
const LOOP = 0x03;
const SIMD_LAST = 0xff;
const RELAXED_LAST = 0x1ff;

/** What the bodies of a module refer to. */
export interface BodyContext {
  readonly types: readonly FunctionType[];
  readonly functions: readonly number[];
  readonly seen: Uint32Array;
}

/** Reads bodies of one module; keeps its stacks from one to the next. */
export class BodyReader {
  readonly #context: BodyContext;
  readonly #reader: Reader;
  // One entry a nested block: operands below it, after it and at its `else`, values a branch to it takes along,
  // and where it begins if it is a loop.
  readonly #base = new Int32Array(NESTING_MAX + 1);
  readonly #after = new Int32Array(NESTING_MAX + 1);
  readonly #other = new Int32Array(NESTING_MAX + 1);
  readonly #arity = new Int32Array(NESTING_MAX + 1);
  readonly #loop = new Int32Array(NESTING_MAX + 1);
  #depth = 0;
  #height = 0;
  #locals = 0;
  #body = { controlPoints: 0, exits: 0, complexity: 0, nesting: 0, height: 0, loopBytes: 0 };

  constructor(bytes: Uint8Array, context: BodyContext) {
    this.#reader = new Reader(bytes);
    this.#context = context;
  }

  /** The body from `start` to `end`, of the function type given. */
  read(start: number, end: number, type: FunctionType): Body {
    const reader = this.#reader;
    reader.at = start;
    reader.end = end;
    this.#depth = 0;
    this.#height = 0;
    this.#base[0] = 0;
    this.#after[0] = type.results.length;
    this.#arity[0] = type.results.length;
    this.#loop[0] = 0;
    this.#body = { controlPoints: 0, exits: 0, complexity: 0, nesting: 0, height: 0, loopBytes: 0 };
    this.#locals = type.params.length;
    for (let runs = reader.count('locals', 2); runs > 0; runs--) {
      this.#locals += reader.u32();
      valueType(reader, this.#context.seen);
    }
    const code = reader.at;
    this.#walk();
    return { start, code, end, locals: this.#locals, ...this.#body };
  }

  #walk(): void {
    const reader = this.#reader;
    const { bytes, end } = reader;
    const base = this.#base;
    const body = this.#body;
    while (true) {
      const at = reader.at;
      if (at >= end) throw malformed('a function has no end', end);
      let row = bytes[at] as number;
      reader.at = at + 1;
      if (KIND[row] === PREFIXED) row = this.#prefixed(row, at);
      const kind = KIND[row] as number;
      if (kind === UNKNOWN) throw malformed(`opcode 0x${row.toString(16)} is not known`, at);
      if (FEATURE[row] !== 0) this.#feature(row, kind, at);
      body.controlPoints += POINTS[row] as number;
      body.exits += EXITS[row] as number;
      const left = this.#height - (POPS[row] as number);
      const floor = base[this.#depth] as number;
      // In code that cannot be reached operands may be missing: the stack is polymorphic there.
      this.#height = Math.max(left, floor) + (PUSHES[row] as number);
      if (this.#height > body.height) body.height = this.#height;
      if (kind === 0) continue;
      if (kind > CONTROL_LAST) this.#immediate(kind);
      else if (this.#control(kind, row, at)) return;
    }
  }

  /** Reads what follows an opcode that moves no control. */
  #immediate(kind: number): void {
    const reader = this.#reader;
    switch (IMMEDIATES[kind]) {
      case 'local':
      case 'global':
      case 'data':
        reader.u32();
        return;
      case 'i32':
        reader.s32();
        return;
      case 'memarg':
        this.#memarg();
        return;
      case 'i64':
        reader.skipS64();
        return;
      case 'f32':
        reader.skip(4);
        return;
      case 'f64':
        reader.skip(8);
        return;
      case 'bytes16':
        reader.skip(16);
        return;
      case 'byte':
        reader.skip(1);
        return;
      case 'memargLane':
        this.#memarg();
        reader.skip(1);
        return;
      case 'memory':
        this.#memory();
        return;
      case 'memoryInit':
        reader.u32();
        this.#memory();
        return;
      case 'memoryCopy':
        this.#memory();
        this.#memory();
        return;
      default:
    }
  }

  /** Reads what follows an opcode that moves control. True at the function's own end. */
  #control(kind: number, row: number, at: number): boolean {
    const reader = this.#reader;
    switch (IMMEDIATES[kind]) {
      case 'block':
      case 'if':
        this.#open(row, at);
        break;
      case 'else':
        this.#point(0);
        this.#height = this.#other[this.#depth] as number;
        break;
      case 'end':
        return this.#close(at);
      case 'br':
        this.#branch(reader.u32());
        this.#dead();
        break;
      case 'br_if':
        this.#branch(reader.u32());
        break;
      case 'br_table':
        for (let left = reader.count('branch targets', 1) + 1; left > 0; left--) this.#branch(reader.u32());
        this.#dead();
        break;
      case 'call':
        this.#call(this.#context.functions[reader.u32()], at);
        break;
      case 'call_indirect':
        this.#call(reader.u32(), at);
        reader.u32();
        break;
      case 'return':
        // Results are checked one by one, in dead code, too.
        this.#body.complexity += this.#arity[0] as number;
        this.#dead();
        break;
      default:
        // What is left is `unreachable`.
        this.#dead();
    }
    return false;
  }

  #open(row: number, at: number): void {
    const { params, results } = blockType(this.#reader, this.#context.types, this.#context.seen);
    const outer = this.#base[this.#depth] as number;
    if (this.#depth === NESTING_MAX) throw excessive('nesting', NESTING_MAX + 1);
    const depth = ++this.#depth;
    const below = Math.max(this.#height - params.length, outer);
    this.#base[depth] = below;
    this.#other[depth] = below + params.length;
    this.#after[depth] = below + results.length;
    this.#arity[depth] = row === LOOP ? params.length : results.length;
    this.#loop[depth] = row === LOOP ? at : 0;
    this.#height = below + params.length;
    if (depth > this.#body.nesting) this.#body.nesting = depth;
    this.#point(results.length);
  }

  #close(at: number): boolean {
    const reader = this.#reader;
    const depth = this.#depth--;
    this.#height = this.#after[depth] as number;
    if (this.#height > this.#body.height) this.#body.height = this.#height;
    if (this.#loop[depth] !== 0) this.#body.loopBytes += reader.at - (this.#loop[depth] as number);
    if (depth > 0) return false;
    if (reader.at !== reader.end) throw malformed('a function ends before its body does', at);
    return true;
  }

  /** A place where control splits or meets: all locals and operands are merged there, and `more` values. */
  #point(more: number): void {
    this.#body.controlPoints++;
    this.#body.complexity += this.#locals + this.#height + more;
  }

  #branch(label: number): void {
    // In dead code the values that a branch takes along need not be on the stack, yet they are checked.
    this.#point(this.#arity[this.#depth - label] ?? 0);
  }

  #dead(): void {
    this.#height = this.#base[this.#depth] as number;
  }

  #call(index: number | undefined, at: number): void {
    const type = index === undefined ? undefined : this.#context.types[index];
    if (type === undefined) throw malformed('a call of an unknown function or type', at);
    const floor = this.#base[this.#depth] as number;
    this.#height = Math.max(this.#height - type.params.length, floor) + type.results.length;
    this.#body.complexity += type.params.length + type.results.length;
    if (this.#height > this.#body.height) this.#body.height = this.#height;
  }

  #memarg(): void {
    const reader = this.#reader;
    const at = reader.at;
    const align = reader.u32();
    if (align >= 128) throw malformed('an alignment is out of range', at);
    if (align >= 64) throw new Unread('multi-memory', at);
    reader.u32();
  }

  #memory(): void {
    const at = this.#reader.at;
    if (this.#reader.u32() !== 0) throw new Unread('multi-memory', at);
  }

  #prefixed(prefix: number, at: number): number {
    const whole = PREFIX_FEATURES.get(prefix);
    if (whole !== undefined) throw new Unread(whole, at);
    const number = this.#reader.u32();
    if (number <= SIMD_LAST) return (PREFIX_ROWS[prefix] as number) + number;
    if (prefix === 0xfd && number <= RELAXED_LAST) throw new Unread('relaxed-simd', at);
    throw malformed(`opcode 0x${prefix.toString(16)} ${number} is not known`, at);
  }

  #feature(row: number, kind: number, at: number): void {
    const feature = FEATURES[(FEATURE[row] as number) - 1] as Feature;
    if (IMMEDIATES[kind] === 'refused') throw new Unread(feature, at);
    note(this.#context.seen, feature, at);
  }
}
