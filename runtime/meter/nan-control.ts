// Blocks, loops, branches and calls, as far as they bring raw NaNs together: what meets at labels, and how loops are followed again
// until nothing changes.
import type { FunctionType, Module } from '../wasm/module.ts';
import { labelsOf, ROW, u32At } from '../wasm/outline.ts';
import { RAW } from './nan-kinds.ts';
import { join, leaving, type NanValues, type Value } from './nan-values.ts';

/** An open block. */
interface Label {
  readonly row: number;
  /** Which loop of the function it is. */
  readonly loop: number;
  /** Operands below it. */
  readonly base: number;
  readonly params: readonly Value[];
  readonly results: number;
  /** How many values a branch to it takes along. */
  readonly arity: number;
  /** The values that come to its end, where one does on each way. */
  readonly edges: Value[];
  /** Locals at its end, as far as ways are known that lead there. */
  state: Uint16Array | undefined;
  /** Of an `if` whose `else` has not been met: locals at its beginning. */
  other: Uint16Array | undefined;
}

/** One function at a time. */
export class NanControl {
  /** Locals at the head of each loop, from one pass to the next. */
  loops: Uint16Array[] = [];
  /** Whether a pass has found more to be possible at the head of a loop than it went by. */
  hasChanged = false;
  readonly #module: Module;
  readonly #bytes: Uint8Array;
  readonly #values: NanValues;
  #labels: Label[] = [];
  #loop = 0;
  /** 0 where code is reached, else how many blocks are open that are not. */
  #dead = 0;
  #results = 0;

  constructor(module: Module, values: NanValues) {
    this.#module = module;
    this.#bytes = module.bytes;
    this.#values = values;
  }

  /** A pass over a function with so many results. */
  begin(results: number): void {
    this.#results = results;
    this.#labels.length = 0;
    this.#loop = 0;
    this.#dead = 0;
    this.hasChanged = false;
  }

  /** Whether an instruction is in code that is not reached, and does not end it. */
  passes(row: number): boolean {
    if (this.#dead === 0) return false;
    if (row >= ROW.block && row <= ROW.if) this.#dead++;
    else if (row === ROW.end && this.#dead > 1) this.#dead--;
    else if (row === ROW.end || (row === ROW.else && this.#dead === 1)) return false;
    return true;
  }

  /** One instruction. */
  step(row: number, at: number, next: number): void {
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
        this.#values.pop();
        this.#branch(u32At(this.#bytes, at + 1));
        break;
      case ROW.brTable:
        this.#values.pop();
        for (const label of labelsOf(this.#bytes, at)) this.#branch(label);
        this.#dead = 1;
        break;
      case ROW.return:
        this.#values.settleTop(this.#results);
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
    if (row !== ROW.call) this.#values.pop();
    this.#values.see(type.params.length, RAW);
    this.#values.pushKept(type.results.length, next);
  }

  #open(row: number, at: number): void {
    const values = this.#values;
    const { params, results } = this.#blockType(at);
    if (row === ROW.if) values.pop();
    const isLoop = row === ROW.loop;
    if (isLoop && params > 0) {
      values.see(params, RAW);
      values.pushKept(params, at);
    }
    const base = values.stack.length - params;
    this.#labels.push({
      ...{ row, loop: this.#loop, base, results, arity: isLoop ? params : results },
      ...{ params: values.stack.slice(base), edges: [], state: undefined },
      other: row === ROW.if ? values.state.slice() : undefined,
    });
    if (isLoop) this.#openLoop(this.#loop++);
  }

  #openLoop(loop: number): void {
    const { state } = this.#values;
    const known = this.loops[loop];
    if (known === undefined) this.loops[loop] = state.slice();
    else {
      join(known, state);
      state.set(known);
    }
  }

  #blockType(at: number): { readonly params: number; readonly results: number } {
    const first = this.#bytes[at + 1] as number;
    if (first === 0x40) return { params: 0, results: 0 };
    if (first > 0x40 && first < 0x80) return { params: 0, results: 1 };
    const type = this.#module.types[u32At(this.#bytes, at + 1)] as FunctionType;
    return { params: type.params.length, results: type.results.length };
  }

  #else(): void {
    const label = this.#labels.at(-1);
    if (label?.other === undefined) return;
    this.#fallThrough(label);
    this.#values.stack.length = label.base;
    this.#values.stack.push(...label.params);
    this.#values.state = label.other;
    label.other = undefined;
    this.#dead = 0;
  }

  /** The way that goes on to the end of a block. */
  #fallThrough(label: Label): void {
    if (this.#dead === 0) this.#arrive(label, label.results);
  }

  #end(next: number): void {
    const values = this.#values;
    const label = this.#labels.pop();
    if (label === undefined) {
      if (this.#dead === 0) values.settleTop(this.#results);
      return;
    }
    this.#fallThrough(label);
    if (label.other !== undefined) this.#withoutElse(label, label.other);
    values.stack.length = label.base;
    this.#dead = label.state === undefined ? 1 : 0;
    if (label.state === undefined) return;
    values.state = label.state;
    if (label.results === 1) values.push(values.meet(label.edges), next);
    else values.pushKept(label.results, next);
  }

  /** The way past an `if` that has no `else`: operands go on as they are. */
  #withoutElse(label: Label, other: Uint16Array): void {
    if (label.results === 1) label.edges.push(leaving(label.params[0] as Value));
    else for (const value of label.params) this.#values.settle(value);
    if (label.state === undefined) label.state = other;
    else join(label.state, other);
  }

  /** A branch, which may be taken or not. */
  #branch(depth: number): void {
    const values = this.#values;
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) values.settleTop(this.#results);
    else if (label.row !== ROW.loop) this.#arrive(label, label.arity);
    else {
      values.settleTop(label.arity);
      if (join(this.loops[label.loop] as Uint16Array, values.state)) this.hasChanged = true;
    }
  }

  /** Locals and operands as they come to the end of a block. */
  #arrive(label: Label, count: number): void {
    const { stack, state } = this.#values;
    if (count === 1) label.edges.push(leaving(stack.at(-1) as Value));
    else this.#values.settleTop(count);
    if (label.state === undefined) label.state = state.slice();
    else join(label.state, state);
  }
}
