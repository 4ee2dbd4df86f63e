// The hosts that have delivered something to one job: how each stands there, and what of it is not final.
import type { Standing } from './contracts.ts';
import type { Delivery, Effects } from './delivery.ts';
import type { Claim } from './intervals.ts';

/** A host in this job: its standing, counted here, and the tasks that it delivered and that are not final. */
export interface Member extends Standing {
  readonly index: number;
  readonly host: string;
  readonly owner: string;
  checks: number;
  checksEver: number;
  results: number;
  intervals: number;
  banned: boolean;
  tasks: number[];
  /** By task that is not final. */
  readonly claims: Map<number, Claim>;
}

export interface Members {
  readonly all: readonly Member[];
  /** Throws a RangeError for a number that nobody has. */
  at(index: number): Member;
  of(host: string): Member | undefined;
  /** The host of a run, which may be new here. */
  join(run: Delivery): Member;
  /** Another owner agrees with it: a check, or a share of one. */
  pass(host: string, share: number, effects: Effects): void;
}

export function createMembers(): Members {
  const all: Member[] = [];
  const byHost = new Map<string, Member>();
  return {
    all,
    at: (index) => {
      const found = all[index];
      if (!found) throw new RangeError(`there is no host ${index} in this job`);
      return found;
    },
    of: (host) => byHost.get(host),
    join: ({ host, owner, kind, late, before }) => {
      const known = byHost.get(host);
      if (known) return known;
      const counts = { checks: 0, checksEver: before, results: 0, intervals: 0 };
      const fresh: Member = {
        ...{ index: all.length, host, owner, kind, late },
        ...counts,
        banned: false,
        tasks: [],
        claims: new Map(),
      };
      all.push(fresh);
      byHost.set(host, fresh);
      return fresh;
    },
    pass: (host, share, effects) => {
      const found = byHost.get(host);
      if (!found) return;
      found.checks += share;
      found.checksEver += share;
      effects.passed.push({ host, share });
    },
  };
}
