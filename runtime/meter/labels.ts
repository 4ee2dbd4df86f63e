// The blocks that are open while a function is planned, and the debt where the ways to their labels meet.
import type { Counted } from './counted.ts';
import type { Edits } from './edits.ts';

/** An open block. Ways to its end are a chain of edits that pay on them. */
export interface Label {
  readonly row: number;
  /** In the outline. */
  readonly index: number;
  /** How many values a branch to it takes along. */
  readonly arity: number;
  /** Of a loop: the debt at its head. */
  readonly debt: number;
  /** Of an `if`: the debt before its arms. */
  readonly before: number;
  /** The debt at its end, where that is settled beforehand; else it is the least of all ways' debts. */
  readonly target: number | undefined;
  /** Nothing but the function's end follows. */
  readonly tail: boolean;
  /** Whether the counter lies in its local where a branch to it leads, and whether it did before it. */
  readonly inRegion: boolean;
  readonly wasInRegion: boolean;
  /** A loop that is paid in chunks, and the edit at its head. */
  readonly counted: Counted | undefined;
  readonly head: number;
  /** What can have run since the last look: before its arms, and on any way to its end. */
  readonly spanBefore: number;
  span: number;
  edges: number;
  ways: number;
  /** The debt of ways that cannot pay on them; undefined when there are none. */
  fixed: number | undefined;
  hasElse: boolean;
}

/** No edit: the end of a chain. */
export const NONE = -1;

/** A block that is opened: what is not said is 0, false or unknown. */
export type Opened = Pick<Label, 'row' | 'index' | 'arity' | 'inRegion'> & Partial<Label>;

/** The open blocks, innermost last; the function itself is none of them. */
export class Labels {
  readonly #open: Label[] = [];
  readonly #edits: Edits;
  readonly #counts = new Map<number, number>();
  /** Where the loop stands that is put into another one. */
  #wrapped: number = NONE;

  constructor(edits: Edits) {
    this.#edits = edits;
  }

  clear(): void {
    this.#open.length = 0;
    this.unwrap();
  }

  /** The next loop is put into another one: what is outside of it moves by one label. Such loops have no loops inside. */
  wrap(): void {
    this.#wrapped = this.#open.length;
  }

  unwrap(): void {
    this.#wrapped = NONE;
  }

  /** What a label is in the metered code. */
  moved(label: number): number {
    return label + (this.#open.length - 1 - label < this.#wrapped ? 1 : 0);
  }

  push(label: Opened): void {
    // Field by field: spread, it takes four fifths of all the time.
    this.#open.push({
      row: label.row,
      index: label.index,
      arity: label.arity,
      debt: label.debt ?? 0,
      before: label.before ?? 0,
      target: label.target,
      tail: label.tail ?? false,
      inRegion: label.inRegion,
      wasInRegion: label.wasInRegion ?? label.inRegion,
      counted: label.counted,
      head: label.head ?? 0,
      spanBefore: label.spanBefore ?? 0,
      span: label.span ?? 0,
      edges: NONE,
      ways: 0,
      fixed: undefined,
      hasElse: false,
    });
  }

  pop(): Label | undefined {
    return this.#open.pop();
  }

  /** The block that a label counts to, from the inside; undefined for the function itself. */
  at(label: number): Label | undefined {
    return this.#open[this.#open.length - 1 - label];
  }

  /** A way to the end of a block: the edit pays what is owed there beyond the label's debt. */
  edge(label: Label, edit: number, debt: number): void {
    this.#edits.amount[edit] = debt;
    this.#edits.link[edit] = label.edges;
    label.edges = edit;
    label.ways++;
  }

  /** Fixes the debt at the end of a block and what each way pays; undefined when no way leads there. */
  resolve({ edges, ways, fixed, target }: Label): number | undefined {
    if (ways === 0 && fixed === undefined) return undefined;
    const debt = fixed ?? target ?? this.#usual(edges, ways);
    const { amount, link } = this.#edits;
    for (let edit = edges; edit !== NONE; edit = link[edit] as number) amount[edit] = (amount[edit] as number) - debt;
    return debt;
  }

  /** The debt that most ways have, so that most pay nothing; among equals the least. Ways that owe less are given back. */
  #usual(edges: number, ways: number): number {
    const { amount, link } = this.#edits;
    const first = amount[edges] as number;
    if (ways === 1) return first;
    const counts = this.#counts;
    counts.clear();
    let usual = first;
    let most = 0;
    for (let edit = edges; edit !== NONE; edit = link[edit] as number) {
      const debt = amount[edit] as number;
      const count = (counts.get(debt) ?? 0) + 1;
      counts.set(debt, count);
      if (count > most || (count === most && debt < usual)) {
        usual = debt;
        most = count;
      }
    }
    return usual;
  }
}
