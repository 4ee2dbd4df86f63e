// The states of a job's tasks, a byte each: a job may have millions of them.

export const [WAITING, CHECKING, DISPUTED, HELD, FINAL] = [0, 1, 2, 3, 4] as const;

export interface States {
  of(task: number): number;
  set(task: number, state: number): void;
  /** Makes room for tasks up to `tasks`. */
  grow(tasks: number): void;
  /** How many are held, and how many are final. */
  readonly held: number;
  readonly final: number;
}

export function createStates(): States {
  let states = new Uint8Array(1_024);
  const counts = new Int32Array(FINAL + 1);
  return {
    of: (task) => states[task] ?? WAITING,
    set: (task, state) => {
      const before = states[task] ?? WAITING;
      counts[before] = (counts[before] as number) - 1;
      counts[state] = (counts[state] as number) + 1;
      states[task] = state;
    },
    grow: (tasks) => {
      if (tasks <= states.length) return;
      const larger = new Uint8Array(Math.max(tasks, states.length * 2));
      larger.set(states);
      states = larger;
    },
    get held() {
      return counts[HELD] as number;
    },
    get final() {
      return counts[FINAL] as number;
    },
  };
}
