// What a host has of each lease that the site does not know to be over, as it says when it comes again. Pure.
import { type Fence, HELD_MAX, type Holding } from '../wire/site.ts';

/** A lease that is held, a batch of results that is not sealed, or a report. */
export interface Part {
  readonly fence: Fence;
  readonly tasks: Iterable<number>;
}

/** A row a lease, each task once. */
export function holdingOf(parts: Iterable<Part>): Holding[] {
  const rows = new Map<string, [Fence, Set<number>]>();
  for (const { fence, tasks } of parts) {
    const row = rows.get(`${fence}`) ?? [fence, new Set()];
    for (const task of tasks) row[1].add(task);
    if (row[1].size > 0) rows.set(`${fence}`, row);
  }
  return [...rows.values()].slice(0, HELD_MAX).map(([fence, tasks]) => [fence, [...tasks]]);
}

/** What of a list is not in another; rows may be empty. */
export function goneFrom(named: readonly Holding[], now: readonly Holding[]): Holding[] {
  const has = new Set(now.flatMap(([fence, tasks]) => tasks.map((task) => `${fence} ${task}`)));
  return named.map(([fence, tasks]) => [fence, tasks.filter((task) => !has.has(`${fence} ${task}`))]);
}
