// How fast a host is, as the site sees it by its own clock. Times are arguments. What a host says of its speed is the first guess, and no
// more. It sets how much it is given at once, who is served first, and whether it is in time before a deadline.

/** Half of what was before is forgotten after so much work of a thread. */
const HALF_MS = 10_000;
/** With less work than this behind it, a host is believed to be as fast as it says. */
const SURE_MS = 1_000;
/** Whoever asks is told anew when the speed has changed by so much. */
const MOVED = 0.2;
/** Jobs whose kernels a host is known to have ready; beyond that they are counted anew. */
const JOBS_MAX = 1_000;

/** Results of one lease that came together. Times are in ms, by the clock that never goes back. */
export interface Came {
  readonly job: string;
  /** When the lease was given. */
  readonly since: number;
  readonly now: number;
  /** Tasks that the host says it runs at a time. */
  readonly threads: number;
  /** Of each result; null where nobody knows what this host spent on it. */
  readonly fuels: readonly (number | null)[];
}

export interface Speed {
  /** Whether the speed is another than when this was last true. */
  count(came: Came): boolean;
  /** Fuel a second of one thread: as measured, or what the host says where that tells too little. */
  of(claimed: number): number;
}

export function createSpeed(): Speed {
  const jobs = new Set<string>();
  /** When each thread was done with what it had before, in order. */
  let free: readonly number[] = [];
  let [fuel, ms, told] = [0, 0, 0];
  /** Each thread brings one of them, those that were free first; what they bring beyond that took place in the same time. */
  const measure = ({ since, now, threads, fuels }: Came): { readonly spent: number; readonly took: number } => {
    const count = Math.max(1, threads);
    if (free.length !== count) free = [...Array<number>(count).fill(0), ...free].slice(-count);
    let [spent, took] = [0, 0];
    for (const [row, each] of fuels.entries()) {
      if (each === null) continue;
      spent += each;
      if (row < count) took += now - Math.max(since, free[row] ?? 0);
    }
    const brought = Math.min(fuels.length, count);
    free = [...free.slice(brought), ...Array<number>(brought).fill(now)];
    return { spent, took };
  };
  return {
    count: (came) => {
      const { spent, took } = measure(came);
      // With the first results of a job its kernel and its data were fetched, too.
      if (!jobs.has(came.job)) {
        if (jobs.size >= JOBS_MAX) jobs.clear();
        jobs.add(came.job);
        return false;
      }
      const kept = 0.5 ** (took / HALF_MS);
      fuel = fuel * kept + spent;
      ms = ms * kept + took;
      if (ms < SURE_MS || Math.abs(fuel / ms - told) <= MOVED * told) return false;
      told = fuel / ms;
      return true;
    },
    of: (claimed) => (told > 0 ? told * 1_000 : claimed),
  };
}
