// The sweep at the end of a job: which of the results that are held on one host's word are checked after all.
import type { Member } from './members.ts';

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
 * The checks that each host is still to pass. `left` is how many runs may be spent on them: what is over when all that is due is done goes to
 * all in proportion to what was due, since nobody can tell liars that are left from others. Never less than what is due.
 */
function missingOf(hosts: readonly Lone[], left: number, draw: Draw): Missing[] {
  const moreAt = (factor: number) => hosts.map((host) => clampTo(host, factor * host.due - host.each.checks));
  const due = moreAt(1);
  const counts = due.map((more) => Math.ceil(more));
  if (sum(counts) >= left)
    return due.map((more, at) => ({ count: counts[at] as number, share: more / Math.ceil(more) }));
  let [low, high] = [1, 1];
  while (high < FACTOR_MAX && sum(moreAt(high)) < left) high *= 2;
  for (let round = 0; round < ROUNDS; round += 1) {
    const middle = (low + high) / 2;
    if (sum(moreAt(middle)) < left) low = middle;
    else high = middle;
  }
  // Parts of a check are drawn, or a job of many hosts with few tasks would cost one more of each.
  return moreAt(low).map((more, at) => {
    const first = hosts[at]?.held[0] ?? 0;
    const count = Math.max(counts[at] as number, Math.floor(more + draw(first, SHARE_DRAW)));
    return { count, share: Math.min(1, more / count) };
  });
}

const FACTOR_MAX = 1_024;
const ROUNDS = 40;
const sum = (counts: readonly number[]): number => counts.reduce((all, each) => all + each, 0);
const clampTo = ({ held }: Lone, count: number): number => Math.min(held.length, Math.max(0, count));

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
