// What callers leave to a function that is paid for exactly, since a host call may happen in it: the debt it begins with. Callers of one
// function mostly owe the same before its call, and then pay nothing themselves; others pay the difference, or are given it back.
import { BOUNDS } from './bounds.ts';

/** What was owed before calls of each function, while all functions are looked through. */
export class Dues {
  readonly #counts: (Map<number, number> | undefined)[] = [];

  /** A call of a function that nobody else can enter, with what is owed before it. */
  add(index: number, debt: number): void {
    if (debt > BOUNDS.debtFuel) return;
    this.#counts[index] ??= new Map();
    const counts = this.#counts[index];
    counts.set(debt, (counts.get(debt) ?? 0) + 1);
  }

  /** By function index: what is owed most often; among equals the least. */
  usual(functions: number): Int32Array {
    return Int32Array.from({ length: functions }, (_, index) => {
      let usual = 0;
      let most = 0;
      for (const [debt, count] of this.#counts[index] ?? []) {
        if (count > most || (count === most && debt < usual)) [usual, most] = [debt, count];
      }
      return usual;
    });
  }
}
