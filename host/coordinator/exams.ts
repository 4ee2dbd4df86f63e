// Results of steppers under examination: which of their intervals other hosts run again, what they said, and who must have lied where they
// differ. Folded from what was delivered, like the runs themselves. One interval of a task at a time.
import type { Interval } from '../wire/ledger.ts';
import type { Examined, Run, Verdict } from './contracts.ts';
import type { Effects } from './delivery.ts';
import {
  answerIn,
  type Claim,
  drawnOrder,
  firstDifference,
  intervalOf,
  partsOf,
  placeOf,
  type Stretch,
  stretchOf,
} from './intervals.ts';
import type { Maker } from './members.ts';
import { intervalsDue, type Terms, weigh } from './trust.ts';

/** A run with its marks and whose word they are, where it has any. */
export interface Claimed extends Run {
  readonly claim: Claim | undefined;
  readonly makers: readonly Maker[];
}

/** What one more host made of the stretch that is asked for. */
export interface Vote extends Run {
  readonly fuel: number;
}

/** One interval that is to be run again. */
export interface Question extends Stretch {
  /** Whose claims it is about: one, or two that part there. */
  readonly of: readonly string[];
  readonly rewriter: number;
  readonly votes: Vote[];
}

interface Exam {
  /** Whose run it is about. */
  host: string;
  /** Places of intervals that another owner has confirmed. */
  confirmed: Set<number>;
  /** How many are to be, of each host that made some. */
  readonly goals: Map<string, number>;
  /** Fuel of intervals that were run again and believed. */
  fuel: number;
  question: Question | undefined;
  /** Whether only whole runs tell more: intervals cost as much, or an image is of no use. */
  whole: boolean;
  spoiled: boolean;
}

interface Asked {
  readonly runs: readonly Claimed[];
  readonly terms: Terms;
  readonly effects: Effects;
}

export interface Exams {
  /** What an examination asks for before the runs themselves are judged; undefined for nothing. Counts what was confirmed. */
  next(task: number, asked: Asked): Verdict | undefined;
  /** Takes what a host made of the interval that is asked for; null where it could not be run: then the whole is. False where it is not asked for any more. */
  take(task: number, interval: Interval, vote: Vote | null): boolean;
  /** That share more of what a host made of a lone result is to be checked. */
  raise(task: number, runs: readonly Claimed[], more: { readonly maker: string; readonly share: number }): void;
  questionOf(task: number): Question | undefined;
  /** How far a lone run is examined; undefined where whole runs decide. */
  seenOf(task: number, run: Pick<Claimed, 'host' | 'makers'>): readonly Examined[] | undefined;
  fuelOf(task: number): number;
  clear(task: number): void;
}

export function createExams(
  draw: (task: number, nth: number) => number,
  pass: (host: string, share: number, effects: Effects) => void,
): Exams {
  const exams = new Map<number, Exam>();
  /** The one of a task; what was confirmed of another host's claim is no word on this one's. */
  const examOf = (task: number, host: string): Exam => {
    const known = exams.get(task);
    if (known?.host === host) return known;
    const { fuel = 0, question, spoiled = false } = known ?? {};
    const fresh = { host, confirmed: new Set<number>(), goals: new Map(), fuel, question, whole: spoiled, spoiled };
    exams.set(task, fresh);
    return fresh;
  };

  /** Who stands for what in the open question: claims that are there still, and votes of those who are not banned. */
  function sidesOf(question: Question, runs: readonly Claimed[]): Run[] {
    const claims = runs.flatMap((run) =>
      run.makers.flatMap(({ host, owner, standing }) => {
        const isAbout = question.of.includes(host) && !standing.banned;
        const answer = isAbout && run.claim ? answerIn(run.claim, question) : undefined;
        return answer === undefined ? [] : [{ host, owner, standing, answer }];
      }),
    );
    return [...claims, ...question.votes.filter(({ standing }) => !standing.banned)];
  }

  /** Whoever ran it gets paid for what somebody else has said, too. */
  function pay(exam: Exam, sides: readonly Run[], effects: Effects): void {
    for (const { host, answer, fuel, standing } of exam.question?.votes ?? []) {
      const isShared = sides.some((side) => side.host !== host && side.answer === answer);
      if (standing.banned || !(isShared || standing.kind === 'trusted')) continue;
      exam.fuel += fuel;
      effects.audited.push({ host, fuel });
    }
    exam.question = undefined;
  }

  function settle(task: number, question: Question, { runs, terms, effects }: Asked): Verdict | undefined {
    const isAbout = ({ host, standing }: Maker) => question.of.includes(host) && !standing.banned;
    const about = runs.find(({ makers }) => makers.some(isAbout));
    const exam = examOf(task, about?.host ?? '');
    const sides = sidesOf(question, runs);
    // Its host was banned for something else, or somebody has run the whole.
    if (!about || runs.length > question.of.length) {
      pay(exam, sides, effects);
      return undefined;
    }
    const verdict = weigh(sides, terms);
    if (verdict.do !== 'accept') return verdict;
    const claim = about.claim as Claim;
    // Whoever runs a part knows that it is compared, so that tells of those who claimed it alone.
    for (const maker of runs.flatMap(({ makers }) => makers))
      if (isAbout(maker)) pass(maker.host, maker.share / maker.places.length, effects);
    const place = placeOf(claim, question);
    if (place !== undefined) exam.confirmed.add(place);
    pay(exam, sides, effects);
    return undefined;
  }

  function ask(task: number, stretch: Stretch, { host, claim }: Claimed, of: readonly string[]): void {
    const { rewriter } = claim as Claim;
    examOf(task, host).question = { ...stretch, of, rewriter, votes: [] };
  }

  /**
   * A lone result: as many of its intervals as are due of each host that made some, in an order that nobody could foresee. What went from
   * host to host is never run as a whole while its images are of use, since that would not tell who was wrong.
   */
  function examine(task: number, run: Claimed & { readonly claim: Claim }, terms: Terms): Verdict | undefined {
    const exam = examOf(task, run.host);
    const seenOf = ({ places }: Maker) => places.filter((place) => exam.confirmed.has(place)).length;
    const lacking = run.makers.filter((maker) => {
      const { host, standing, places } = maker;
      const about = { standing, parts: places.length, seen: seenOf(maker) };
      const due = intervalsDue(about, terms, draw(task, 1), 1 / run.makers.length);
      exam.goals.set(host, Math.max(exam.goals.get(host) ?? 0, due));
      return about.seen < (exam.goals.get(host) as number);
    });
    if (!run.moved && 2 * (exam.goals.get(run.host) ?? 0) > partsOf(run.claim)) exam.whole = true;
    if (exam.whole) return { do: 'replicate', wrong: 1, trusted: false };
    const order = drawnOrder(task, partsOf(run.claim), draw).filter((place) => !exam.confirmed.has(place));
    for (const place of order) {
      const maker = lacking.find(({ places }) => places.includes(place));
      if (!maker) continue;
      ask(task, stretchOf(run.claim, place), run, [maker.host]);
      return { do: 'audit', trusted: false, disputed: false };
    }
    return undefined;
  }

  return {
    next: (task, asked) => {
      const { runs, terms } = asked;
      const question = exams.get(task)?.question;
      const verdict = question && settle(task, question, asked);
      if (verdict) return verdict;
      const [first, second, third] = runs;
      if (!first || runs.some(({ standing, claim }) => standing.banned || !claim)) return undefined;
      if (!terms.deterministic || terms.confidence === 'trusted') return undefined;
      if (!second) return examine(task, first as Claimed & { claim: Claim }, terms);
      if (third || first.answer === second.answer || exams.get(task)?.spoiled) return undefined;
      if (first.moved || second.moved) return undefined;
      const parted = firstDifference(first.claim as Claim, second.claim as Claim);
      if (!parted) return undefined;
      ask(task, parted, first, [first.host, second.host]);
      return { do: 'audit', trusted: terms.trustedHosts, disputed: true };
    },
    take: (task, interval, vote) => {
      const exam = exams.get(task);
      const [from, to] = exam?.question ? intervalOf(exam.question) : [];
      if (!exam?.question || from !== interval[0] || to !== interval[1]) return false;
      if (vote === null) Object.assign(exam, { question: undefined, whole: true, spoiled: true });
      else if (vote.standing.kind === 'anonymous') return false;
      else if (exam.question.votes.some(({ owner }) => owner === vote.owner)) return false;
      else exam.question.votes.push(vote);
      return true;
    },
    raise: (task, [run], { maker, share }) => {
      if (!run?.claim) return;
      const exam = examOf(task, run.host);
      const { places = [], share: all = 1 } = run.makers.find((each) => each.host === maker) ?? {};
      const seen = places.filter((place) => exam.confirmed.has(place)).length;
      exam.goals.set(maker, Math.min(places.length, seen + Math.max(1, Math.ceil((share / all) * places.length))));
    },
    questionOf: (task) => exams.get(task)?.question,
    seenOf: (task, { host, makers }) => {
      const exam = exams.get(task);
      if (exam?.host !== host || exam.whole) return undefined;
      return makers.map(({ standing, places }) => {
        const seen = places.filter((place) => exam.confirmed.has(place)).length;
        return { standing, seen, parts: places.length };
      });
    },
    fuelOf: (task) => exams.get(task)?.fuel ?? 0,
    clear: (task) => void exams.delete(task),
  };
}
