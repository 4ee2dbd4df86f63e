// What hosts claim of a stepper's task from mark to mark, and where two claims part: the steps between two marks are the least that can be
// run again. Pure.
import type { Digest } from '../../runtime/base/platform.ts';
import type { Interval, Mark } from '../wire/ledger.ts';
import type { Audit } from '../wire/site.ts';
import { answerOf } from './trust.ts';

/** A result with its marks. Only claims under one version of the rewriter can be compared, and run again by it. */
export interface Claim {
  readonly rewriter: number;
  readonly marks: readonly Mark[];
  /** Of the whole task. */
  readonly output: Digest;
  readonly fuel: number;
  /** Whose word each interval is, where a task went from host to host. */
  readonly makers?: readonly string[];
}

/** Steps between two marks, the beginning, which is no mark, or the end. */
export interface Stretch {
  readonly from: Mark | null;
  readonly to: Mark | null;
}

/** In how many intervals a result can be checked: as a whole, where it comes without a claim. */
export const partsOf = (claim: Claim | undefined): number => (claim?.marks.length ?? 0) + 1;

/** One of them, by its place. */
export const stretchOf = ({ marks }: Claim, place: number): Stretch => ({
  from: marks[place - 1] ?? null,
  to: marks[place] ?? null,
});

/** The place of a stretch, where it is one of the claim's intervals. */
export function placeOf(claim: Claim, { from, to }: Stretch): number | undefined {
  const place = to === null ? claim.marks.length : claim.marks.findIndex(([step]) => step === to[0]);
  return place >= 0 && (claim.marks[place - 1]?.[0] ?? 0) === (from?.[0] ?? 0) ? place : undefined;
}

/** What a claim says comes of a stretch, in the form of an answer. Undefined where it says nothing of it. */
export function answerIn(claim: Claim, { from, to }: Stretch): string | undefined {
  const has = (mark: Mark | null) => mark === null || claim.marks.some((own) => own[0] === mark[0]);
  if (!has(from) || !has(to)) return undefined;
  const at = (mark: Mark) => claim.marks.find((own) => own[0] === mark[0]) as Mark;
  const before = from === null ? 0 : at(from)[1];
  const [fuel, output] = to === null ? [claim.fuel, claim.output] : [at(to)[1], at(to)[2]];
  return answerOf({ output, fuel: fuel - before });
}

/** The first stretch in which two claims part: both say the same of where it begins. Undefined where it would be the whole task. */
export function firstDifference(one: Claim, other: Claim): Stretch | undefined {
  if (one.rewriter !== other.rewriter) return undefined;
  const others = new Map(other.marks.map((mark) => [mark[0], mark]));
  let from: Mark | null = null;
  for (const mark of one.marks) {
    const [step, fuel, state] = mark;
    const match = others.get(step);
    if (!match) continue;
    if (match[1] !== fuel || match[2] !== state) return { from, to: mark };
    from = mark;
  }
  return from === null ? undefined : { from, to: null };
}

/** The intervals of a claim in the order in which they are checked, which nobody can foresee. */
export function drawnOrder(task: number, parts: number, draw: (task: number, nth: number) => number): number[] {
  // Draws of the number of a run are for whether it is checked, and -1 for the end of the job.
  const at = Array.from({ length: parts }, (_, place) => draw(task, -2 - place));
  return Array.from(at.keys()).sort((a, b) => (at[a] as number) - (at[b] as number) || a - b);
}

export const intervalOf = ({ from, to }: Stretch): Interval => [from?.[0] ?? 0, to?.[0] ?? null];

export const auditOf = ({ from, to }: Stretch): Audit => ({
  from: from && { step: from[0], state: from[2], image: from[3] },
  to: to?.[0] ?? null,
});

/** Throws a RangeError for marks that no run has. */
export function checkMarks(marks: readonly Mark[], total: number | null): void {
  let [before, spent] = [0, 0];
  for (const [step, fuel] of marks) {
    if (step <= before || fuel < spent || fuel > (total ?? fuel)) throw new RangeError('marks go back');
    [before, spent] = [step, fuel];
  }
}
