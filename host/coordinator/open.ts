// Stand-in until the branch with the decisions is merged: ranges without those that were taken, and with those that are open again.
import type { Range, Take } from './contracts.ts';
export function takeOpen(open: readonly Range[], takes: readonly Take[]): readonly Range[] {
  const out = open.slice();
  for (const take of [...takes].sort((a, b) => b.range - a.range)) {
    const range = out[take.range] as Range;
    const rest = [];
    if (take.from > range.from) rest.push({ ...range, to: take.from });
    if (take.to < range.to) rest.push({ ...range, from: take.to });
    out.splice(take.range, 1, ...rest);
  }
  return out;
}
export function reopenRange(open: readonly Range[], range: Range): readonly Range[] {
  return [...open, range];
}
