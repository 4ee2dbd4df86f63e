// What a simulated job comes to: what it cost, and what wrong results were believed.
import { KINDS, type Kind, type Machine, RIGHT, TWICE } from './fleet.ts';

/** Sums of one job. Work is in minutes of a machine of speed 1; shares are of the work of one run of every task. */
export interface Score {
  readonly tasks: number;
  readonly hosts: number;
  /** Work of delivered runs beyond one of every task, the site's own audits included. */
  readonly overhead: number;
  readonly audits: number;
  /** Work of machines that went away, and of runs that got lost: no rule can save it. */
  readonly churn: number;
  readonly lost: number;
  /** Final results that are wrong, by the kind of the first host that gave it; fuel apart. */
  readonly wrong: number;
  readonly wrongBy: Readonly<Partial<Record<Kind, number>>>;
  readonly wrongFuel: number;
  /** The same as the sum of the probabilities that results were accepted with. */
  readonly wrongComputed: number;
  /** Lies told, liars banned and hosts that lied. */
  readonly lies: number;
  readonly banned: number;
  readonly honestBanned: number;
  readonly reopened: number;
  /** Minutes that it took, in relation to a grid that never waits. */
  readonly minutes: number;
  readonly minutesToIdeal: number;
  readonly events: number;
}

export interface Count {
  work: number;
  delivered: number;
  audits: number;
  churn: number;
  lost: number;
  events: number;
  reopened: number;
  banned: number;
  honestBanned: number;
  lies: number;
  wrongFuel: number;
  wrongComputed: number;
  readonly wrongBy: Map<Kind, number>;
}

export const createCount = (): Count => ({
  ...{ work: 0, delivered: 0, audits: 0, churn: 0, lost: 0, events: 0, reopened: 0 },
  ...{ banned: 0, honestBanned: 0, lies: 0, wrongFuel: 0, wrongComputed: 0 },
  wrongBy: new Map(),
});

/** Counts a result that is final. */
export function countFinal(count: Count, answer: string, wrong: number, by: Machine | undefined): void {
  count.wrongComputed += wrong;
  if (answer === TWICE) count.wrongFuel += 1;
  else if (answer !== RIGHT) {
    const kind = by?.kind ?? 'honest';
    count.wrongBy.set(kind, (count.wrongBy.get(kind) ?? 0) + 1);
  }
}

export function scoreOf(count: Count, size: { tasks: number; hosts: number; minutes: number; power: number }): Score {
  const { work } = count;
  const wrongBy = Object.fromEntries(
    KINDS.filter((kind) => count.wrongBy.has(kind)).map((kind) => [kind, count.wrongBy.get(kind)]),
  );
  return {
    tasks: size.tasks,
    hosts: size.hosts,
    overhead: (count.delivered + count.audits) / work - 1,
    audits: count.audits / work,
    churn: count.churn / work,
    lost: count.lost / work,
    wrong: [...count.wrongBy.values()].reduce((sum, each) => sum + each, 0),
    wrongBy,
    wrongFuel: count.wrongFuel,
    wrongComputed: count.wrongComputed,
    lies: count.lies,
    banned: count.banned,
    honestBanned: count.honestBanned,
    reopened: count.reopened,
    minutes: size.minutes,
    minutesToIdeal: size.minutes / (work / size.power),
    events: count.events,
  };
}
