// The pace at which a connection is read. Pure, but for its clock.

/** Milliseconds in which a connection may say as much as its ceiling allows. */
export const WINDOW_MS = 10_000;

/**
 * Counts a message: gives for how many milliseconds no more is to be read, 0 as long as there is room. Whoever says more than hosts do is read
 * slower and not sent away: a tab with thousands of small tasks a second does, too. `max` messages in WINDOW_MS, and as many ahead.
 */
export function createPace(max: number, now = () => performance.now()): () => number {
  let [at, room] = [now(), max];
  return () => {
    const time = now();
    room = Math.min(max, room + ((time - at) * max) / WINDOW_MS) - 1;
    at = time;
    return room >= 0 ? 0 : Math.min(WINDOW_MS, (-room * WINDOW_MS) / max);
  };
}
