// What a host has of each lease that the site does not know to be over, as it says when it comes again. Pure.
import { SITE } from '../wire/ceilings.ts';
import type { Fence, Holding } from '../wire/site.ts';
import { keyOf } from './held.ts';

export interface Part {
  readonly fence: Fence;
  readonly tasks: Iterable<number>;
}

/** A row a lease, each task once. */
export function holdingOf(parts: Iterable<Part>): Holding[] {
  const rows = new Map<string, { fence: Fence; tasks: Set<number> }>();
  for (const { fence, tasks } of parts) {
    const row = rows.get(keyOf(fence)) ?? { fence, tasks: new Set() };
    rows.set(keyOf(fence), row);
    for (const task of tasks) row.tasks.add(task);
  }
  const whole = [...rows.values()].filter(({ tasks }) => tasks.size > 0);
  return whole.slice(0, SITE.leasesHeld.max).map(({ fence, tasks }): Holding => [fence, [...tasks]]);
}

/** What of a list is not in another. */
export function goneFrom(named: readonly Holding[], now: readonly Holding[]): Holding[] {
  const has = new Map(now.map(([fence, tasks]) => [keyOf(fence), new Set(tasks)]));
  return named.flatMap(([fence, tasks]) => {
    const gone = tasks.filter((task) => !has.get(keyOf(fence))?.has(task));
    return gone.length > 0 ? [[fence, gone] as Holding] : [];
  });
}
