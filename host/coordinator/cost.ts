// What belief costs, told before a job begins: how many runs it takes, and why. Pure; what comes of it is what the simulator measures.
import type { Confidence } from '../wire/api.ts';
import type { Standing } from './contracts.ts';
import { OWNERS_MIN, seatsOf } from './crowd.ts';
import { BELIEF, checksDue, intervalsDue, needOf, type Terms, wrongAlone } from './trust.ts';

/** Runs that disputes and liars cost beside the checks, as a share of the tasks: measured with a tenth of liars. */
const DISPUTES = 0.02;

/** Results of a host that are followed one by one: by then the share that is checked hardly changes any more. */
const FOLLOWED_MAX = 1_000;
const DRAWS = 8;

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
  /** In how many parts a result can be checked, on average: more than one for steppers with marks. */
  readonly parts: number;
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
    const none = isForTrusted ? 'no trusted host is connected, and this job needs one' : 'no host is connected';
    return { runs: tasks, why: trusted > 0 ? only : none };
  }
  const parts = Math.round(costing.parts);
  const each = parts > 1 ? runsInParts(costing, parts) : wait ? heldRuns(costing) : runsAtOnce(costing);
  const share = strangers / (strangers + trusted);
  const runs = Math.ceil(tasks * (1 + share * (each - 1)));
  const when = wait ? 'results are held until the job ends' : 'results are believed at once';
  const what = parts > 1 ? 'of the work is done' : 'of the tasks run';
  const more = `${Math.round((runs / Math.max(1, tasks) - 1) * 100)} % ${what} once more`;
  const owners =
    known + trusted < 2 ? '; a second owner or a trusted host has to come before anything can be compared' : '';
  return { runs, why: `${when}, and at confidence ${confidence} about ${more}${owners}` };
}

/** Runs of a task when liars that are found later lose what is held of them: a check tells of two hosts, an anonymous one of one. */
function heldRuns(costing: Costing): number {
  const { confidence, checksEver } = costing;
  const host = hostOf(costing);
  const due = Math.max(checksDue(host, { confidence, progress: 1 }), Math.min(BELIEF.probation, host.results));
  const shareAnonymous = anonymousIn(costing);
  const checked = due / Math.max(host.results, 1e-9);
  const extra = shareAnonymous + Math.max(0, checked - shareAnonymous) / 2;
  const pairs = checked >= 1 ? 1 + thirds(needOf(confidence), checksEver / 2 + 2 * host.results) : extra;
  return 1 + Math.max(extra + DISPUTES, pairs + DISPUTES, BELIEF.overhead);
}

/** A known host with its share of the tasks, and no check in this job. */
function hostOf({ tasks, confidence, known, anonymous, checksEver }: Costing): Standing {
  const results = tasks / Math.min(known + anonymous, seatsOf({ confidence, tasks }, known));
  return { kind: 'known', checks: 0, checksEver, results, late: false, banned: false };
}

/** Share of the runs that hosts do whom nobody answers for: little where there are many others. */
function anonymousIn({ known, anonymous }: Costing): number {
  const share = anonymous / (known + anonymous);
  return known < OWNERS_MIN ? share : Math.min(share, BELIEF.anonymous);
}

/** Owners beyond two that have to agree. */
function thirds(need: number, checks: number): number {
  return Math.max(0, ownersFor(need, checks) - 2);
}

/** Runs of a task that is believed as soon as its answer is sure enough. */
function runsAtOnce(costing: Costing): number {
  const owners = ownersFor(needOf(costing.confidence), costing.checksEver);
  return Math.max(owners, 1 + anonymousIn(costing)) + DISPUTES;
}

/**
 * Runs of a task whose parts can be run again: a known host is followed through its results, and each part that is run again tells of
 * it. Anonymous hosts run no parts, and their own results are checked by whole runs.
 */
function runsInParts(costing: Costing, parts: number): number {
  const { confidence, wait, trusted } = costing;
  const host = hostOf(costing);
  const followed = Math.min(Math.ceil(host.results), FOLLOWED_MAX);
  const asked = { confidence, wait, deterministic: true, trustedHosts: trusted > 0, closing: false };
  let [checks, again] = [0, 0];
  for (let results = 1; results <= followed; results++) {
    const checksEver = host.checksEver + checks;
    const standing = { ...host, results, intervals: results * parts, checks, checksEver };
    const share = shareAgain(standing, parts, { ...asked, progress: Math.min(1, results / host.results) });
    checks += share;
    again += share;
  }
  const shareAnonymous = anonymousIn(costing);
  // A dispute is halved until one part of the work is left, and that is run again.
  const disputes = (DISPUTES * (1 + Math.log2(parts))) / parts;
  const extra = shareAnonymous + (1 - shareAnonymous) * (again / Math.max(1, followed)) + disputes;
  return 1 + Math.max(extra, wait ? BELIEF.overhead : 0);
}

/** The share of a result that is run again, as a mean over what may be drawn: all of it where more than half of its parts are due. */
function shareAgain(standing: Standing, parts: number, terms: Terms): number {
  let sum = 0;
  for (let at = 0; at < DRAWS; at++) {
    const due = intervalsDue({ standing, seen: 0, parts }, terms, (at + 1 / 2) / DRAWS);
    sum += 2 * due > parts ? 1 : due / parts;
  }
  return sum / DRAWS;
}

/** How many owners have to agree, each with so many checks passed. */
function ownersFor(need: number, checks: number): number {
  let owners = 1;
  for (let wrong = wrongAlone(checks); wrong > need && owners < BELIEF.runsMax; wrong *= BELIEF.coalition) owners += 1;
  return owners;
}
