// Who gets what: which job a host with free slots is given tasks of, and which ones. Pure: facts go in, a plan comes out.
import type { HostView, JobView, Range, Take } from './contracts.ts';
import { type Crowd, leavesTo } from './crowd.ts';
import { refusal } from './fits.ts';
import { runsOpen } from './open.ts';
import { TRUST, type Trust } from './trust.ts';

/** What a batch is to take its host, at most: so much is lost when it goes, and others wait for it at the end of a job. */
const BATCH_SECONDS = 10;
/** Tasks a thread of the first batches, while nobody knows how long they take. */
const FIRST_BATCH = 4;
/** With more ranges than this, checks go first: each dispute or check is a range of its own, and lists are to stay short. */
const RANGES_MANY = 1_000;
/** Accounts count as equal if what they used differs by less than this share of what the greediest used. */
const SHARE_STEP = 1 / 8;

export interface Moment {
  /** In ms since 1970. */
  readonly now: number;
  /** Fuel that an account used lately, what is leased included. */
  readonly used: (account: string) => number;
  /** Hosts that are connected: near its end a job is spread over them. */
  readonly hosts: number;
  /** The site's own, unless a simulation tries another one. */
  readonly trust?: Trust;
  /** Hosts that are connected and do not rest. */
  readonly awake?: () => Iterable<HostView>;
  readonly crowd: (job: JobView) => Crowd;
}

/** Up to `slots` tasks of one job, the best one that the host may work for; none if there is nothing for it. Changes nothing. */
export function schedule(jobs: readonly JobView[], host: HostView, slots: number, moment: Moment): readonly Take[] {
  if (slots <= 0) return [];
  const candidates = jobs.filter((job) => job.open.length > 0 && against(job, host, moment) === undefined);
  for (const job of ordered(candidates, host, moment)) {
    const takes = pick(job, host, batchOf(job, host, slots, moment), moment);
    if (takes.length > 0) return takes;
  }
  return [];
}

/** Why a host is given nothing of a job, in words that follow "the host"; undefined where it may have what is open. */
export function against(job: JobView, host: HostView, moment: Pick<Moment, 'now' | 'crowd'>): string | undefined {
  return refusal(job, host, moment.now) ?? leavesTo(job, host, moment);
}

/** What says when a host that waits is served. */
interface Waiting {
  /** Whether it has tasks on lease already, and asks for more ahead of time. */
  readonly busy: boolean;
  readonly fuelPerSecond: number;
}

/**
 * Hosts that wait, in the order in which they are served: those that have nothing to do, and of these the fastest, so that where there is not
 * enough for all, as at the end of a job and before a deadline, the last tasks are with those who are done with them soonest. Of two about
 * as fast the one that came first: what each says of its speed differs from time to time.
 */
export function inTurn<T>(waiting: Iterable<T>, factsOf: (each: T) => Waiting): T[] {
  const speedOf = (fuelPerSecond: number) => Math.floor(Math.log2(Math.max(1, fuelPerSecond)));
  return [...waiting]
    .map((each) => {
      const { busy, fuelPerSecond } = factsOf(each);
      return { each, busy: Number(busy), speed: speedOf(fuelPerSecond) };
    })
    .sort((a, b) => a.busy - b.busy || b.speed - a.speed)
    .map(({ each }) => each);
}

/** Jobs with the best one first: the account that had least, priority, deadline, what the host holds, and the one that waits longest. */
export function ordered(jobs: readonly JobView[], host: HostView, moment: Moment): readonly JobView[] {
  if (jobs.length < 2) return jobs;
  const most = Math.max(...jobs.map((job) => moment.used(job.account)), 1);
  const ranks = new Map(
    jobs.map((job) => [
      job,
      [
        Math.floor(moment.used(job.account) / most / SHARE_STEP),
        -job.priority,
        job.deadline ?? Number.MAX_VALUE,
        -heldOf(job, host),
        job.submitted,
      ],
    ]),
  );
  return jobs.toSorted((a, b) => compare(ranks.get(a) ?? [], ranks.get(b) ?? []) || (a.id < b.id ? -1 : 1));
}

/** The share of kernel and blobs that a host need not fetch. */
function heldOf(job: JobView, host: HostView): number {
  const all = [job.kernel, ...job.blobs];
  return all.filter((digest) => host.holds.has(digest)).length / all.length;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** How many tasks at once: what fills the slots, does not take too long, and leaves some for the others. */
export function batchOf(job: JobView, host: HostView, slots: number, moment: Moment): number {
  const { threads, fuelPerSecond } = host.attributes;
  const known = job.fuelPerTask !== null && job.fuelPerTask > 0 && fuelPerSecond > 0;
  const perThread = known ? (BATCH_SECONDS * fuelPerSecond) / (job.fuelPerTask ?? 1) : FIRST_BATCH;
  const hosts = Math.max(1, moment.hosts);
  const fair = Math.ceil(runsOpen(job.open, slots * hosts) / hosts);
  return Math.max(1, Math.min(slots, Math.floor(perThread * Math.max(1, threads)), fair));
}

/** Tasks of a job for a host: checks first for those that are to be checked themselves, otherwise tasks that nobody has run. */
function pick(job: JobView, host: HostView, count: number, moment: Moment): readonly Take[] {
  const { trust = TRUST } = moment;
  const standing = host.standing(job.id);
  const isFor = auditors(job, host, moment);
  const prefersChecks = job.open.length > RANGES_MANY || trust.prefersChecks(standing, job);
  const first = standing.kind === 'trusted' ? isForTrusted : prefersChecks ? isCheck : isFresh;
  const takes: Take[] = [];
  let left = count;
  for (const pass of [first, (range: Range) => !first(range)]) {
    for (let at = 0; at < job.open.length && left > 0; at += 1) {
      const range = job.open[at];
      if (!range || !pass(range) || range.not.includes(host.owner)) continue;
      if (range.audit === undefined ? range.trusted && standing.kind !== 'trusted' : !isFor(range)) continue;
      const to = Math.min(range.to, range.from + left);
      takes.push({ job: job.id, range: at, from: range.from, to });
      left -= to - range.from;
    }
  }
  return takes;
}

/** Whether a host can run single intervals of a job's results again, under a version of the rewriter. */
export function canAudit({ attributes, standing }: HostView, job: string, rewriter: number): boolean {
  return attributes.audits === true && attributes.rewriter === rewriter && standing(job).kind !== 'anonymous';
}

/**
 * Who is given an interval that is to be run again: trusted hosts where it needs them and one is there, otherwise whoever can; and where
 * nobody can, whoever may run the whole.
 */
function auditors(job: JobView, host: HostView, { awake = () => [], now }: Moment): (range: Range) => boolean {
  let others: readonly HostView[] | undefined;
  const isTrusted = ({ standing }: HostView) => standing(job.id).kind === 'trusted';
  return (range) => {
    others ??= [...awake()].filter((each) => refusal(job, each, now) === undefined);
    const can = (each: HostView) => canAudit(each, job.id, range.audit as number) && !range.not.includes(each.owner);
    const able = others.filter(can);
    if (able.length === 0) return true;
    return can(host) && (!range.trusted || isTrusted(host) || !able.some(isTrusted));
  };
}

const isForTrusted = (range: Range): boolean => range.trusted;
const isCheck = (range: Range): boolean => range.check;
const isFresh = (range: Range): boolean => !range.check;
