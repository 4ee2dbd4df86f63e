// A job's open work as ranges: a million tasks are one range, and nothing is kept for a single one. Pure: lists go in and new lists come out.
// First come tasks that nobody has run, by their place, then runs that check others, in the order in which they were asked for.
import type { Range, Take } from './contracts.ts';

/** The list without what was taken from it. Takes are of this list, each of another range. */
export function take(open: readonly Range[], takes: readonly Take[]): readonly Range[] {
  const left = [...open];
  for (const part of [...takes].sort((a, b) => b.range - a.range)) {
    const range = left[part.range];
    if (!range || part.from < range.from || part.to > range.to) throw new RangeError('a take is not of this list');
    left.splice(part.range, 1, ...without(range, part.from, part.to));
  }
  return left;
}

/** The list with tasks that need a run again. Neighbours that the same owners may run become one range. */
export function reopen(open: readonly Range[], range: Range): readonly Range[] {
  if (range.from >= range.to) return open;
  const at = range.check ? open.length : placeOf(open, range.from);
  const before = open[at - 1];
  const after = open[at];
  const joinsBefore = before !== undefined && before.to === range.from && alike(before, range);
  const joinsAfter = after !== undefined && range.to === after.from && alike(after, range);
  const joined = {
    ...range,
    from: joinsBefore ? before.from : range.from,
    to: joinsAfter ? after.to : range.to,
  };
  return open.toSpliced(at - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), joined);
}

/** The list without the tasks `[from, to)`: nobody needs them any more. */
export function drop(open: readonly Range[], from: number, to: number): readonly Range[] {
  return open.flatMap((range) => (range.to <= from || range.from >= to ? [range] : without(range, from, to)));
}

/** How many runs the list asks for, or at least `enough`: lists may be long. */
export function runsOpen(open: readonly Range[], enough = Number.MAX_SAFE_INTEGER): number {
  let sum = 0;
  for (const range of open) {
    sum += range.to - range.from;
    if (sum >= enough) break;
  }
  return sum;
}

function without(range: Range, from: number, to: number): Range[] {
  const parts = [
    { ...range, to: Math.max(range.from, from) },
    { ...range, from: Math.min(range.to, to) },
  ];
  return parts.filter((part) => part.from < part.to);
}

/** Where a range that nobody has run belongs. */
function placeOf(open: readonly Range[], from: number): number {
  let low = 0;
  let high = open.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = open[middle];
    if (range && !range.check && range.from < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function alike(a: Range, b: Range): boolean {
  if (a.check !== b.check || a.trusted !== b.trusted || a.audit !== b.audit || a.not.length !== b.not.length)
    return false;
  return a.not.every((owner) => b.not.includes(owner));
}
