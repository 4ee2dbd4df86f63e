// What must be known of a function's loops before charges are placed: which call, which are counted, and what those of a constant
// number of trips cost.
import { labelsOf, type Outline, ROW } from '../wasm/outline.ts';
import { BOUNDS } from './bounds.ts';
import { type Calls, surelyLooks } from './calls.ts';
import { canChunk } from './chunk.ts';
import { type Counted, countedLoop, startOf } from './counted.ts';
import { tripsOf } from './trips.ts';
import { WEIGHTS } from './weights.ts';

/** A counted loop. With `fuel`, it has a constant number of trips and is paid like straight code that weighs so much. */
export interface Known {
  readonly counted: Counted;
  readonly fuel?: number;
}

/** What is in a block, its inner blocks included. */
const CALLS = 1;
/** Somewhere all debt is paid, whatever it was. */
const SETTLES = 2;
/** Blocks or ifs, so that ways differ in weight. */
const PARTS = 4;
/** Loops that are not folded. */
const LOOPS = 8;
/** Calls that the guest does not come back from. */
const ENDS = 16;
/** Branch tables. */
const TABLES = 32;

/** The loops of one function at a time. */
export class Loops {
  /** Counted loops by index in the outline. */
  readonly counted: Map<number, Known> = new Map();
  /** The function's own label is branched to. */
  labelled = false;
  readonly #calls: Calls;
  #settled = new Uint8Array(256);
  #calling = new Uint8Array(256);
  #looking = new Uint8Array(256);
  #wrapped = new Uint8Array(256);
  // One entry a nested block, the function itself at 0: index in the outline, what is in it, the outermost label that is branched
  // to from within, branches back to it and the last of these, what its folded loops weigh beyond their instructions, and the loop
  // whose every trip enters it.
  #open: number[] = [];
  #holds: number[] = [];
  #outermost: number[] = [];
  #backs: number[] = [];
  #back: number[] = [];
  #folded: number[] = [];
  #trips: number[] = [];

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Whether the debt at this label is 0, since a branch table leads there. */
  settled(index: number): boolean {
    return this.#settled[index] === 1;
  }

  /** Whether the loop calls, so that the counter must lie in its global. */
  calling(index: number): boolean {
    return this.#calling[index] === 1;
  }

  /** Whether the loop is put into another one that looks at the counter, so that it makes no call itself. */
  wrapped(index: number): boolean {
    return this.#wrapped[index] === 1;
  }

  /** Whether every trip of the loop surely enters a function or a loop that looks at the counter. */
  looks(index: number): boolean {
    return this.#looking[index] === 1;
  }

  read(outline: Outline): this {
    this.#begin(outline);
    for (let index = 0; index < outline.count; index++) {
      const row = outline.row[index] as number;
      if (row >= ROW.block && row <= ROW.if) this.#enter(index, this.#trip(outline));
      else if (row === ROW.end) this.#leave(outline, index);
      else if (row === ROW.br || row === ROW.brIf) this.#branch(outline, index, row);
      else if (row === ROW.brTable) this.#table(outline, index);
      else if (row === ROW.return) this.#outermost[this.#open.length - 1] = -1;
      else if (row >= ROW.call) this.#call(outline, index, row);
    }
    return this;
  }

  #begin({ count }: Outline): void {
    if (this.#settled.length < count) {
      this.#settled = new Uint8Array(count * 2);
      this.#calling = new Uint8Array(count * 2);
      this.#looking = new Uint8Array(count * 2);
      this.#wrapped = new Uint8Array(count * 2);
    }
    for (const flags of [this.#settled, this.#calling, this.#looking, this.#wrapped]) flags.fill(0, 0, count);
    this.counted.clear();
    this.labelled = false;
    this.#open.length = 0;
    this.#enter(-1, -1);
  }

  #enter(index: number, trip: number): void {
    const depth = this.#open.push(index) - 1;
    this.#trips[depth] = trip;
    this.#holds[depth] = 0;
    this.#outermost[depth] = depth;
    this.#backs[depth] = 0;
    this.#folded[depth] = 0;
  }

  #leave(outline: Outline, index: number): void {
    const depth = this.#open.length - 1;
    if (depth === 0) return;
    const opened = this.#open.pop() as number;
    const outer = this.#open.at(-1) as number;
    const isLoop = outline.row[opened] === ROW.loop;
    let holds = this.#holds[depth] as number;
    let folded = this.#folded[depth] as number;
    if (isLoop) {
      if (holds & CALLS) this.#calling[opened] = 1;
      const known = this.#known(outline, opened, depth);
      if (known !== undefined) this.counted.set(opened, known);
      if (known === undefined) this.#look(this.#trips[depth] as number);
      if (known === undefined && !(holds & (CALLS | LOOPS | TABLES))) this.#wrapped[opened] = 1;
      if (known?.fuel === undefined) holds |= LOOPS;
      else folded = known.fuel - linear(outline, opened, index);
    } else {
      // The arm of a loop that is tested at the top belongs to the test.
      if (!isArm(outline, outer, opened)) holds |= PARTS;
      // A branch to the arm's end leaves the loop.
      else if (this.#backs[depth] !== 0) this.#outward(depth - 1, -1);
    }
    this.#holds[depth - 1] = (this.#holds[depth - 1] as number) | holds;
    this.#folded[depth - 1] = (this.#folded[depth - 1] as number) + folded;
    this.#outward(depth - 1, this.#outermost[depth] as number);
  }

  #outward(depth: number, target: number): void {
    if (target < (this.#outermost[depth] as number)) this.#outermost[depth] = target;
  }

  #branch(outline: Outline, index: number, row: number): void {
    const depth = this.#open.length - 1;
    const target = depth - (outline.value[index] as number);
    this.#outward(depth, target);
    this.#backs[target] = (this.#backs[target] as number) + 1;
    if (target === 0) this.labelled = true;
    else if (outline.row[this.#open[target] as number] === ROW.loop) this.#back[target] = index;
    else if (row === ROW.brIf && outline.value[this.#open[target] as number] !== 0) this.#hold(SETTLES);
  }

  #table(outline: Outline, index: number): void {
    const { bytes } = outline;
    const depth = this.#open.length - 1;
    this.#hold(SETTLES | TABLES);
    for (const label of labelsOf(bytes, outline.at[index] as number)) {
      const target = depth - label;
      this.#outward(depth, target);
      if (target === 0) this.labelled = true;
      else {
        this.#settled[this.#open[target] as number] = 1;
        this.#backs[target] = (this.#backs[target] as number) + 2;
      }
    }
  }

  #call(outline: Outline, index: number, row: number): void {
    const { reaches, typeReaches } = this.#calls;
    const value = outline.value[index] as number;
    if (row <= ROW.callIndirect && outline.ends(index)) {
      this.#hold(ENDS);
      return;
    }
    const reached = row === ROW.call ? reaches[value] : row === ROW.callIndirect ? typeReaches[value] : 0;
    this.#hold(reached === 1 ? CALLS | SETTLES : CALLS);
    if (row !== ROW.call || !surelyLooks(this.#calls, value)) return;
    this.#look(this.#trip(outline));
  }

  #look(loop: number): void {
    if (loop >= 0) this.#looking[loop] = 1;
  }

  /** The loop whose trips all come by here: on the top level of its body, and nothing has gone round it before; else -1. */
  #trip(outline: Outline): number {
    const depth = this.#open.length - 1;
    const opened = this.#open[depth] as number;
    if (depth === 0 || this.#backs[depth] !== 0) return -1;
    if (outline.row[opened] === ROW.loop) return opened;
    const outer = this.#open[depth - 1] as number;
    return isArm(outline, outer, opened) && this.#backs[depth - 1] === 0 ? outer : -1;
  }

  #hold(what: number): void {
    const depth = this.#open.length - 1;
    this.#holds[depth] = (this.#holds[depth] as number) | what;
  }

  /** The loop that is just being left, if it is counted and worth it. */
  #known(outline: Outline, loop: number, depth: number): Known | undefined {
    const holds = this.#holds[depth] as number;
    if (holds & (CALLS | SETTLES | LOOPS | ENDS)) return undefined;
    if (this.#backs[depth] !== 1 || (this.#outermost[depth] as number) < depth) return undefined;
    const back = this.#back[depth] as number;
    const folded = this.#folded[depth] as number;
    const trip = linear(outline, loop, back) + (WEIGHTS[outline.row[back] as number] as number) + folded;
    const counted = countedLoop(outline, loop, back);
    if (counted === undefined) return undefined;
    const start = holds & PARTS ? undefined : startOf(outline, counted);
    const trips = start === undefined ? undefined : tripsOf(counted, start);
    const chunked = trip <= BOUNDS.tripFuel && canChunk(counted) ? { counted } : undefined;
    if (trips === undefined) return chunked;
    const isTop = counted.form === 'top';
    // The last test at the top fails: it and its `if` run once more than the body.
    const test = isTop ? (outline.before[loop + 1] as number) - (outline.before[loop] as number) + IF : 0;
    const fuel = trips * trip + test;
    return fuel <= BOUNDS.foldFuel ? { counted, fuel } : chunked;
  }
}

/** Whether the body of the loop is nothing but a test and this arm of it. */
function isArm({ row, partner, other }: Outline, loop: number, arm: number): boolean {
  const alone = loop >= 0 && arm === loop + 1 && row[loop] === ROW.loop && row[arm] !== ROW.loop;
  return alone && other[arm] === 0 && partner[loop] === (partner[arm] as number) + 1;
}

const IF = WEIGHTS[ROW.if] as number;

/** Weight of the instructions from one to the other, the latter left out. */
function linear({ before }: Outline, from: number, to: number): number {
  return (before[to] as number) - (before[from] as number);
}
