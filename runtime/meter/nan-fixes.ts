// Where a function body makes NaNs canonical: a list of places, found by the walk and carried out by the writer.
import { MIXED } from './nan-kinds.ts';

/** What stands at a place. The order is that in which several stand at one. */
export const FORM = {
  /** The value on top of the stack is made canonical. */
  top: 0,
  /** The same, and the local that it was just written to. */
  tee: 1,
  /** Before a local is written: notes of what kind it will be. */
  note: 2,
  /** Before a local is read: it is made canonical itself. */
  get: 3,
  /** Behind the last store of a group: its values are made canonical and stored. */
  flush: 4,
  /** In place of a store of a group: its operands are put aside. */
  defer: 5,
} as const;
const FORMS = 8;

/** A store of a group. */
export interface Deferred {
  /** Where the instruction begins and ends. */
  readonly at: number;
  readonly end: number;
  /** Which of the group's values it stores. */
  readonly value: number;
}

/** Stores in straight code, with nothing between them that could tell whether they were made: they are made together. */
export interface Group {
  readonly stores: readonly Deferred[];
  /** What they store, each once: its kind, and the local that has it behind the last store, too, or -1. */
  readonly values: readonly { readonly kind: number; readonly local: number }[];
}

export interface Fix {
  readonly at: number;
  readonly form: number;
  readonly local: number;
  /** Of a note: the raw bit of what is written, or 0. */
  kind: number;
  /** Of a flush, and of a store that waits for it: which of the group it is, is its `local`. */
  readonly group?: Group;
}

/** The fixes of one function at a time. */
export class Fixes {
  /** Locals whose kind must be known when the function runs. */
  #needed: Set<number> = new Set();
  /** Of these, notes are taken. */
  #noted: ReadonlySet<number> = new Set();
  readonly #fixes: Fix[] = [];
  readonly #known = new Map<number, Fix>();

  /** A new function. */
  clear(): void {
    this.#noted = new Set();
    this.#restart();
  }

  /** The same function from its beginning, with notes of the locals that were found to need them. */
  again(): void {
    this.#noted = this.#needed;
    this.#restart();
  }

  #restart(): void {
    this.#needed = new Set();
    this.#fixes.length = 0;
    this.#known.clear();
  }

  /** Whether all locals have notes that need them. */
  get isWhole(): boolean {
    for (const local of this.#needed) if (!this.#noted.has(local)) return false;
    return true;
  }

  /** Locals of which notes are taken. */
  get noted(): ReadonlySet<number> {
    return this.#noted;
  }

  /** A value is made canonical at a place; once is enough. */
  settle(at: number, form: number, local: number, kind: number): void {
    if (MIXED[kind]) this.#needed.add(local);
    const key = at * FORMS + form;
    const known = this.#known.get(key);
    if (known !== undefined) {
      known.kind |= kind;
      return;
    }
    const fix = { at, form, local, kind };
    this.#known.set(key, fix);
    this.#fixes.push(fix);
  }

  note(at: number, local: number, kind: number): void {
    if (this.#noted.has(local)) this.#fixes.push({ at, form: FORM.note, local, kind });
  }

  /** Values are made canonical together, and stored behind the last of the stores. */
  together(group: Group): void {
    for (const [local, { at }] of group.stores.entries())
      this.#fixes.push({ at, form: FORM.defer, local, kind: 0, group });
    const last = group.stores.at(-1) as Deferred;
    this.#fixes.push({ at: last.end, form: FORM.flush, local: 0, kind: 0, group });
  }

  /** All fixes in order. */
  sorted(): readonly Fix[] {
    return this.#fixes.sort((a, b) => a.at - b.at || a.form - b.form);
  }
}
