// The operands and locals of a function as it is followed, by the kinds of their NaNs, and the fixes that make them canonical.
import { type Deferred, type Fixes, FORM } from './nan-fixes.ts';
import { KIND, MIXED, ofBits, RAW, SETTLED } from './nan-kinds.ts';

/** A value on the stack: what it may be, and how it can be made canonical. */
export interface Value {
  kind: number;
  /** Where the instruction that gave it ends, or begins if that only read a local. */
  readonly at: number;
  readonly form: number;
  /** The local that it was read from or written to, or -1, and how often that had been written by then. */
  readonly local: number;
  readonly writes: number;
}

const NONE = -1;
const NEVER = -1;
/** Stores that are made together: what they store is in registers until then. */
const GROUP_MAX = 8;

/** One function at a time. */
export class NanValues {
  stack: Value[] = [];
  /** The kind of each local that holds floats, where the walk is. */
  state: Uint16Array = new Uint16Array(0);
  readonly #fixes: Fixes;
  /** For each local its place in the state, or -1; how often it has been written so far in the order of the code. */
  #slots: Int32Array = new Int32Array(0);
  #writes: Int32Array = new Int32Array(0);
  /** Stores that are not made yet, and what they store. */
  readonly #stores: Deferred[] = [];
  readonly #stored: Value[] = [];

  constructor(fixes: Fixes) {
    this.#fixes = fixes;
  }

  /** `slots` is for each local its place in the state, or -1. */
  begin(slots: Int32Array, entry: Uint16Array): void {
    this.stack.length = 0;
    this.#stores.length = 0;
    this.#stored.length = 0;
    this.state = entry.slice();
    this.#slots = slots;
    this.#writes = new Int32Array(slots.length);
  }

  push(kind: number, at: number): void {
    this.stack.push({ kind, at, form: FORM.top, local: NONE, writes: NEVER });
  }

  pop(): Value {
    const value = this.stack.pop();
    if (value === undefined) throw new Error('an operand is missing');
    return value;
  }

  /** Takes operands, of which those with certain bits are made canonical. Gives all bits that they had. */
  see(count: number, bits: number): number {
    let kinds = 0;
    for (let left = count; left > 0; left--) {
      const value = this.pop();
      kinds |= value.kind;
      if (value.kind & bits) this.settle(value);
    }
    return kinds;
  }

  /** Takes one operand whose bits are moved; it is made canonical if it has certain bits. Gives its kind, which is not mixed. */
  move(bits: number): number {
    const value = this.pop();
    return ofBits(value.kind & bits || MIXED[value.kind] ? this.settle(value) : value.kind);
  }

  /** Makes a value canonical where it was given. Gives its kind from then on. */
  settle(value: Value): number {
    const { kind, at, form, local, writes } = value;
    if ((kind & RAW) === 0) return kind;
    this.#fixes.settle(at, form, local, kind);
    value.kind = SETTLED[kind] as number;
    // What the local holds is what was made canonical.
    if (local !== NONE && writes === this.#writes[local]) this.state[this.#slots[local] as number] = value.kind;
    return value.kind;
  }

  /** A store, from `at` to `end`: it may wait for others that follow it, so that what they store is made canonical together. */
  store(at: number, end: number): void {
    const value = this.pop();
    this.pop();
    if (MIXED[value.kind] || (value.kind & RAW) === 0) {
      this.flush();
      this.settle(value);
      return;
    }
    if (this.#stores.length === GROUP_MAX) this.flush();
    const isSame = (one: Value) => value.local !== NONE && one.local === value.local && one.writes === value.writes;
    const known = this.#stored.findIndex(isSame);
    // Of one that was read twice, the first place is where it is made canonical for both.
    if (value.at < (this.#stored[known]?.at ?? 0)) this.#stored[known] = value;
    this.#stores.push({ at, end, value: known < 0 ? this.#stored.push(value) - 1 : known });
  }

  /** Makes the stores that wait. */
  flush(): void {
    const [stores, stored] = [this.#stores, this.#stored];
    if (stored.length === 1) this.settle(stored[0] as Value);
    else if (stored.length > 1) {
      const values = stored.map(({ kind, local, writes }) => {
        const isThere = local !== NONE && writes === this.#writes[local];
        if (isThere) this.state[this.#slots[local] as number] = SETTLED[kind] as number;
        return { kind, local: isThere ? local : NONE };
      });
      this.#fixes.together({ stores: stores.slice(), values });
    }
    stores.length = 0;
    stored.length = 0;
  }

  /** Makes so many values canonical that stay on the stack. */
  settleTop(count: number): void {
    const { stack } = this;
    for (let index = stack.length - count; index < stack.length; index++) this.settle(stack[index] as Value);
  }

  /** The kind of values that become one. */
  meet(values: readonly Value[]): number {
    let kind = 0;
    for (const value of values) kind |= value.kind;
    if (!MIXED[kind]) return kind;
    kind = 0;
    for (const value of values) kind |= this.settle(value);
    return kind;
  }

  get(local: number, at: number): void {
    const slot = this.#slots[local] as number;
    if (slot < 0) this.push(0, at);
    else {
      const writes = this.#writes[local] as number;
      this.stack.push({ kind: this.state[slot] as number, at, form: FORM.get, local, writes });
    }
  }

  /** Writes a local; with `teeEnd`, the value stays on the stack. */
  set(local: number, at: number, teeEnd: number): void {
    const value = this.pop();
    const slot = this.#slots[local] as number;
    let kind = 0;
    if (slot >= 0) {
      kind = MIXED[value.kind] ? this.settle(value) : value.kind;
      this.state[slot] = kind;
      this.#writes[local] = (this.#writes[local] as number) + 1;
      this.#fixes.note(at, local, kind & RAW);
    }
    if (teeEnd === 0) return;
    if (slot < 0) this.push(0, teeEnd);
    else this.stack.push({ kind, at: teeEnd, form: FORM.tee, local, writes: this.#writes[local] as number });
  }

  /** So many values of any bits, none of them raw. */
  pushKept(count: number, at: number): void {
    for (let left = count; left > 0; left--) this.push(KIND.keep, at);
  }
}

/** A value on a way that is left: what its local holds after that is not known from here. */
export function leaving(value: Value): Value {
  return { ...value, writes: NEVER };
}

/** Adds the kinds of one state to another; whether that changed anything. */
export function join(state: Uint16Array, more: Uint16Array): boolean {
  let changed = 0;
  for (let slot = 0; slot < state.length; slot++) {
    const known = state[slot] as number;
    const all = known | (more[slot] as number);
    changed |= all ^ known;
    state[slot] = all;
  }
  return changed !== 0;
}
