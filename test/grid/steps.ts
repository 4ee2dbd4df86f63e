// Steppers of a simulated grid: what machines claim of a task's intervals, and what they say of one that they run again.
import type { Question } from '../../host/coordinator/exams.ts';
import { answerIn, type Claim } from '../../host/coordinator/intervals.ts';
import { answerOf } from '../../host/coordinator/trust.ts';
import type { Mark } from '../../host/wire/ledger.ts';
import { RIGHT, TWICE } from './fleet.ts';

/** Fuel of an interval. */
const FUEL = 1;

/** How many intervals a task has, and in which of them whoever lies about it is wrong. */
export interface Parts {
  readonly parts: number;
  readonly wrongAt: number;
}

/**
 * The claim behind an answer. A liar does all the work, and is wrong in one interval alone: from its wrong state it goes on as the kernel
 * would, so that only whoever runs this one again finds it. Who claims too much fuel claims it there.
 */
export function claimOf(answer: string, { parts, wrongAt }: Parts): Claim {
  const isWrong = (place: number) => answer !== RIGHT && place >= wrongAt;
  const stateAt = (place: number) => (isWrong(place) && answer !== TWICE ? answer : RIGHT);
  const fuelAt = (place: number) => FUEL * (place + 1 + (isWrong(place) && answer === TWICE ? parts : 0));
  const marks = Array.from({ length: parts - 1 }, (_, place): Mark => {
    const state = `${stateAt(place)} at ${place}`;
    return [place + 1, fuelAt(place), state, state];
  });
  return { rewriter: 1, marks, output: stateAt(parts - 1), fuel: fuelAt(parts - 1) };
}

/** The claim of everybody who is right: one for all tasks, since claims are compared within a task. */
export function rightClaim(parts: number): Claim {
  return claimOf(RIGHT, { parts, wrongAt: parts });
}

/** Share of the task that a question is about. */
export function shareOf({ from, to }: Question, parts: number): number {
  return ((to?.[0] ?? parts) - (from?.[0] ?? 0)) / parts;
}

/** What an honest machine says of a stretch: it goes on from the state that it is given, be that right or wrong. */
export function honestAnswer({ from, to }: Question, parts: number): string {
  const state = from?.[2].replace(/ at \d+$/, '') ?? RIGHT;
  const output = to === null ? state : `${state} at ${to[0] - 1}`;
  return answerOf({ output, fuel: FUEL * ((to?.[0] ?? parts) - (from?.[0] ?? 0)) });
}

/**
 * What a machine says of a stretch, `lie` being what its coalition has said of the task. A part is always compared with a claim, so nobody
 * lies about one, but to confirm what his own have claimed.
 */
export function auditAnswer(question: Question, { parts, wrongAt }: Parts, lie: string | undefined): string {
  const confirmed =
    lie === undefined || lie === RIGHT ? undefined : answerIn(claimOf(lie, { parts, wrongAt }), question);
  return confirmed ?? honestAnswer(question, parts);
}
