// Where a job has a crowd of hosts, which of them do it: few with many tasks where it needs a high confidence, and little of it those whom
// nobody answers for. Pure.
import { isSite } from './belief.ts';
import type { HostView, JobView } from './contracts.ts';
import { runsOpen } from './open.ts';
import { BELIEF, checksCounted, checksFor, needOf } from './trust.ts';

/** A job is never left to hosts of fewer owners: whoever has run a task, there are others to run it again. */
export const OWNERS_MIN = 20;
/** Nor to fewer than this share of the hosts, so that it does not take much longer than it saves runs. */
const HOSTS_SHARE = 1 / 4;
/** What is open is taken to need so many runs, checks and all. */
const RUNS = 2;

/** Hosts that are connected, do not rest, could run a job, and that somebody answers for. */
export interface Crowd {
  readonly hosts: number;
  readonly owners: number;
  /** The same of those that are at it: they have tasks of it on lease, or have delivered some. */
  readonly atIt: number;
  readonly ownersAtIt: number;
  /** Fuel a second of those together. */
  readonly fuelPerSecond: number;
}

export interface Company {
  /** In ms since 1970. */
  readonly now: number;
  /** Asked only where it matters, since all hosts are looked at. */
  readonly crowd: (job: JobView) => Crowd;
}

/** Why a host that could run a job leaves it to others, in words that follow "the host"; undefined where it may have some of it. */
export function leavesTo(job: JobView, host: HostView, { now, crowd }: Company): string | undefined {
  const standing = host.standing(job.id);
  if (standing.kind === 'trusted' || isSite(host.owner)) return undefined;
  if (standing.kind === 'anonymous') {
    if (job.anonymous < BELIEF.anonymous || crowd(job).owners < OWNERS_MIN) return undefined;
    return 'is one that nobody answers for, all of whose results others have to run again: while those others are there, it gets little of this job';
  }
  const checks = checksFor(needOf(job.confidence));
  const isNew = standing.results === 0 && checksCounted(standing) < checks;
  if (!isNew || checks <= BELIEF.probationLate) return undefined;
  const there = crowd(job);
  const isFull = there.ownersAtIt >= OWNERS_MIN && there.atIt >= seatsOf(job, there.hosts);
  if (!isFull || !isInTime(job, there, now)) return undefined;
  return `is new to this job, whose confidence of ${job.confidence} takes hosts that are checked often: ${there.atIt} that are at it go on, and others come when it is late or those go`;
}

/**
 * The hosts that a job is done by. Checks that a confidence takes are no more than those that a host passes in any case where it has enough
 * tasks; where hosts cannot have so many, one of each two that agree is to have passed what a pair takes. Infinity where few hosts save nothing.
 */
export function seatsOf({ confidence, tasks }: Pick<JobView, 'confidence' | 'tasks'>, hosts: number): number {
  const need = needOf(confidence);
  const fewest = Math.max(OWNERS_MIN, HOSTS_SHARE * hosts);
  const alone = checksFor(need);
  if (alone <= BELIEF.probationLate) return Number.POSITIVE_INFINITY;
  if (tasks >= RUNS * alone * fewest) return Math.max(fewest, tasks / resultsFor(alone));
  const pair = checksFor(need / BELIEF.coalition);
  return pair > 0 && tasks >= pair * fewest ? Math.max(fewest, tasks / pair) : Number.POSITIVE_INFINITY;
}

/** Results of which so many are checked however low the confidence: see `checksDue`. */
const resultsFor = (checks: number): number => Math.min((checks / BELIEF.checks) ** 2, checks / BELIEF.checksShare);

/** Whether those that are at it will be done before the deadline, as far as that can be told. */
function isInTime({ deadline, fuelPerTask, open }: JobView, { fuelPerSecond }: Crowd, now: number): boolean {
  if (deadline === null) return true;
  if (fuelPerTask === null) return false;
  return RUNS * runsOpen(open) * fuelPerTask <= (fuelPerSecond * (deadline - now)) / 1_000;
}
