// What belief costs, told before a job begins: how many runs it takes, and why. Pure; what comes of it is what the simulator measures.
import type { Confidence } from '../wire/api.ts';
import { BELIEF, checksFor, needOf, wrongAlone } from './trust.ts';

/** Runs that disputes and liars cost beside the checks, as a share of the tasks: measured with a tenth of liars. */
const DISPUTES = 0.02;

export interface Costing {
  readonly tasks: number;
  readonly confidence: Confidence;
  readonly wait: boolean;
  readonly deterministic: boolean;
  /** Hosts that are connected, by how far they are believed. */
  readonly trusted: number;
  readonly known: number;
  readonly anonymous: number;
  /** Checks that a known host has passed over its life, on average. */
  readonly checksEver: number;
}

export interface Cost {
  /** Delivered runs. */
  readonly runs: number;
  /** In words: what they come from, or what cannot be had. */
  readonly why: string;
}

/** How many runs a job takes on average. */
export function costOf(costing: Costing): Cost {
  const { tasks, confidence, wait, deterministic, trusted, known, anonymous } = costing;
  const strangers = known + anonymous;
  const isForTrusted = confidence === 'trusted' || !deterministic;
  if (isForTrusted || strangers === 0) {
    const only = isForTrusted
      ? 'trusted hosts alone run this job, each task once'
      : 'only trusted hosts are connected: each task runs once';
    return { runs: tasks, why: trusted > 0 ? only : 'no trusted host is connected, and this job needs one' };
  }
  const each = wait ? heldRuns(costing) : runsAtOnce(costing);
  const share = strangers / (strangers + trusted);
  const runs = Math.ceil(tasks * (1 + share * (each - 1)));
  const when = wait ? 'results are held until the job ends' : 'results are believed at once';
  const more = `${Math.round((runs / Math.max(1, tasks) - 1) * 100)} % of the tasks run once more`;
  const owners =
    known + trusted < 2 ? '; a second owner or a trusted host has to come before anything can be compared' : '';
  return { runs, why: `${when}, and at confidence ${confidence} about ${more}${owners}` };
}

/** Runs of a task when liars that are found later lose what is held of them: a check tells of two hosts, an anonymous one of one. */
function heldRuns({ tasks, confidence, known, anonymous, checksEver }: Costing): number {
  const perHost = tasks / (known + anonymous);
  const grown = Math.max(BELIEF.checks * Math.sqrt(perHost), BELIEF.checksShare * perHost, BELIEF.probation);
  const due = Math.min(perHost, Math.max(grown, checksFor(needOf(confidence)) - checksEver / 2));
  const shareAnonymous = anonymous / (known + anonymous);
  const checked = due / Math.max(perHost, 1e-9);
  const extra = shareAnonymous + Math.max(0, checked - shareAnonymous) / 2;
  const pairs = checked >= 1 ? 1 + thirds(needOf(confidence), checksEver / 2 + 2 * perHost) : extra;
  return 1 + Math.max(extra, pairs) + DISPUTES;
}

/** Owners beyond two that have to agree. */
function thirds(need: number, checks: number): number {
  return Math.max(0, ownersFor(need, checks) - 2);
}

/** Runs of a task that is believed as soon as its answer is sure enough. */
function runsAtOnce({ confidence, anonymous, known, checksEver }: Costing): number {
  const owners = ownersFor(needOf(confidence), checksEver);
  return Math.max(owners, 1 + anonymous / (known + anonymous)) + DISPUTES;
}

/** How many owners have to agree, each with so many checks passed. */
function ownersFor(need: number, checks: number): number {
  let owners = 1;
  for (let wrong = wrongAlone(checks); wrong > need && owners < BELIEF.runsMax; wrong *= BELIEF.coalition) owners += 1;
  return owners;
}
