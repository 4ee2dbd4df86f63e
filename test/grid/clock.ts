// A clock that nobody waits for: what is due next happens next.

export interface Clock {
  /** In minutes. */
  readonly now: () => number;
  /** Of equal times, what was asked for first happens first. */
  at(time: number, act: number): void;
  /** The next act, at its time; undefined if nothing is due any more. */
  next(): number | undefined;
}

/** Acts are numbers, in a binary heap of columns: a run has some millions of them. */
export function createClock(): Clock {
  const times: number[] = [];
  const orders: number[] = [];
  const acts: number[] = [];
  let [now, asked] = [0, 0];

  const before = (a: number, b: number) => {
    const difference = (times[a] ?? 0) - (times[b] ?? 0);
    return difference === 0 ? (orders[a] ?? 0) < (orders[b] ?? 0) : difference < 0;
  };
  const swap = (a: number, b: number) => {
    for (const column of [times, orders, acts]) {
      const kept = column[a] ?? 0;
      column[a] = column[b] ?? 0;
      column[b] = kept;
    }
  };

  function rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!before(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  }

  function sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= times.length) return;
      const least = left + 1 < times.length && before(left + 1, left) ? left + 1 : left;
      if (!before(least, at)) return;
      swap(at, least);
      at = least;
    }
  }

  return {
    now: () => now,
    at: (time, act) => {
      times.push(Math.max(now, time));
      orders.push(asked++);
      acts.push(act);
      rise(times.length - 1);
    },
    next: () => {
      if (times.length === 0) return undefined;
      swap(0, times.length - 1);
      now = times.pop() ?? now;
      orders.pop();
      const act = acts.pop();
      sink();
      return act;
    },
  };
}
