// What is to be changed in one function body: a list of edits at places in its bytes, written down in any order and carried out in
// the order of the places.

/** What an edit writes. In brackets: what `amount` and `extra` mean. */
export const EDIT = {
  /** Takes fuel off the counter, in its global or its local. [fuel, 1 where that is seldom done] */
  charge: 0,
  chargeLocal: 1,
  /** Asks for more fuel when the counter is below zero. [0, 1 where that is seldom done] */
  check: 2,
  checkLocal: 3,
  /** Brings the counter from its global into its local, less what is owed. [fuel] */
  enter: 4,
  /** Brings it back, less what is owed. [fuel] */
  leave: 5,
  /** The same, and the local stays good: the branch that follows may or may not leave. [fuel] */
  leaveMaybe: 6,
  /** In place of a `br_if` that brings the counter back, only when it branches. [fuel, label] */
  branchLeave: 7,
  /** An `else` that the author did not need. [fuel, 1 where that is seldom done] */
  otherwise: 8,
  otherwiseLocal: 9,
  /** In place of a call. [0, function] */
  call: 10,
  /** Before `memory.init`: pays for its length. */
  length: 11,
  /** A frame is entered: its weight is taken off the stack's, and both counters are looked at. Then it is given back. [weight] */
  frame: 12,
  unframe: 13,
  /** A block around the whole body, for a function that branches to its own label and whose frame is counted. */
  bodyBlock: 14,
  bodyEnd: 15,
  /** In place of the test at the top of a counted loop. */
  drop: 16,
  /** Around a counted loop. [fuel of a trip, index of the loop] */
  loopHead: 17,
  loopTail: 18,
  /** In its test: in place of the limit, of the comparison; behind a counter that is tested for zero; a whole test. [0, index] */
  testLimit: 19,
  testCompare: 20,
  testZero: 21,
  testBranch: 22,
  /** Around a loop that is left when the counter is below zero, and begun again: before it, at its head, behind it. [how often it is entered, index] */
  wrapHead: 23,
  wrapCheck: 24,
  wrapEnd: 25,
  /** In place of a branch whose label has moved. [0, label] */
  jump: 26,
  jumpIf: 27,
  /** In place of a call that ends the guest: of the function that stands in for it. [fuel, function] */
  callPaying: 28,
} as const;

/** Of a loop: it is entered a few times a task; its trips are long. */
export const SELDOM = 1;
export const LONG = 2;

/** Several edits at one place come in the order of their ranks. */
export const RANK = { after: 0, frame: 1, charge: 2, check: 3, enter: 4, head: 5, replace: 6 } as const;

/** The edits of one function at a time. Place and order are fixed when an edit is added; its amount may be set later. */
export class Edits {
  count = 0;
  kind: Uint8Array = new Uint8Array(64);
  /** Where it stands in the bytes, and up to where it replaces them. */
  at: Int32Array = new Int32Array(64);
  end: Int32Array = new Int32Array(64);
  amount: Int32Array = new Int32Array(64);
  extra: Int32Array = new Int32Array(64);
  /** The edit that came before it at the same label, or -1: for the planner. */
  link: Int32Array = new Int32Array(64);
  #rank = new Uint8Array(64);
  #order = new Int32Array(64);

  clear(): void {
    this.count = 0;
  }

  /** An edit that adds bytes at a place. Gives its index. */
  insert(kind: number, rank: number, at: number, amount = 0, extra = 0): number {
    return this.replace(kind, rank, at, at, amount, extra);
  }

  /** An edit that stands in place of the bytes from `at` to `end`. */
  replace(kind: number, rank: number, at: number, end: number, amount = 0, extra = 0): number {
    const index = this.count++;
    if (index === this.kind.length) this.#grow();
    this.kind[index] = kind;
    this.at[index] = at;
    this.end[index] = end;
    this.amount[index] = amount;
    this.extra[index] = extra;
    this.#rank[index] = rank;
    return index;
  }

  /** Whether an edit stands directly behind an instruction, before all else at its place. */
  closes(index: number): boolean {
    return this.#rank[index] === RANK.after;
  }

  /** The indexes of all edits in the order of their places. */
  sorted(): Int32Array {
    const order = this.#order;
    for (let index = 0; index < this.count; index++) {
      // Nearly in order already: what is put in early goes back a few places only.
      let to = index;
      while (to > 0 && this.#isBefore(index, order[to - 1] as number)) {
        order[to] = order[to - 1] as number;
        to--;
      }
      order[to] = index;
    }
    return order.subarray(0, this.count);
  }

  /** The same, with what is paid next to where the counter is brought somewhere paid on the way. */
  joined(): Int32Array {
    const order = this.sorted();
    const { kind, at, amount } = this;
    let last = -1;
    for (const edit of order) {
      const isCharge = kind[edit] === EDIT.charge;
      if (isCharge && amount[edit] === 0) continue;
      if (last >= 0 && at[last] === at[edit] && this.end[last] === at[last]) {
        const out = kind[last] === EDIT.leave && isCharge;
        const into = kind[last] === EDIT.charge && kind[edit] === EDIT.enter;
        if (out || into) {
          const [kept, gone] = out ? [last, edit] : [edit, last];
          amount[kept] = (amount[kept] as number) + (amount[gone] as number);
          amount[gone] = 0;
          if (out) continue;
        }
      }
      last = edit;
    }
    return order;
  }

  #isBefore(a: number, b: number): boolean {
    const way = (this.at[a] as number) - (this.at[b] as number);
    return way < 0 || (way === 0 && (this.#rank[a] as number) < (this.#rank[b] as number));
  }

  #grow(): void {
    const length = this.kind.length * 2;
    const grown = (array: Int32Array) => {
      const twice = new Int32Array(length);
      twice.set(array);
      return twice;
    };
    this.at = grown(this.at);
    this.end = grown(this.end);
    this.amount = grown(this.amount);
    this.extra = grown(this.extra);
    this.link = grown(this.link);
    this.#order = grown(this.#order);
    const [kind, rank] = [new Uint8Array(length), new Uint8Array(length)];
    kind.set(this.kind);
    rank.set(this.#rank);
    this.kind = kind;
    this.#rank = rank;
  }
}
