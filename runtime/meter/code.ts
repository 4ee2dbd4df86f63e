// The code that edits write into a function body.
import type { Body } from '../wasm/module.ts';
import type { Outline } from '../wasm/outline.ts';
import type { Writer } from '../wasm/writer.ts';
import { chunkCompare, type OwnLocals, writeChunk, writeTest } from './chunk.ts';
import type { Counted } from './counted.ts';
import { EDIT, type Edits, LONG, SELDOM } from './edits.ts';
import type { Loops } from './loops.ts';
import { type Kept, keptBy, type Saves, writePut, writeTake } from './saves.ts';
import { BYTES_PER_FUEL } from './tariff.ts';

/** Where the meter's globals and functions are, in the new numbering. */
export interface Places {
  readonly fuel: number;
  readonly stack: number;
  readonly refill: number;
  readonly stackSpent: number;
  readonly growRefused: number;
  /** The meter's function that pays. */
  readonly charge: number;
  /** The one that is called when the counter or the stack's weight is below zero; 0 when there is none. */
  readonly below: number;
  /** The one that is called when a counter in a local is: it takes it, and gives back what it is then. */
  readonly look: number;
  /** The one that gives how many bytes of a range are worked on next. */
  readonly piece: number;
  readonly saves: Saves;
}

const NOTHING: Kept = { locals: [], globals: [] };
const EMPTY = 0x40;
const OP = {
  ...{ block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, call: 0x10 },
  ...{ get: 0x20, set: 0x21, tee: 0x22, getGlobal: 0x23, setGlobal: 0x24, const: 0x41, const64: 0x42 },
  ...{ unequal: 0x47, shrU: 0x76, less64: 0x53, sub64: 0x7d, or64: 0x84, extendU: 0xad },
} as const;
const LENGTH_SHIFT = Math.log2(BYTES_PER_FUEL);

/** Takes an amount of fuel off the counter; where that is seldom done, by a call, which is shorter. */
function writePay(w: Writer, amount: number, { fuel, charge }: Places, seldom: boolean): void {
  if (seldom) w.byte(OP.const64).s32(amount).byte(OP.call).u32(charge);
  else writeCharge(w, amount, fuel);
}

function writeCharge(w: Writer, amount: number, fuel: number): void {
  w.byte(OP.getGlobal).u32(fuel).byte(OP.const64).s32(amount).byte(OP.sub64).byte(OP.setGlobal).u32(fuel);
}

/** Asks for more when the counter is below zero. */
export function writeCheck(w: Writer, { fuel, refill }: Places): void {
  w.byte(OP.getGlobal).u32(fuel).byte(OP.const64).s32(0).byte(OP.less64);
  w.byte(OP.if).byte(EMPTY).byte(OP.call).u32(refill).byte(OP.end);
}

/** Pays for a length in bytes that is in a local. */
export function writeLength(w: Writer, length: number, fuel: number): void {
  w.byte(OP.getGlobal).u32(fuel).byte(OP.get).u32(length);
  w.byte(OP.const).s32(LENGTH_SHIFT).byte(OP.shrU).byte(OP.extendU).byte(OP.sub64).byte(OP.setGlobal).u32(fuel);
}

/** Writes the edits of one function. */
export class CodeWriter {
  readonly #w: Writer;
  readonly #places: Places;
  readonly #edits: Edits;
  readonly #loops: Loops;
  readonly #outline: Outline;
  #body: Body | undefined;
  #own: OwnLocals = { fuel: 0, trips: 0, stack: 0, limit: 0 };

  /** `w` holds the body that is being written, from its first byte. */
  constructor(w: Writer, places: Places, edits: Edits, loops: Loops, outline: Outline) {
    this.#w = w;
    this.#places = places;
    this.#edits = edits;
    this.#loops = loops;
    this.#outline = outline;
  }

  /** A new body with these locals of the meter's. */
  begin(body: Body, own: OwnLocals): void {
    this.#body = body;
    this.#own = own;
  }

  /** Whether an edit does nothing, so that what it would replace stays. */
  isIdle(edit: number): boolean {
    const kind = this.#edits.kind[edit] as number;
    return this.#edits.amount[edit] === 0 && PAYING.has(kind);
  }

  /** Writes one edit. `blockType` is that of a block around the whole body. */
  write(edit: number, blockType: (w: Writer) => void): void {
    const w = this.#w;
    const { fuel } = this.#places;
    const amount = this.#edits.amount[edit] as number;
    const extra = this.#edits.extra[edit] as number;
    const kind = this.#edits.kind[edit] as number;
    switch (kind) {
      case EDIT.charge:
        writePay(w, amount, this.#places, extra === 1);
        break;
      case EDIT.chargeLocal:
        this.#chargeLocal(amount);
        break;
      case EDIT.check:
        if (extra === 1 && this.#places.below > 0) w.byte(OP.call).u32(this.#places.below);
        else writeCheck(w, this.#places);
        break;
      case EDIT.checkLocal:
        this.#checkLocal();
        break;
      case EDIT.enter:
        w.byte(OP.getGlobal).u32(fuel);
        if (amount !== 0) w.byte(OP.const64).s32(amount).byte(OP.sub64);
        w.byte(OP.set).u32(this.#own.fuel);
        break;
      case EDIT.leave:
        this.#leave(amount);
        break;
      case EDIT.leaveMaybe:
        if (amount !== 0) this.#chargeLocal(amount);
        this.#leave(0);
        break;
      case EDIT.branchLeave:
        this.#branch(amount, extra);
        break;
      case EDIT.otherwise:
        writePay(w.byte(OP.else), amount, this.#places, extra === 1);
        break;
      case EDIT.otherwiseLocal:
        w.byte(OP.else);
        this.#chargeLocal(amount);
        break;
      case EDIT.callPaying:
        w.byte(OP.const).s32(amount).byte(OP.call).u32(extra);
        break;
      case EDIT.call:
        w.byte(OP.call).u32(extra);
        break;
      case EDIT.length:
        w.byte(OP.tee).u32(this.#own.limit);
        writeLength(w, this.#own.limit, fuel);
        break;
      case EDIT.drop:
        break;
      default:
        if (kind === EDIT.wrapHead) this.#wrapHead(amount, extra);
        else if (kind >= EDIT.wrapCheck) this.#wrap(kind, extra);
        else if (kind >= EDIT.loopHead) this.#loop(kind, amount, this.#countedAt(extra));
        else this.#frame(kind, amount, blockType);
    }
  }

  /** The stack's weight, at the beginning and at the ends of a function whose frame is counted. */
  #frame(kind: number, weight: number, blockType: (w: Writer) => void): void {
    const w = this.#w;
    const { fuel, stack, below } = this.#places;
    if (kind === EDIT.bodyBlock) {
      blockType(w.byte(OP.block));
      return;
    }
    if (kind !== EDIT.frame) {
      if (kind === EDIT.bodyEnd) w.byte(OP.end);
      w.byte(OP.get).u32(this.#own.stack).byte(OP.setGlobal).u32(stack);
      return;
    }
    // One look at both: the sign of either shows in the two together. Before the frame is taken off, so that the look and `below`, which
    // the counter alone can call for too, go by the same weight.
    w.byte(OP.getGlobal).u32(stack).byte(OP.tee).u32(this.#own.stack);
    w.byte(OP.getGlobal).u32(fuel).byte(OP.or64).byte(OP.const64).s32(0).byte(OP.less64);
    w.byte(OP.if).byte(EMPTY).byte(OP.call).u32(below).byte(OP.end);
    w.byte(OP.get).u32(this.#own.stack).byte(OP.const64).s32(weight).byte(OP.sub64).byte(OP.setGlobal).u32(stack);
  }

  #chargeLocal(amount: number): void {
    const { fuel } = this.#own;
    this.#w.byte(OP.get).u32(fuel).byte(OP.const64).s32(amount).byte(OP.sub64).byte(OP.set).u32(fuel);
  }

  /** `if (local < 0) local = look(local)`; where that is seldom done, `look` is left to find out. */
  #checkLocal(kept: Kept = NOTHING, seldom = false): void {
    const w = this.#w;
    const { fuel: local } = this.#own;
    if (!seldom) w.byte(OP.get).u32(local).byte(OP.const64).s32(0).byte(OP.less64).byte(OP.if).byte(EMPTY);
    writePut(w, kept);
    w.byte(OP.get).u32(local).byte(OP.call).u32(this.#places.look).byte(OP.set).u32(local);
    writeTake(w, kept);
    if (!seldom) w.byte(OP.end);
  }

  #leave(amount: number): void {
    const w = this.#w.byte(OP.get).u32(this.#own.fuel);
    if (amount !== 0) w.byte(OP.const64).s32(amount).byte(OP.sub64);
    w.byte(OP.setGlobal).u32(this.#places.fuel);
  }

  /** `loop (check) loop (branch out of it when below zero) ... end end` */
  #wrapHead(entered: number, loop: number): void {
    const { bytes, at, next } = this.#outline;
    this.#w.copy(bytes, at[loop] as number, next[loop] as number);
    const kept = this.#body && keptBy(this.#outline, loop, this.#body, this.#places.saves);
    this.#checkLocal(kept, entered === SELDOM || (entered === LONG && kept?.locals.length === 0));
  }

  #wrap(kind: number, extra: number): void {
    const w = this.#w;
    switch (kind) {
      case EDIT.wrapCheck:
        w.byte(OP.get).u32(this.#own.fuel).byte(OP.const64).s32(0).byte(OP.less64).byte(OP.brIf).u32(1);
        break;
      case EDIT.wrapEnd:
        w.byte(OP.end);
        break;
      case EDIT.jump:
        w.byte(OP.br).u32(extra);
        break;
      default:
        w.byte(OP.brIf).u32(extra);
    }
  }

  #branch(amount: number, label: number): void {
    const w = this.#w.byte(OP.if).byte(EMPTY);
    this.#leave(amount);
    w.byte(OP.br)
      .u32(label + 1)
      .byte(OP.end);
  }

  #countedAt(loop: number): Counted {
    const known = this.#loops.counted.get(loop);
    if (known === undefined) throw new Error('an edit of a loop that is not counted');
    return known.counted;
  }

  #loop(kind: number, tripFuel: number, counted: Counted): void {
    const w = this.#w;
    const { limit } = this.#own;
    switch (kind) {
      case EDIT.loopHead:
        if (counted.form === 'top') {
          const { bytes, next, at } = this.#outline;
          w.copy(bytes, next[counted.loop] as number, at[counted.loop + 1] as number);
          w.byte(OP.if).byte(EMPTY);
        }
        w.byte(OP.loop).byte(EMPTY);
        writeChunk(w, counted, tripFuel, this.#own);
        break;
      case EDIT.loopTail:
        writeTest(w, counted);
        w.byte(OP.if).byte(EMPTY);
        // Once a chunk.
        this.#checkLocal(NOTHING, true);
        w.byte(OP.br).u32(1).byte(OP.end).byte(OP.end);
        break;
      case EDIT.testLimit:
        w.byte(OP.get).u32(limit);
        break;
      case EDIT.testCompare:
        w.byte(chunkCompare(counted, counted.test?.swapped ?? false));
        break;
      case EDIT.testZero:
        w.byte(OP.get).u32(limit).byte(OP.unequal);
        break;
      case EDIT.testBranch:
        w.byte(OP.get)
          .u32(counted.counter)
          .byte(OP.get)
          .u32(limit)
          .byte(chunkCompare(counted, false))
          .byte(OP.brIf)
          .u32(0);
        break;
      default:
    }
  }
}

/** Edits that do nothing when there is nothing to pay. */
const PAYING: ReadonlySet<number> = new Set([EDIT.charge, EDIT.chargeLocal, EDIT.otherwise, EDIT.otherwiseLocal]);
