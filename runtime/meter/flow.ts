// The debt of a function as its code is followed: what is owed at each place, and the edits that pay it.
import { labelsOf, type Outline, ROW } from '../wasm/outline.ts';
import { BOUNDS } from './bounds.ts';
import type { Counted } from './counted.ts';
import { EDIT, Edits, RANK } from './edits.ts';
import { type Label, Labels } from './labels.ts';

/** What is known of a function before it is followed. */
export interface FunctionTerms {
  /** How many results it has. */
  readonly results: number;
  /** What its callers owe when it begins, and pay when it has returned. */
  readonly due: number;
  readonly rest: number;
  /** It runs a few times a task only. */
  readonly seldom: boolean;
  /** Only what callers have to know is wanted. */
  readonly dry: boolean;
}

/** Follows one function at a time. */
export class Flow {
  readonly edits: Edits = new Edits();
  readonly labels: Labels = new Labels(this.edits);
  /** The least that any way through the function owes at its end. */
  leastAtEnd = 0;
  /** What has run and is not paid. */
  debt = 0;
  /** 0 where code is reached, else how many blocks are open that are not. */
  dead = 0;
  /** Where the straight run of code began that is being followed. */
  run = 0;
  /** What can have run since the last look at the counter, and what can at the function's end. */
  span = 0;
  spanAtEnd = 0;
  /** The counter lies in a local. */
  inRegion = false;
  /** How many loops are open. */
  loops = 0;
  /** The function's frame is counted, from here on. */
  framed = false;
  readonly #outline: Outline;
  #terms: FunctionTerms = { results: 0, due: 0, rest: 0, seldom: false, dry: false };

  constructor(outline: Outline) {
    this.#outline = outline;
  }

  begin(terms: FunctionTerms): void {
    this.edits.clear();
    this.labels.clear();
    this.#terms = terms;
    this.leastAtEnd = Number.POSITIVE_INFINITY;
    this.debt = terms.due;
    this.dead = 0;
    this.run = this.#outline.start;
    this.span = 0;
    this.spanAtEnd = 0;
    this.inRegion = false;
    this.loops = 0;
    this.framed = false;
  }

  /** What is here runs a few times a task only, so that the meter's code had better be short than fast. */
  get seldom(): boolean {
    return this.#terms.seldom && this.loops === 0;
  }

  /** Pays an amount at a place, by default where the straight run began. Gives the edit. */
  charge(amount: number, at: number = this.run, seldom: boolean = this.seldom): number {
    const kind = this.inRegion ? EDIT.chargeLocal : EDIT.charge;
    return this.edits.insert(kind, RANK.charge, at, amount, seldom ? 1 : 0);
  }

  get dry(): boolean {
    return this.#terms.dry;
  }

  /** Pays all but what is left to the function that is called; what `ends` the guest is done once. */
  settle(due = 0, ends = false): void {
    this.charge(this.debt - due, this.run, ends || this.seldom);
    this.debt = 0;
  }

  /** Brings the counter back into its global and pays likewise. */
  leave(at: number, due: number): void {
    this.edits.insert(EDIT.leave, RANK.enter, at, this.debt - due);
    this.debt = 0;
  }

  /** Looks at the counter. */
  look(at: number, seldom: boolean = this.seldom): void {
    this.span = 0;
    this.edits.insert(this.inRegion ? EDIT.checkLocal : EDIT.check, RANK.check, at, 0, seldom ? 1 : 0);
  }

  /** Pays all and looks at the counter, when a long way could be gone without. */
  lookInTime(at: number): void {
    if (this.span <= BOUNDS.spanFuel) return;
    this.settle();
    this.run = at;
    this.look(at);
  }

  /** A block or an `if`. Where a branch table leads to it, it is `settled`. */
  open(index: number, settled: boolean): void {
    const { row, value, next } = this.#outline;
    const tail = !settled && this.#isTail(index);
    const target = settled ? 0 : tail ? this.#terms.rest : undefined;
    this.labels.push({
      row: row[index] as number,
      index,
      arity: value[index] as number,
      inRegion: this.inRegion,
      before: this.debt,
      target,
      tail,
      spanBefore: this.span,
      span: row[index] === ROW.if ? this.span : 0,
    });
    // What stands before a block and what begins it run together; the arms of an `if` do not.
    if (row[index] === ROW.if) this.run = next[index] as number;
  }

  /** Where nothing but the function's end follows, every way pays all of its own, once. */
  #isTail(index: number): boolean {
    if (this.#terms.dry || this.inRegion) return false;
    const { at, next, partner, count } = this.#outline;
    const end = next[partner[index] as number] as number;
    if (end === at[count - 1]) return true;
    const outer = this.labels.at(0);
    return outer?.tail === true && end === at[partner[outer.index] as number];
  }

  /** A loop; with `counted`, it is paid in chunks by the edit at its `head`. */
  openLoop(index: number, wasInRegion: boolean, counted: Counted | undefined, head: number): void {
    const { value, next } = this.#outline;
    this.loops++;
    const { inRegion, debt } = this;
    const arity = value[index] as number;
    this.labels.push({ row: ROW.loop, index, arity, inRegion, wasInRegion, debt, counted, head });
    this.run = next[index] as number;
  }

  else(index: number): void {
    const label = this.labels.at(0);
    if (label === undefined) return;
    label.span = 0;
    if (this.dead === 0) this.#edge(label, this.charge(0));
    label.hasElse = true;
    this.span = label.spanBefore;
    this.dead = 0;
    this.debt = label.before;
    this.run = this.#outline.next[index] as number;
  }

  /** The end of a block or an `if`. */
  end(index: number, label: Label): void {
    const { at, next } = this.#outline;
    if (this.dead === 0) this.#edge(label, this.charge(0));
    if (label.row === ROW.if && !label.hasElse) {
      const kind = this.inRegion ? EDIT.otherwiseLocal : EDIT.otherwise;
      const edit = this.edits.insert(kind, RANK.head, at[index] as number, 0, this.seldom ? 1 : 0);
      this.labels.edge(label, edit, label.before);
    }
    const debt = this.labels.resolve(label);
    this.dead = debt === undefined ? 1 : 0;
    this.debt = debt ?? 0;
    this.span = label.span;
    this.run = next[index] as number;
  }

  /** A way to a label from here; the edit pays on it. */
  #edge(label: Label, edit: number): void {
    label.span = Math.max(label.span, this.span);
    this.labels.edge(label, edit, this.debt);
  }

  /** A way ends here that owes `debt`; gives what it has to pay itself. */
  #ends(debt: number): number {
    this.leastAtEnd = Math.min(this.leastAtEnd, debt);
    this.spanAtEnd = Math.max(this.spanAtEnd, this.span);
    return debt - this.#terms.rest;
  }

  /** The function's own end; `labelled` when it is branched to. */
  endFunction(index: number, labelled: boolean): void {
    const at = this.#outline.at[index] as number;
    if (this.dead === 0) this.charge(this.#ends(this.debt));
    if (!this.framed) return;
    if (labelled) this.edits.insert(EDIT.bodyEnd, RANK.head, at);
    else if (this.dead === 0) this.edits.insert(EDIT.unframe, RANK.head, at);
  }

  /** The frame ends with the arm of an `if`. */
  endFrame(at: number): void {
    if (this.framed && this.dead === 0) this.edits.insert(EDIT.unframe, RANK.enter, at);
    this.framed = false;
  }

  return(index: number): void {
    const at = this.#outline.at[index] as number;
    const due = this.#ends(this.debt);
    if (this.inRegion) this.edits.insert(EDIT.leave, RANK.enter, at, due);
    else this.charge(due);
    if (this.framed) this.edits.insert(EDIT.unframe, RANK.enter, at);
    this.dead = 1;
  }

  /** What a branch pays itself: the difference to a loop's head, all at the function's end; undefined: known at the label's end. */
  #due(label: Label | undefined): number | undefined {
    if (label === undefined) return this.#ends(this.debt);
    return label.row === ROW.loop ? this.debt - label.debt : undefined;
  }

  #leaves(label: Label | undefined): boolean {
    return this.inRegion && !label?.inRegion;
  }

  branch(index: number): void {
    const { at, value } = this.#outline;
    const label = this.labels.at(value[index] as number);
    const due = this.#due(label);
    const edit = this.#leaves(label)
      ? this.edits.insert(EDIT.leave, RANK.enter, at[index] as number, due)
      : this.charge(due ?? 0);
    if (due === undefined && label !== undefined) this.#edge(label, edit);
    this.move(index);
    this.dead = 1;
  }

  /** The label of a branch may have moved. */
  move(index: number): void {
    const { at, next, value, row } = this.#outline;
    const kind = row[index] === ROW.br ? EDIT.jump : EDIT.jumpIf;
    const label = value[index] as number;
    // Blocks that are opened where nothing is reached are not among the labels.
    const unseen = Math.max(0, this.dead - 1);
    const moved = this.labels.moved(label - unseen) + unseen;
    if (moved !== label) this.edits.replace(kind, RANK.replace, at[index] as number, next[index] as number, 0, moved);
  }

  /** A way out of a region brings the counter back in an arm of its own; else what is due is paid before the branch, on both ways. */
  branchIf(index: number): void {
    const { at, next, value } = this.#outline;
    const [place, depth] = [at[index] as number, value[index] as number];
    const label = this.labels.at(depth);
    const leaves = this.#leaves(label);
    const arity = label === undefined ? this.#terms.results : label.arity;
    const { run } = this;
    this.run = next[index] as number;
    if (leaves && arity === 0) {
      const due = this.#due(label);
      const moved = this.labels.moved(depth);
      const edit = this.edits.replace(EDIT.branchLeave, RANK.replace, place, this.run, due, moved);
      if (due === undefined && label !== undefined) this.#edge(label, edit);
      return;
    }
    const amount = this.#dueOnBoth(label);
    if (leaves) this.edits.insert(EDIT.leaveMaybe, RANK.enter, place, amount);
    else this.charge(amount, run);
    this.debt -= amount;
    this.move(index);
  }

  /** The first branch to a block settles what is owed at its end, so that it pays nothing itself. */
  #dueOnBoth(label: Label | undefined): number {
    if (label === undefined) {
      const due = this.#ends(this.debt);
      return this.dry ? 0 : due;
    }
    if (label.row === ROW.loop) return this.debt - label.debt;
    label.span = Math.max(label.span, this.span);
    label.fixed ??= label.target ?? this.debt;
    return this.debt - label.fixed;
  }

  branchTable(index: number): void {
    const { at, bytes } = this.#outline;
    const place = at[index] as number;
    const labels = labelsOf(bytes, place).map((depth) => this.labels.at(depth));
    if (labels.some((label) => this.#leaves(label))) {
      this.edits.insert(EDIT.leaveMaybe, RANK.enter, place, this.debt);
    } else this.charge(this.debt);
    for (const label of labels) {
      if (label === undefined) this.#ends(0);
      else {
        label.fixed = 0;
        label.span = Math.max(label.span, this.span);
      }
    }
    this.dead = 1;
  }
}
