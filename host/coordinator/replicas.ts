// The life of one job's tasks, folded from what was delivered: who is asked for one more run, what is held, what is final, who is convicted.
// Nothing but its arguments goes in, so that the same events and draws give the same state after a restart. One run of a task at a time.
import type { TaskState } from '../wire/api.ts';
import type { Interval } from '../wire/ledger.ts';
import { createClaims } from './claimed.ts';
import { picksOf, roundOf } from './closing.ts';
import type { Range, Run, Standing } from './contracts.ts';
import { type Delivery, type Effects, noEffects } from './delivery.ts';
import { createExams, type Question } from './exams.ts';
import { partsOf } from './intervals.ts';
import { createMembers, type Member } from './members.ts';
import { createRunList } from './runs.ts';
import { CHECKING, createStates, DISPUTED, FINAL, HELD, WAITING } from './states.ts';
import { BELIEF, differ, fuelIn, type Terms, TRUST, type Trust } from './trust.ts';

/** At this share of tasks that have an answer, checks that are still due are drawn from what is held. */
const SWEEP_AT = 0.97;

export interface ReplicasOptions
  extends Pick<Terms, 'confidence' | 'wait' | 'deterministic' | 'trustedHosts' | 'pairs'> {
  /** A number in [0, 1) that hosts cannot know, and that is the same whenever it is asked for: a hash of a secret of the site, of job, task and `nth`. */
  readonly draw: (task: number, nth: number) => number;
  /** The site's own, unless a simulation tries another one. */
  readonly trust?: Trust;
}

export interface Replicas {
  /** There are so many tasks now; `sealed` once no more will come. */
  grow(tasks: number, sealed: boolean): Effects;
  deliver(task: number, run: Delivery): Effects;
  /** A host has run one interval again, and its answer is what came of it; or could not, and then `run` is null. */
  audit(task: number, interval: Interval, run: Delivery | null): Effects;
  /** A host is banned, or believed in another way from now on: what it delivered here and is not final is void, or goes by that, too. */
  stand(host: string, to: Standing['kind'] | 'banned'): Effects;
  /** Nobody will run a task any more: it is final without an answer. */
  abandon(task: number): Effects;
  /** The run that a task needs; undefined if it needs none. */
  wantedOf(task: number): Range | undefined;
  /** The interval that is to be run again, if it is one that the task needs. */
  auditOf(task: number): Question | undefined;
  runsOf(task: number): Run[];
  /** As far as it can be told from what was delivered. */
  stateOf(task: number): Extract<TaskState, 'waiting' | 'checking' | 'disputed' | 'provisional' | 'done'>;
  /** Undefined for a host that has delivered nothing to this job. */
  standingOf(host: string): Standing | undefined;
  readonly terms: () => Terms;
  /** Share of the runs that hosts have delivered whom nobody answers for. */
  readonly anonymous: () => number;
  readonly counts: () => { readonly tasks: number; readonly held: number; readonly final: number };
}

const STATES = ['waiting', 'checking', 'disputed', 'provisional', 'done'] as const;

export function createReplicas(options: ReplicasOptions): Replicas {
  const { draw, trust = TRUST } = options;
  const runs = createRunList();
  const members = createMembers();
  const trustedOnly = new Set<number>();
  const states = createStates();
  const exams = createExams(draw, members.pass);
  const { runsOf, ownersOf, remove, removeBehind } = createClaims(runs, members, exams);
  let [tasks, spent] = [0, 0];
  let [sealed, swept, filled] = [false, false, false];

  const { confidence, wait, deterministic, trustedHosts, pairs = false } = options;
  const progressOf = () => (states.held + states.final) / Math.max(1, tasks);
  const terms = (closing = false): Terms => ({
    confidence,
    wait,
    deterministic,
    trustedHosts,
    progress: progressOf(),
    closing,
    pairs,
  });

  const isBanned = ({ host }: { readonly host: string }) => members.of(host)?.banned === true;
  const isFinal = (task: number) => states.of(task) === FINAL;
  const isLone = (task: number) => states.of(task) === HELD && runs.count(task) === 1;

  function wantedOf(task: number): Range | undefined {
    const state = states.of(task);
    if (task >= tasks || state === HELD || state === FINAL) return undefined;
    const not = ownersOf(task);
    const [to, check, trusted] = [task + 1, not.length > 0, trustedOnly.has(task)];
    const question = exams.questionOf(task);
    if (!question) return { from: task, to, not, check, trusted };
    const asked = question.votes.map(({ owner }) => owner);
    return { from: task, to, not: [...new Set([...not, ...asked])], check, trusted, audit: question.rewriter };
  }

  /** Asks for one more run of a task. */
  function want(task: number, state: number, effects: Effects): void {
    states.set(task, state);
    wantStill(task, effects);
  }

  function wantStill(task: number, effects: Effects): void {
    const range = wantedOf(task);
    if (range) effects.wanted.push(range);
  }

  /** What was delivered is of no use. */
  function drop(task: number, effects: Effects): void {
    effects.dropped = true;
    wantStill(task, effects);
  }

  /** Counts a check for every run that another owner's run agrees with, once. */
  function pass(task: number, effects: Effects): void {
    runs.each(task, (index, _answer, place) => {
      if (runs.marked(place)) return;
      runs.mark(place);
      const { host, moved } = members.at(index);
      const makers = moved.get(task);
      if (makers) for (const maker of makers) members.pass(maker.host, maker.share, effects);
      else members.pass(host, 1, effects);
    });
  }

  function settle(task: number, effects: Effects, closing = false): void {
    const asked = { runs: runsOf(task), terms: terms(closing), effects };
    const examination = exams.next(task, asked);
    // Of results with marks more is known by now.
    const found = asked.runs.some(({ claim }) => claim) ? runsOf(task) : asked.runs;
    const verdict = examination ?? trust.judge(found, asked.terms, () => draw(task, found.length));
    if (verdict.do === 'convict') {
      for (const host of verdict.hosts) {
        remove(task, host);
        removeBehind(task, host);
        // Of a whole run that went from host to host nobody knows who of them was wrong.
        const isKnown = examination || !found.some((run) => run.host === host && run.moved);
        if (isKnown) condemn(host, effects);
      }
      settle(task, effects, closing);
      return;
    }
    const agreed = found.length > 1 && found.every((run) => run.answer === found[0]?.answer);
    if (agreed) pass(task, effects);
    trustedOnly.delete(task);
    if (verdict.do === 'run') want(task, WAITING, effects);
    else if (verdict.do === 'replicate' || verdict.do === 'audit') {
      if (verdict.trusted) trustedOnly.add(task);
      const parts = verdict.do === 'audit' && verdict.disputed;
      const isDisputed = parts || found.some((run) => differ(run.answer, found[0]?.answer ?? ''));
      want(task, isDisputed ? DISPUTED : CHECKING, effects);
    } else if (verdict.do === 'hold') {
      states.set(task, HELD);
      effects.held.push(task);
    } else {
      const { answer, wrong } = verdict;
      const agreeing = found.filter((run) => run.answer === answer);
      effects.accepted.push({
        task,
        answer,
        wrong,
        host: (agreeing.find((run) => !run.standing.banned) ?? agreeing[0])?.host ?? '',
        hosts: agreeing.map((run) => run.host),
        ...(exams.fuelOf(task) > 0 && { audited: exams.fuelOf(task) }),
      });
      close(task);
    }
  }

  /**
   * Bans a host. What was held on its word is wanted again: another owner's run that agrees with it is a check of that owner, and one that
   * does not takes its place.
   */
  function condemn(host: string, effects: Effects): void {
    const found = members.of(host);
    if (!found || found.banned) return;
    found.banned = true;
    effects.convicted.push(host);
    const delivered = found.tasks;
    found.tasks = [];
    for (const task of delivered) {
      if (states.of(task) === FINAL) continue;
      if (removeBehind(task, host) || (states.of(task) === HELD && runs.has(task, found.index))) settle(task, effects);
    }
  }

  /** Nothing more is needed of a task. */
  function close(task: number): void {
    states.set(task, FINAL);
    runs.each(task, (index) => members.forget(members.at(index).host, task));
    runs.clear(task);
    exams.clear(task);
  }

  /** Near the end and at the end: draws the checks that are still due, and makes final what is left when there are none. */
  function sweepUp(effects: Effects): void {
    while (sealed) {
      const { held } = states;
      const out = tasks - held - states.final;
      const first = !swept && out <= (1 - SWEEP_AT) * tasks;
      if (held === 0 || (out > 0 && !first)) return;
      swept = true;
      // When there is nothing else to do, what the job may cost beyond what is due.
      const { left, isLast } = roundOf(out === 0 && !filled ? BELIEF.overhead * tasks - (spent - tasks) : 0, tasks);
      filled ||= out === 0 && isLast;
      const dueOf = (each: Member) => trust.checksDue(each, terms());
      const picks = picksOf(members.all, { dueOf, left, draw, isFinal, isLone });
      for (const { task, maker, share } of picks) exams.raise(task, runsOf(task), { maker, share });
      for (const task of new Set(picks.map((pick) => pick.task))) recheck(task, effects);
      if (tasks > states.held + states.final) return;
      finish(effects);
    }
  }

  /** A held result is checked after all: all of it, where it has no parts. */
  function recheck(task: number, effects: Effects): void {
    if (runsOf(task).some(({ claim }) => claim)) settle(task, effects);
    else want(task, CHECKING, effects);
  }

  /** Every check that was due is done. What is not sure enough even so gets another run; if there is no such task, all are final. */
  function finish(effects: Effects): void {
    const unsure: number[] = [];
    for (let task = 0; task < tasks; task += 1) {
      if (states.of(task) !== HELD) continue;
      const found = runsOf(task);
      if (trust.judge(found, terms(true), () => draw(task, found.length)).do !== 'accept') unsure.push(task);
    }
    if (unsure.length > 0) for (const task of unsure) settle(task, effects, true);
    else for (let task = 0; task < tasks; task += 1) if (states.of(task) === HELD) settle(task, effects, true);
  }

  const then = (act: (effects: Effects) => void): Effects => {
    const effects = noEffects();
    act(effects);
    sweepUp(effects);
    return effects;
  };

  return {
    grow: (count, isSealed) =>
      then((effects) => {
        states.grow(count);
        runs.grow(count);
        if (count > tasks) effects.wanted.push({ from: tasks, to: count, not: [], check: false, trusted: false });
        tasks = Math.max(tasks, count);
        sealed ||= isSealed;
      }),
    deliver: (task, run) =>
      then((effects) => {
        const isVoid = isBanned(run) || run.parts?.some(isBanned);
        if (task >= tasks || states.of(task) === FINAL || isVoid || ownersOf(task).includes(run.owner)) {
          drop(task, effects);
          return;
        }
        spent += 1;
        members.count(task, run);
        runs.add(task, members.join(run).index, run.answer);
        settle(task, effects);
      }),
    audit: (task, interval, run) =>
      then((effects) => {
        const from = run && members.join(run);
        const mayNot = from?.banned || ownersOf(task).includes(from?.owner ?? '');
        if (run) spent += 1 / partsOf(runsOf(task)[0]?.claim);
        const vote = run && from && { ...run, standing: from, fuel: fuelIn(run.answer, 0) };
        if (!mayNot && exams.take(task, interval, vote)) settle(task, effects);
        else drop(task, effects);
      }),
    stand: (host, to) =>
      then((effects) => {
        if (to === 'banned') condemn(host, effects);
        else for (const task of members.stand(host, to)) if (!isFinal(task)) settle(task, effects);
      }),
    abandon: (task) => then(() => close(task)),
    wantedOf,
    auditOf: (task) => exams.questionOf(task),
    runsOf,
    stateOf: (task) => STATES[states.of(task)] ?? 'waiting',
    standingOf: (host) => members.of(host),
    terms: () => terms(),
    anonymous: members.anonymous,
    counts: () => ({ tasks, held: states.held, final: states.final }),
  };
}
