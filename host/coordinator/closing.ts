// The sweep at the end of a job: which of the results that are held on one host's word are checked after all.
import type { Member } from './members.ts';
import { checksCounted, doubtOf } from './trust.ts';

type Draw = (task: number, nth: number) => number;

/** Draws of the sweep have numbers of their own, apart from those that are made when a run is delivered and those of intervals. */
const SWEEP_DRAW = -1;
const SHARE_DRAW = -1_000;

/** A host at the end of a job: checks that are due, that it has passed, and what is held on its word alone. */
interface Lone {
  readonly each: Member;
  readonly due: number;
  readonly held: readonly number[];
}

/** How many held results of a host are checked after all, and how much of each: less than all of it only where it has parts. */
interface Missing {
  readonly count: number;
  readonly share: number;
}

/** A held result of which that share of what one host made is checked after all. */
export interface Pick {
  readonly task: number;
  readonly maker: string;
  readonly share: number;
}

export interface PickOptions {
  readonly dueOf: (each: Member) => number;
  /** How many runs may be spent on checks in all. */
  readonly left: number;
  readonly draw: Draw;
  readonly isFinal: (task: number) => boolean;
  /** Whether a task is held on one run. */
  readonly isLone: (task: number) => boolean;
}

/** Of what is left for checks when nothing else is to do, so much is spent in a round, until it is less than this share of the tasks. */
const ROUND = 2 / 3;
const ROUND_LEAST = 0.01;

/**
 * The runs that a round may spend on checks: not all at once where they are many, since each liar that is found costs runs of all that it
 * did, and how many that will be can be foreseen on the average alone.
 */
export function roundOf(left: number, tasks: number): { readonly left: number; readonly isLast: boolean } {
  const isLast = left < ROUND_LEAST * tasks;
  return { left: isLast ? left : ROUND * left, isLast };
}

/** What is checked after all. Hosts forget tasks that are final. */
export function picksOf(members: readonly Member[], { dueOf, left, draw, isFinal, isLone }: PickOptions): Pick[] {
  const hosts = members.map((each): Lone => {
    each.tasks = each.tasks.filter((task) => !isFinal(task));
    return { each, due: dueOf(each), held: each.banned ? [] : each.tasks.filter(isLone) };
  });
  return missingOf(hosts, left, draw).flatMap(({ count, share }, at) => {
    const { each, held } = hosts[at] as Lone;
    return sweep(held, count, draw).map((task) => ({ task, maker: each.host, share }));
  });
}

/**
 * The checks that each host is still to pass. `left` is how many runs may be spent on them: what is over when all that is due is done goes where
 * it is likely to take away most wrong results. Never less than what is due.
 */
function missingOf(hosts: readonly Lone[], left: number, draw: Draw): Missing[] {
  const moreAt = (level: number) => hosts.map((host) => moreOf(host, level));
  const costAt = (level: number) => sum(moreAt(level).map((more, at) => runsFor(hosts[at] as Lone, more)));
  const due = moreAt(0);
  const counts = due.map((more) => Math.ceil(more));
  if (sum(counts) >= left)
    return due.map((more, at) => ({ count: counts[at] as number, share: more / Math.ceil(more) }));
  let [low, high] = [0, 1];
  while (high < LEVEL_MAX && costAt(high) < left) high *= 2;
  for (let round = 0; round < ROUNDS; round += 1) {
    const middle = (low + high) / 2;
    if (costAt(middle) < left) low = middle;
    else high = middle;
  }
  // Parts of a check are drawn, or a job of many hosts with few tasks would cost one more of each.
  return moreAt(low).map((more, at) => {
    const first = hosts[at]?.held[0] ?? 0;
    const count = Math.max(counts[at] as number, Math.floor(more + draw(first, SHARE_DRAW)));
    return { count, share: Math.min(1, more / count) };
  });
}

const LEVEL_MAX = 2 ** 60;
const ROUNDS = 60;
const sum = (counts: readonly number[]): number => counts.reduce((all, each) => all + each, 0);

/** What is known of a host, in the unit of what one check looks at: a result, or one part of it. */
function evidenceOf({ each }: Lone): { readonly checks: number; readonly unit: number } {
  return { checks: checksCounted(each), unit: each.intervals > 0 ? each.results / each.intervals : 1 };
}

/**
 * A host that passed `checks` has on the average `doubtOf` * held / (checks + unit) wrong results among those that are held: see `wrongAlone`.
 * One more check takes away the slope of that. The least remains in all where the slopes are equal, at 1 / `level`; a host that owes no
 * check gets none.
 */
function moreOf(host: Lone, level: number): number {
  const { each, due, held } = host;
  const { checks, unit } = evidenceOf(host);
  const best = Math.sqrt(level * doubtOf(each) * (held.length + checks + unit)) - checks - unit;
  return due > 0 ? Math.min(held.length, Math.max(0, due - each.checks, best)) : 0;
}

/** Runs that so many more checks of a host cost on the average, with those of all else that is held of it where they find that it lies. */
function runsFor(host: Lone, more: number): number {
  const { checks, unit } = evidenceOf(host);
  return more + doubtOf(host.each) * Math.log(1 + more / (checks + unit)) * (host.held.length - more);
}

/**
 * So many of a host's held tasks as checks are missing: those with the lowest draws, so that nobody can tell beforehand, and
 * none is drawn twice.
 */
function sweep(held: readonly number[], missing: number, draw: Draw): readonly number[] {
  if (missing <= 0) return [];
  return held
    .map((task) => ({ task, at: draw(task, SWEEP_DRAW) }))
    .sort((a, b) => a.at - b.at || a.task - b.task)
    .slice(0, missing)
    .map(({ task }) => task);
}
