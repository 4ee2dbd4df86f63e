// A gate: lets so many acts through at a time, the others wait for their turn.

/** Runs what it is given, at most so many at a time, in the order in which they came. */
export function createGate(most: number): <T>(act: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async (act) => {
    // Whoever leaves hands the place over, so that nobody comes in between.
    if (inside < most) inside += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    }
  };
}
