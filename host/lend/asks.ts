// How many tasks a host asks for: enough that no thread waits for the site, and no more, so that others get some of them, too. Pure.
import { SITE } from '../wire/ceilings.ts';

/** Work that is asked for at a time, in ms of all threads together: a hundred round trips to a site that is far away. */
const BATCH_MS = 500;

/** Requests under way at a time: while one is answered, the tasks of another are worked off. */
export const PULLS_MAX = 2;

export interface Demand {
  readonly threads: number;
  /** Tasks that it has and that have not ended. */
  readonly held: number;
  /** Tasks that were asked for and have not come, and in how many requests. */
  readonly asked: number;
  readonly pulls: number;
  /** Mean ms of a task; null before the first. */
  readonly taskMs: number | null;
}

/** Tasks in a batch: as many as all threads do in half a second, a task a thread at least. */
export function batchOf({ threads, taskMs }: Pick<Demand, 'threads' | 'taskMs'>): number {
  const most = Math.max(threads, SITE.batchTasks.default);
  // Nobody knows yet whether a task takes a microsecond or a day: too few cost one round trip, too many keep others waiting.
  if (taskMs === null) return Math.min(most, 2 * threads);
  return Math.min(most, Math.max(threads, Math.round((threads * BATCH_MS) / Math.max(taskMs, 0.001))));
}

/** How many to ask for now; 0 for none. There are two batches at a time, one under way and one behind it. */
export function slotsToAsk(demand: Demand): number {
  if (demand.pulls >= PULLS_MAX) return 0;
  const batch = batchOf(demand);
  const free = 2 * batch - demand.held - demand.asked;
  return free * 2 >= batch ? Math.min(free, batch, SITE.batchTasks.max) : 0;
}
