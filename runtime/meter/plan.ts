// Where to charge: the static debt of a function, followed once through its structured code.
//
// The debt is what has been executed and not yet paid at a place. It is the same number on every way to that place, by construction:
// - Where ways meet, the debt becomes that of most of them, and each pays the difference on its way. At a loop it stays what it was
//   on entry, and each way back pays the difference: one charge a trip.
// - At a return all is paid, and before every call that may end up in a host call: there the counter must be exact.
// - A function that nobody but the module calls begins with what most callers owe, its due, and leaves its rest to them.
// - A charge is put at the start of the straight run of code that it pays for. What is paid early must follow, unless the guest traps
//   or never ends: so a guest whose limit is the sum of its weights passes, whatever is asked on the way.
//
// In a loop nest that makes no calls, but for those that end the guest, the counter lies in a local, a region; everywhere else in its
// global. An innermost loop there is put into another one: it is left when the counter is below zero, and begun again after a look.
// So it has no call in it, for which engines would keep its values in memory.
//
// The counter is looked at where functions are entered and at the head of every loop, and wherever else a long way could be gone
// without (`spanFuel`). Three kinds of places do without: functions in which little can run unseen, with all that they call; loops
// whose every trip enters a function or a loop that looks; and counted loops, which pay a chunk ahead and look between chunks.
import type { Body } from '../wasm/module.ts';
import { type Outline, ROW } from '../wasm/outline.ts';
import { BOUNDS } from './bounds.ts';
import { CallSites, type Terms } from './call-sites.ts';
import type { Counted } from './counted.ts';
import type { Dues } from './dues.ts';
import { EDIT, type Edits, LONG, RANK, SELDOM } from './edits.ts';
import { Flow, type FunctionTerms } from './flow.ts';
import type { Label } from './labels.ts';
import type { Loops } from './loops.ts';
import { WEIGHTS } from './weights.ts';

/** The meter's own locals: the counter, those of chunks, the stack's weight. */
export interface Needs {
  fuel: boolean;
  chunks: boolean;
  stack: boolean;
}

/** What is planned. */
export interface Task extends Pick<FunctionTerms, 'dry'> {
  readonly index: number;
  readonly body: Body;
  /** What its frame weighs, if it is counted, else 0. */
  readonly frame: number;
}

const NEVER = -1;

/** Plans one function at a time. */
export class Planner {
  /** After `plan`: which of the meter's locals the function needs. */
  needs: Needs = { fuel: false, chunks: false, stack: false };
  readonly #terms: Terms;
  readonly #outline: Outline;
  readonly #loops: Loops;
  readonly #flow: Flow;
  readonly #sites: CallSites;
  /** Weight of all instructions up to the last one held. */
  #seen = 0;
  #frameFrom = NEVER;
  #frameTo = NEVER;
  #inChunks = false;

  constructor(terms: Terms, outline: Outline, loops: Loops) {
    this.#terms = terms;
    this.#outline = outline;
    this.#loops = loops;
    this.#flow = new Flow(outline);
    this.#sites = new CallSites(terms, outline, this.#flow);
  }

  /** After `plan`: what is to be done. */
  get edits(): Edits {
    return this.#flow.edits;
  }

  /** After `plan`: the least that any way through the function owes at its end; Infinity when none ends. */
  get leastAtEnd(): number {
    return this.#flow.leastAtEnd;
  }

  /** After `plan`: the most that can have run at its end since a look. */
  get spanAtEnd(): number {
    return this.#flow.spanAtEnd;
  }

  /** After all functions were planned dry: what was owed before their calls. */
  get dues(): Dues {
    return this.#sites.found;
  }

  /** Plans the function that the outline and the loops hold. */
  plan(task: Task): this {
    this.#begin(task);
    const flow = this.#flow;
    const { row, at, before, count } = this.#outline;
    for (let index = 0; index < count; index++) {
      const one = row[index] as number;
      const own = WEIGHTS[one] as number;
      if (index === this.#frameFrom && flow.dead === 0) this.#frame(task);
      if (index === this.#frameTo && index < count - 1) flow.endFrame(at[index] as number);
      if (flow.dead > 0) {
        if (this.#pass(index, one)) continue;
      } else {
        const weight = (before[index] as number) - this.#seen + own;
        flow.debt += weight;
        flow.span += weight;
        if (!this.#inChunks) flow.lookInTime(at[index] as number);
      }
      this.#seen = (before[index] as number) + own;
      index = this.#step(index, one);
    }
    return this;
  }

  #begin({ index, body, frame, dry }: Task): void {
    const { dues, rests, results, calls, imported } = this.#terms;
    this.needs = { fuel: false, chunks: false, stack: false };
    this.#seen = 0;
    this.#inChunks = false;
    const span = frame === 0 ? undefined : calls.frames[index - imported];
    this.#frameFrom = span?.from ?? NEVER;
    this.#frameTo = span?.to ?? NEVER;
    const [due, rest] = [dues[index] as number, rests[index] as number];
    const seldom = calls.seldom[index] === 1;
    this.#flow.begin({ dry, due, rest, seldom, results: results[index] as number });
    if (frame > 0 || (calls.quiet[index] as number) >= 0) return;
    this.#flow.look(body.code);
  }

  /** From here on the function's frame counts; both counters are looked at together. */
  #frame({ frame }: Task): void {
    const flow = this.#flow;
    const place = flow.run;
    this.needs.stack = true;
    flow.framed = true;
    flow.span = 0;
    flow.edits.insert(EDIT.frame, RANK.check, place, frame);
    if (this.#loops.labelled && this.#frameFrom === 0) flow.edits.insert(EDIT.bodyBlock, RANK.check, place);
  }

  /** In code that is not reached: true when there is nothing more to do. Calls and labels still are numbered anew, for the sake of validity. */
  #pass(index: number, row: number): boolean {
    const flow = this.#flow;
    if (row === ROW.call) this.#sites.number(index);
    else if (row === ROW.br || row === ROW.brIf) flow.move(index);
    else if (row >= ROW.block && row <= ROW.if) flow.dead++;
    else if (row === ROW.end && flow.dead > 1) flow.dead--;
    else if (row === ROW.end || (row === ROW.else && flow.dead === 1)) return false;
    return true;
  }

  /** One instruction. Gives the index of the last one that is done. */
  #step(index: number, row: number): number {
    const flow = this.#flow;
    switch (row) {
      case ROW.block:
      case ROW.if:
        flow.open(index, this.#loops.settled(index));
        break;
      case ROW.loop:
        return this.#openLoop(index);
      case ROW.else:
        flow.else(index);
        break;
      case ROW.end:
        this.#end(index);
        break;
      case ROW.br:
      case ROW.brIf:
        this.#branch(index, row);
        break;
      case ROW.brTable:
        flow.branchTable(index);
        break;
      case ROW.return:
        flow.return(index);
        break;
      case ROW.unreachable:
        flow.dead = 1;
        break;
      case ROW.call:
      case ROW.callIndirect:
        this.#sites.call(index, row);
        break;
      default:
        if (row === ROW.memoryInit) this.needs.chunks = true;
        this.#sites.range(index, row);
    }
    return index;
  }

  #openLoop(index: number): number {
    const { at, next, partner, before } = this.#outline;
    const flow = this.#flow;
    const known = this.#loops.counted.get(index);
    if (known?.fuel !== undefined) {
      const end = partner[index] as number;
      flow.debt += known.fuel;
      flow.span += known.fuel;
      this.#seen = before[end] as number;
      return end;
    }
    if (this.#loops.settled(index)) flow.settle();
    const wasInRegion = flow.inRegion;
    if (!wasInRegion && !this.#loops.calling(index)) {
      flow.edits.insert(EDIT.enter, RANK.enter, at[index] as number);
      flow.inRegion = true;
      this.needs.fuel = true;
    }
    const trip = (before[partner[index] as number] as number) - (before[index] as number);
    let head = 0;
    if (known !== undefined) head = this.#openChunks(index, known.counted);
    else if (this.#loops.wrapped(index)) this.#wrap(index, flow.seldom ? SELDOM : trip >= BOUNDS.callFuel ? LONG : 0);
    else if (!this.#loops.looks(index)) flow.look(next[index] as number, false);
    flow.openLoop(index, wasInRegion, known?.counted, head);
    return index;
  }

  #wrap(index: number, how: number): void {
    const { at, next } = this.#outline;
    const { edits, labels } = this.#flow;
    edits.insert(EDIT.wrapHead, RANK.head, at[index] as number, how, index);
    // Before the trip is paid for: it is begun again after the look.
    edits.insert(EDIT.wrapCheck, RANK.frame, next[index] as number);
    labels.wrap();
    this.#flow.span = 0;
  }

  #openChunks(index: number, counted: Counted): number {
    const { at, next } = this.#outline;
    const { edits } = this.#flow;
    this.needs.chunks = true;
    this.#inChunks = true;
    if (counted.form === 'top') {
      edits.replace(EDIT.drop, RANK.replace, next[index] as number, next[index + 1] as number);
    }
    return edits.insert(EDIT.loopHead, RANK.head, at[index] as number, 0, index);
  }

  #end(index: number): void {
    const flow = this.#flow;
    const label = flow.labels.pop();
    if (label === undefined) flow.endFunction(index, this.#loops.labelled);
    else if (label.row !== ROW.loop) flow.end(index, label);
    else this.#endLoop(label, index);
  }

  #endLoop(label: Label, index: number): void {
    const { at, next } = this.#outline;
    const flow = this.#flow;
    flow.loops--;
    if (label.counted !== undefined) {
      this.#inChunks = false;
      flow.span += BOUNDS.chunkFuel;
      const isTop = label.counted.form === 'top';
      const place = isTop ? (at[index] as number) : (next[index] as number);
      flow.edits.insert(EDIT.loopTail, isTop ? RANK.head : RANK.after, place, 0, label.index);
    }
    if (this.#loops.wrapped(label.index)) {
      flow.labels.unwrap();
      flow.edits.insert(EDIT.wrapEnd, RANK.after, next[index] as number);
    }
    if (flow.inRegion && !label.wasInRegion) {
      flow.inRegion = false;
      if (flow.dead === 0) flow.edits.insert(EDIT.leave, RANK.after, next[index] as number);
    }
    if (flow.dead > 0) flow.dead = 1;
    flow.run = next[index] as number;
  }

  #branch(index: number, row: number): void {
    const { at, next, value } = this.#outline;
    const flow = this.#flow;
    const label = flow.labels.at(value[index] as number);
    if (label?.counted === undefined) {
      if (row === ROW.br) flow.branch(index);
      else flow.branchIf(index);
      return;
    }
    // The way back of a loop that is paid in chunks.
    flow.edits.amount[label.head] = flow.debt - label.debt;
    if (row === ROW.br) {
      flow.edits.replace(EDIT.testBranch, RANK.replace, at[index] as number, next[index] as number, 0, label.index);
      flow.dead = 1;
      return;
    }
    flow.debt = label.debt;
    flow.run = next[index] as number;
    this.#testBottom(at[index] as number, label.index, label.counted);
  }

  #testBottom(at: number, loop: number, { test }: Counted): void {
    const { edits } = this.#flow;
    if (test === undefined) edits.insert(EDIT.testZero, RANK.replace, at, 0, loop);
    else {
      edits.replace(EDIT.testLimit, RANK.replace, test.limitAt, test.limitEnd, 0, loop);
      edits.replace(EDIT.testCompare, RANK.replace, test.compareAt, test.compareAt + 1, 0, loop);
    }
  }
}
