// How fast tasks go here, as measured over the last ones: it says how many to ask for, and the site what to expect.

/** Weight of what was before, for each ms of work that is added: half of it is forgotten after about ten seconds of work. */
const HALF_MS = 10_000;
/** The site is told anew when the speed has changed by so much. */
const MOVED = 0.2;

export interface Paces {
  /** One task that has ended. */
  count(fuel: number, wallMs: number): void;
  /** Of one thread; 0 before the first. */
  fuelPerSecond(): number;
  /** Mean ms of a task; null before the first. */
  taskMs(): number | null;
  /** Whether the speed is another than when this was last true. */
  hasMoved(): boolean;
}

export function createPaces(): Paces {
  let [tasks, fuel, ms, told] = [0, 0, 0, 0];
  const fuelPerSecond = () => (ms > 0 ? (fuel / ms) * 1_000 : 0);
  return {
    count: (added, wallMs) => {
      const kept = 0.5 ** ((wallMs + 0.1) / HALF_MS);
      tasks = tasks * kept + 1;
      fuel = fuel * kept + added;
      ms = ms * kept + wallMs;
    },
    fuelPerSecond,
    taskMs: () => (tasks > 0 ? ms / tasks : null),
    hasMoved: () => {
      const now = fuelPerSecond();
      if (Math.abs(now - told) <= MOVED * told) return false;
      told = now;
      return true;
    },
  };
}
