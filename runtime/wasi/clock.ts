// The time of a program: virtual, so that nobody really waits and every run reads the same; or real, where that was granted.

/** Times are in ns. What the four clocks of a program show is a base and what has elapsed. */
export interface Clock {
  /** Realtime, monotonic, CPU time of the process and of the thread: what each shows at the start. */
  readonly bases: readonly bigint[];
  /** Since the start. No property that is computed: to define one for each task takes as long as a tenth of a start. */
  elapsed(): bigint;
  /** The same for a program that looks at its clock. */
  read(): bigint;
  /** Until so much has elapsed. Throws when the task has to end. */
  waitUntil(elapsed: bigint): void;
}

/** How much later it is at every reading. A clock that stood still would make a program that waits for it spin for ever. */
export const READING_NS = 1_000n;
/** Monotonic time at the start: Go takes a clock at 0 for one that fails. */
export const STARTED_NS = 1_000_000_000n;
/** The time of day at the start: 2000-01-01T00:00:00Z. */
export const DAY_NS = 946_684_800_000_000_000n;
/** The clock stops here, after 146 years: later times would not fit the signed numbers that programs keep them in. */
const LAST_NS = 2n ** 62n;
const NS_A_MS = 1e6;

function basesOf(day: bigint): readonly bigint[] {
  return [day, STARTED_NS, STARTED_NS, STARTED_NS];
}

const VIRTUAL_BASES = basesOf(DAY_NS);

/** It goes on when it is read, and by what is waited for. */
export class VirtualClock implements Clock {
  readonly bases = VIRTUAL_BASES;
  #elapsed = 0n;

  elapsed(): bigint {
    return this.#elapsed;
  }

  read(): bigint {
    this.waitUntil(this.#elapsed + READING_NS);
    return this.#elapsed;
  }

  /** Nobody waits: it is that late at once. */
  waitUntil(due: bigint): void {
    if (due > this.#elapsed) this.#elapsed = due < LAST_NS ? due : LAST_NS;
  }
}

export interface RealTime {
  /** Milliseconds since the task began. */
  since(): number;
  /** Milliseconds since 1970 began, by now. */
  readonly today: number;
  /** Waits for at most so many ms. Throws when the task has to end. */
  wait(ms: number): void;
}

/** The time that it is. CPU times are those of the task's own start. */
export function realClock({ since, today, wait }: RealTime): Clock {
  const elapsed = () => BigInt(Math.max(0, Math.round(since() * NS_A_MS)));
  const began = BigInt(Math.round((today - since()) * NS_A_MS));
  return {
    bases: basesOf(began),
    elapsed,
    read: elapsed,
    waitUntil: (due) => {
      for (let left = due - elapsed(); left > 0n; left = due - elapsed()) wait(Math.ceil(Number(left) / NS_A_MS));
    },
  };
}
