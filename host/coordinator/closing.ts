// The sweep at the end of a job: which of the results that are held on one host's word are checked after all. Pure.

/** Draws of the sweep have numbers of their own, apart from those that are made when a run is delivered. */
const SWEEP_DRAW = -1;

/**
 * So many of a host's held tasks as checks are due, or all of them: those with the lowest draws, so that nobody can tell beforehand, and
 * none is drawn twice.
 */
export function sweep(
  held: readonly number[],
  missing: number,
  draw: (task: number, nth: number) => number,
): readonly number[] {
  const count = Math.min(held.length, Math.ceil(missing));
  if (count <= 0) return [];
  return held
    .map((task) => ({ task, at: draw(task, SWEEP_DRAW) }))
    .sort((a, b) => a.at - b.at || a.task - b.task)
    .slice(0, count)
    .map(({ task }) => task);
}
