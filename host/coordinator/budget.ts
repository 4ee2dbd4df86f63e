// How many tasks more may be begun before their fuel is over a budget or a quota: what is under way counts as if it were spent. Pure.
import type { Range } from './contracts.ts';

export interface Purse {
  /** Fuel that may be spent, and that was: what is believed. */
  readonly most: number;
  readonly spent: number;
  /** What the tasks that are under way are taken to cost. */
  readonly reserved: number;
}

/** A job, as far as its fuel goes. */
export interface Spending {
  /** Of tasks whose results are believed, all their runs together, and how many tasks these are. */
  readonly fuel: number;
  readonly believed: number;
  /** Tasks that were begun, and of which no result is believed. */
  readonly begun: number;
  /** What a task may take at most. */
  readonly ceiling: number;
}

/** What a task is taken to cost: the mean of those that are believed, and before the first as much as it may take. Claims change nothing. */
export function costOfTask({ fuel, believed, ceiling }: Spending): number {
  return believed === 0 ? ceiling : Math.max(1, fuel / believed);
}

export const reservedFor = (spending: Spending): number => spending.begun * costOfTask(spending);

/**
 * How many tasks may be begun. Where a task alone is over what is left, it is begun with nothing else under way: so all that is spent is
 * over the most by no more than one task, and by what tasks cost beyond what they were taken to cost.
 */
export function mayBegin({ most, spent, reserved }: Purse, each: number): number {
  if (spent >= most) return 0;
  const room = Math.floor((most - spent - reserved) / each);
  return Math.max(room, reserved === 0 ? 1 : 0);
}

export interface Within {
  readonly open: readonly Range[];
  /** Of each range its place in the list that it comes from. */
  readonly places: readonly number[];
}

/** What is open, with so many tasks at most that nobody has run. Checks are of tasks that were begun, and stay. */
export function within(open: readonly Range[], tasks: number): Within {
  const found: Range[] = [];
  const places: number[] = [];
  let left = tasks;
  for (const [place, range] of open.entries()) {
    const to = range.check ? range.to : Math.min(range.to, range.from + left);
    if (!range.check) left -= Math.max(0, to - range.from);
    if (to <= range.from) continue;
    found.push(to === range.to ? range : { ...range, to });
    places.push(place);
  }
  return { open: found, places };
}
