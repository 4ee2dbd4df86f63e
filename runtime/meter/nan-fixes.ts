// Where a function body makes NaNs canonical: a list of places, found by the walk and carried out by the writer.

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
} as const;

export interface Fix {
  readonly at: number;
  readonly form: number;
  readonly local: number;
  /** Of a note: the raw bit of what is written, or 0. */
  kind: number;
}

/** The fixes of one function at a time. */
export class Fixes {
  /** Locals whose kind must be known when the function runs: each has notes. */
  readonly noted: Set<number> = new Set();
  readonly #fixes: Fix[] = [];
  readonly #known = new Map<number, Fix>();

  clear(): void {
    this.noted.clear();
    this.#fixes.length = 0;
    this.#known.clear();
  }

  /** A value is made canonical at a place; once is enough. */
  settle(at: number, form: number, local: number, kind: number): void {
    const key = at * 4 + form;
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
    this.#fixes.push({ at, form: FORM.note, local, kind });
  }

  /** All fixes in order; notes of locals that need none are left out. */
  sorted(): readonly Fix[] {
    return this.#fixes
      .filter(({ form, local }) => form !== FORM.note || this.noted.has(local))
      .sort((a, b) => a.at - b.at || a.form - b.form);
  }
}
