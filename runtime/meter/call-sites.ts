// Calls, and what has become one: what is paid before and after them, and where they lead now.
import { type Outline, ROW } from '../wasm/outline.ts';
import { BOUNDS } from './bounds.ts';
import { type Calls, surelyLooks } from './calls.ts';
import { Dues } from './dues.ts';
import { EDIT, RANK } from './edits.ts';
import type { Flow } from './flow.ts';

/** What the planner is told about functions, by index. */
export interface Terms {
  readonly calls: Calls;
  readonly imported: number;
  /** By how much the indexes of defined functions move. */
  readonly added: number;
  /** What the callers of a function pay when it has returned. */
  readonly rests: Int32Array;
  /** What callers leave to a function: the debt it begins with. */
  readonly dues: Int32Array;
  /** What can have run in a function, when it returns, since it has looked. */
  readonly tails: Int32Array;
  /** How many results each function has. */
  readonly results: Uint16Array;
  /** The functions that work on ranges of memory, by row of the opcode table, in the new numbering. */
  readonly helpers: ReadonlyMap<number, number>;
  /** Those that stand in for functions that end the guest, likewise. */
  readonly payers: ReadonlyMap<number, number>;
}

/** Follows the calls of one function at a time. */
export class CallSites {
  /** What was owed before calls, in functions that were followed for nothing else yet. */
  readonly found: Dues = new Dues();
  readonly #terms: Terms;
  readonly #outline: Outline;
  readonly #flow: Flow;

  constructor(terms: Terms, outline: Outline, flow: Flow) {
    this.#terms = terms;
    this.#outline = outline;
    this.#flow = flow;
  }

  call(index: number, row: number): void {
    const { calls, dues, imported, payers, rests, tails } = this.#terms;
    const { value, at, next } = this.#outline;
    const flow = this.#flow;
    const callee = value[index] as number;
    const isDirect = row === ROW.call;
    const reaches = (isDirect ? calls.reaches[callee] : calls.typeReaches[callee]) === 1;
    const due = isDirect ? (dues[callee] as number) : 0;
    const ends = this.#outline.ends(index);
    const payer = isDirect && ends && reaches && !flow.inRegion ? payers.get(callee) : undefined;
    const isPaid = isDirect && reaches && callee >= imported && calls.open[callee] === 0;
    if (flow.dry && isPaid && payer === undefined) this.found.add(callee, flow.debt);
    // In a region, the guest never comes back from it.
    if (flow.inRegion) flow.leave(at[index] as number, due);
    else if (payer !== undefined) {
      flow.edits.replace(
        EDIT.callPaying,
        RANK.replace,
        at[index] as number,
        next[index] as number,
        flow.debt - due,
        payer,
      );
      flow.debt = 0;
    } else if (reaches || flow.debt > BOUNDS.debtFuel) {
      flow.settle(due, ends);
      flow.run = next[index] as number;
    }
    if (!isDirect) {
      flow.span = Math.max(flow.span + BOUNDS.openFuel, BOUNDS.spanFuel - BOUNDS.afterFuel);
      return;
    }
    const looks = surelyLooks(calls, callee);
    const unseen = looks ? 0 : Math.max(calls.quiet[callee] as number, calls.early[callee] as number);
    const tail = looks || calls.quiet[callee] === -1 ? (tails[callee] as number) : 0;
    flow.span = Math.max(flow.span + unseen, tail);
    if (payer === undefined) this.number(index);
    flow.debt += rests[callee] as number;
  }

  /** A defined function's index has moved. */
  number(index: number): void {
    const { at, next, value } = this.#outline;
    const callee = value[index] as number;
    const { imported, added } = this.#terms;
    if (callee < imported || added === 0) return;
    this.#flow.edits.replace(EDIT.call, RANK.replace, at[index] as number, next[index] as number, 0, callee + added);
  }

  /** Ranges of memory: their length is paid where they are worked on. */
  range(index: number, row: number): void {
    const { at, next } = this.#outline;
    const { edits } = this.#flow;
    const place = at[index] as number;
    this.#flow.span += BOUNDS.outsideFuel;
    if (row === ROW.memoryInit) {
      edits.insert(EDIT.length, RANK.replace, place);
      return;
    }
    const helper = this.#terms.helpers.get(row);
    if (helper === undefined) throw new Error('no helper for a range of memory');
    edits.replace(EDIT.call, RANK.replace, place, next[index] as number, 0, helper);
  }
}
