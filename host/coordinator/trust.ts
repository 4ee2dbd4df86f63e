// How far results are believed: pure formulas, and the one decision that follows from a task's runs. Draws come in as arguments.
// What the rules catch and what they let through is simulated in test/grid.
import type { Confidence } from '../wire/api.ts';
import type { Examined, Run, Standing, Verdict } from './contracts.ts';

/** The policy's numbers. Each was chosen by the simulator; what it costs to change one is what `npm run simulate` prints. */
export const BELIEF = {
  /** Share of hosts that lie now and then, as it is believed before anything is known of one. */
  liars: 0.05,
  /** The same of those on the longer probation, where checks at a job's end go first to whom they are most likely to find. */
  liarsLate: 0.5,
  /** Decades over which the rate of a liar's lies is spread evenly (on a log scale), as a natural logarithm: from 1 in 10,000 to all. */
  rates: Math.log(10_000),
  /** Share of hosts that may be of one mind. */
  coalition: 0.01,
  /** Checks that a host has passed after n results of a job: at least this times the square root of n. */
  checks: 1.2,
  /** And at least this share of them, which is more where a host does much of a job. */
  checksShare: 0.035,
  /** What checks may cost in all, as a share of a run of every task: what they did not by the job's end is spent on more of them. */
  overhead: 0.096,
  /** Until it has passed so many, every result of a host is checked. */
  probation: 2,
  /** The same for a host that came after the job, or is a stranger among hosts of earlier ones: a liar that was found comes back under a new name. */
  probationLate: 10,
  /** With so many checks passed, a host is outvoted by a lead of two only. */
  established: 3,
  /** Share of a job's runs from which on those whom nobody answers for get no more of it while others are there: each run of theirs costs one more. */
  anonymous: 0.01,
  /** Share of agreed pairs that a trusted host runs again, if there is one: nothing else finds a coalition's pair. */
  audits: 0.01,
  /** Share of a stepper's result that is run again, in intervals that nobody can foresee, where all of its host is checked. */
  intervals: 0.25,
  /** Runs of one task after which only a trusted host can settle it. */
  runsMax: 8,
} as const;

/** What a job asks for. */
export interface Terms {
  readonly confidence: Confidence;
  /** Whether results may be held until the job's end. */
  readonly wait: boolean;
  readonly deterministic: boolean;
  /** Share of the job's tasks that have an answer. */
  readonly progress: number;
  /** Whether the site has a trusted host: without one, nothing is put aside for it that others can do. */
  readonly trustedHosts: boolean;
  /** Whether this is the end of the job: what is believed now stays. */
  readonly closing: boolean;
  /** Whether one wrong result spoils all, as in a merge: then nobody is believed alone who is not trusted. */
  readonly pairs?: boolean;
}

type Asked = Pick<Terms, 'confidence' | 'progress'>;

/** What decides about belief. The site has `TRUST`; the simulator puts others beside it. */
export interface Trust {
  /**
   * What to do with a task, from its runs in the order in which they were delivered. `draw` gives a number in [0, 1) that hosts cannot know,
   * the same whenever it is asked: it takes a digest, and most tasks need none.
   */
  judge(runs: readonly Run[], terms: Terms, draw: () => number): Verdict;
  /** Checks that a host is to have passed by now: those that are missing when the job ends are drawn from what is held of it. */
  checksDue(standing: Standing, terms: Asked): number;
  /** Whether a host is to be given tasks that others have run, before those that nobody has. */
  prefersChecks(standing: Standing, terms: Asked): boolean;
}

/** The probability that a result may be wrong with: 0 where only trusted hosts will do. */
export const needOf = (confidence: Confidence): number => (confidence === 'trusted' ? 0 : 1 - confidence);

/**
 * The probability that a host's result is wrong after it passed `checks` that it could not foresee: the mean over a lie rate x that is
 * spread evenly on a log scale, of x(1-x)^checks, times the odds that it is a liar. It holds for those who lie at a steady rate.
 */
export function wrongAlone(checks: number): number {
  return Math.min(BELIEF.liars, doubtOf({ late: false }) / (checks + 1));
}

/** The odds that a host is a liar, for each step of its rate by the factor e. */
export function doubtOf({ late }: Pick<Standing, 'late'>): number {
  const liars = late ? BELIEF.liarsLate : BELIEF.liars;
  return liars / (1 - liars) / BELIEF.rates;
}

/** Checks that it takes for `wrongAlone` to be at most `need`. */
export function checksFor(need: number): number {
  return need >= BELIEF.liars ? 0 : Math.max(0, Math.ceil(doubtOf({ late: false }) / need) - 1);
}

/** Checks that count: those of earlier jobs by half, since a host may have changed. */
export const checksCounted = (standing: Standing): number =>
  standing.checks + (standing.checksEver - standing.checks) / 2;

/**
 * The factor by which a result is less likely wrong when `seen` of its `parts` intervals were run again: a lie may be in one of them alone.
 * Whoever ran them may be of one mind with its host.
 */
const unseen = (seen: number, parts: number): number => Math.max(1 - seen / parts, BELIEF.coalition);

/** The probability that what a host says without another is wrong. */
function wrongOf(standing: Standing): number {
  if (standing.kind === 'trusted') return 0;
  return standing.kind === 'anonymous' ? BELIEF.liars : wrongAlone(checksCounted(standing));
}

/** The probability that the answer of agreeing runs by different owners is wrong: all but one would have to be of the first one's mind. */
export function wrongTogether(runs: readonly Run[]): number {
  const [first] = runs;
  if (runs.length === 1 && first?.examined)
    return first.examined.reduce((sum, { standing, seen, parts }) => sum + wrongOf(standing) * unseen(seen, parts), 0);
  let wrong = 1;
  for (const { standing, moved } of runs) {
    // What others had made of it before is not believed for its host's sake.
    if (moved) wrong = Math.min(wrong, BELIEF.liars);
    else if (!standing.banned) wrong = Math.min(wrong, wrongOf(standing));
  }
  return wrong * BELIEF.coalition ** (runs.length - 1);
}

/** Whether all that a host delivers is checked. */
export function onProbation(standing: Standing): boolean {
  if (standing.kind === 'trusted') return false;
  const passed = standing.late ? BELIEF.probationLate : BELIEF.probation;
  return standing.kind === 'anonymous' || standing.checksEver < passed;
}

/** See `Trust`. */
function prefersChecks(standing: Standing, terms: Asked): boolean {
  if (standing.kind === 'trusted') return false;
  const next = { ...standing, results: standing.results + 1 };
  return onProbation(standing) || standing.checks < checksDue(next, terms);
}

/** See `Trust`. The worst that liars of all rates can do under a fixed number of checks is least if they grow with the square root. */
export function checksDue(standing: Standing, { confidence }: Asked): number {
  if (standing.kind === 'trusted') return 0;
  const { results, intervals = results } = standing;
  const before = (standing.checksEver - standing.checks) / 2;
  // Results that are checked in parts are as many results as they have parts, each of that share.
  const grown = Math.max((BELIEF.checks * results) / Math.sqrt(intervals), BELIEF.checksShare * results);
  return Math.min(results, Math.max(grown, checksFor(needOf(confidence)) - before));
}

/**
 * The chance that a run that was just delivered is checked. A check tells of two hosts: of the one that ran first, and of the one that was
 * sent behind it. If r of the first runs are drawn, a share of s = 2r/(1+r) of all runs has been checked. What a confidence takes is spread
 * over what the host will have delivered when the job ends, if it goes on like this.
 */
export function checkRate(standing: Standing, { confidence, progress }: Asked): number {
  const { results, intervals = results } = standing;
  const falling = BELIEF.checks / (2 * Math.sqrt(Math.max(1, intervals)));
  const expected = Math.max(1, results / Math.max(progress, 1e-6));
  const share = Math.min(1, Math.max(falling, BELIEF.checksShare, checksFor(needOf(confidence)) / expected));
  return share / (2 - share);
}

/**
 * The same of whole runs. Who has passed more checks than are due, since it was sent behind others, is drawn half as often: not never, or
 * whoever can tell checks from first runs would be safe in those.
 */
function runRate(standing: Standing, terms: Asked): number {
  const isAhead = standing.checks > checksDue(standing, terms);
  return checkRate(standing, terms) / (isAhead ? 2 : 1);
}

/** See `Trust`. */
function judge(runs: readonly Run[], terms: Terms, draw: () => number): Verdict {
  const standing = runs.filter((run) => !run.standing.banned);
  if (standing.length === 0) return runs.length === 0 ? { do: 'run' } : { do: 'replicate', wrong: 1, trusted: false };
  const own = runs.find((run) => run.standing.kind === 'trusted');
  const best: Agreeing = own ? [own] : largest(standing);
  const others = runs.filter((run) => differ(run.answer, best[0].answer));
  if (own && others.length === 0) return { do: 'accept', answer: own.answer, wrong: 0 };
  if (others.length === 0)
    return judgeAgreed(runs.filter((run) => run.answer === best[0].answer) as unknown as Agreeing, terms, draw);
  const isOutvoted = own || outvoted(best, others, needOf(terms.confidence));
  if (isOutvoted && !isForTrusted(best, others, terms)) return { do: 'convict', hosts: others.map((run) => run.host) };
  return { do: 'replicate', wrong: 1, trusted: runs.length >= BELIEF.runsMax || Boolean(isOutvoted) };
}

/**
 * Whether a trusted host is to say who is wrong, where there is one: names of newcomers cost nothing, so two of one mind are no evidence
 * against a third.
 */
function isForTrusted(best: Agreeing, others: readonly Run[], { trustedHosts }: Terms): boolean {
  const isSure = best.some(({ standing }) => standing.kind === 'trusted' || isEstablished(standing));
  return trustedHosts && !isSure && others.some(({ standing }) => !standing.banned);
}

const isEstablished = ({ checksEver }: Standing): boolean => checksEver >= BELIEF.established;

/** All runs agree, or there is one. */
function judgeAgreed(runs: Agreeing, terms: Terms, draw: () => number): Verdict {
  const [first] = runs;
  const wrong = wrongTogether(runs);
  const enough = wrong <= needOf(terms.confidence);
  const accept = { do: 'accept', answer: first.answer, wrong } as const;
  const replicate = { do: 'replicate', wrong, trusted: runs.length >= BELIEF.runsMax } as const;
  if (!terms.deterministic || terms.confidence === 'trusted') return { ...replicate, trusted: true };
  if (runs.length === 1 && !first.examined) {
    if (terms.pairs || first.moved || onProbation(first.standing)) return replicate;
    if (!terms.closing && draw() < runRate(first.standing, terms)) return replicate;
  } else if (runs.length === 2 && terms.trustedHosts && draw() < BELIEF.audits) {
    return { ...replicate, trusted: true };
  }
  if (terms.wait && !terms.closing && (!enough || runs.length === 1)) return { do: 'hold', wrong };
  return enough ? accept : replicate;
}

/**
 * How many of a lone result's `parts` intervals are to have been run again, `seen` of them being so: on the average the share of runs that
 * would be checked, spread over all results, and what it takes to believe it where nothing is held any more. Over the half, a whole run
 * tells more for less; and so it does of a newcomer whom nothing can be taken back from. `draw` is in [0, 1), and unknown to hosts.
 * `share` is that of its host in all that may be wrong with the result, where it is not its alone.
 */
export function intervalsDue({ standing, seen, parts }: Examined, terms: Terms, draw: number, share = 1): number {
  if (standing.kind === 'trusted') return 0;
  if (standing.kind === 'anonymous') return parts;
  const isNew = onProbation(standing);
  if (isNew && !terms.wait) return parts;
  const rate = isNew ? BELIEF.intervals : checkRate(standing, terms);
  const drawn = Math.max(isNew ? 1 : 0, Math.floor(rate * parts + draw));
  if (terms.wait && !terms.closing) return drawn;
  const need = needOf(terms.confidence) * share;
  const wrong = (count: number) => wrongAlone(checksCounted(standing) + (count - seen) / parts) * unseen(count, parts);
  let least = seen;
  while (least < parts && wrong(least) > need) least += 1;
  return Math.max(terms.closing ? 0 : drawn, least);
}

/** What to do about one interval, from what its hosts say of it: the same as about a task, but that nothing is held, and who agrees is believed. */
export function weigh(sides: readonly Run[], terms: Terms): Verdict {
  const standing = sides.filter((side) => !side.standing.banned);
  const own = standing.find((side) => side.standing.kind === 'trusted');
  const best: Agreeing = own ? [own] : largest(standing);
  const others = standing.filter((side) => differ(side.answer, best[0].answer));
  if (others.length === 0)
    return standing.length > 1
      ? { do: 'accept', answer: best[0].answer, wrong: 0 }
      : { do: 'audit', trusted: false, disputed: false };
  if ((own || outvoted(best, others)) && !isForTrusted(best, others, terms))
    return { do: 'convict', hosts: others.map(({ host }) => host) };
  return { do: 'audit', trusted: terms.trustedHosts || sides.length >= BELIEF.runsMax, disputed: true };
}

/**
 * Whether the others have to be wrong: by a lead that a pair of a coalition cannot get against a host that has passed checks, nor where the
 * pair would not be believed itself.
 */
function outvoted(best: Agreeing, others: readonly Run[], need = 1): boolean {
  const believed = others.filter((run) => !run.standing.banned);
  if (believed.length === 0) return true;
  const lead = best.length - largest(believed).length;
  const strong = wrongTogether(best) > need || believed.some(({ standing }) => isEstablished(standing));
  return best.length >= 2 && lead >= (strong ? 2 : 1);
}

type Agreeing = readonly [Run, ...Run[]];

/** The most runs with one answer, and of equally many those that were there first. */
function largest(runs: readonly Run[]): Agreeing {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const group = groups.get(run.answer);
    if (group) group.push(run);
    else groups.set(run.answer, [run]);
  }
  return [...groups.values()].reduce((a, b) => (b.length > a.length ? b : a)) as unknown as Agreeing;
}

const FAILED = '!';

/** What runs are compared by. Fuel is part of it: who claims more than the others has a wrong result. */
export function answerOf(
  run: { readonly output: string; readonly fuel: number | null } | { readonly code: string; readonly rewriter: number },
): string {
  return 'code' in run ? `${FAILED}${run.code}@${run.rewriter}` : `${run.output}/${run.fuel}`;
}

/** Fuel of a run that gave an answer. Of one that failed nothing is agreed on, but that its fuel was spent: then it took its limit. */
export function fuelIn(answer: string, fuelMax: number): number {
  if (answer.startsWith(FAILED)) return answer.startsWith(`${FAILED}ERR_FUEL_SPENT@`) ? fuelMax : 0;
  return Number(answer.slice(answer.lastIndexOf('/') + 1)) || 0;
}

/** Whether one of two answers has to be wrong. Of a task that fails, which limit ends it may depend on the rewriter's version. */
export function differ(a: string, b: string): boolean {
  if (a === b) return false;
  const version = (text: string) => text.slice(text.lastIndexOf('@'));
  return !(a.startsWith(FAILED) && b.startsWith(FAILED) && version(a) !== version(b));
}

/** The site's own. */
export const TRUST: Trust = { judge, checksDue, prefersChecks };
