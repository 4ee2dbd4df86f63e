// The hosts that have delivered something to one job: how each stands there, and what of it is not final.
import type { Standing } from './contracts.ts';
import type { Deliverer, Delivery, Effects } from './delivery.ts';
import { type Claim, partsOf } from './intervals.ts';
import { BELIEF } from './trust.ts';

/** A host in this job: its standing, counted here, and the tasks that it delivered and that are not final. */
export interface Member extends Standing {
  readonly index: number;
  readonly host: string;
  readonly owner: string;
  kind: Standing['kind'];
  checks: number;
  checksEver: number;
  results: number;
  intervals: number;
  banned: boolean;
  tasks: number[];
  /** By task that is not final. */
  readonly claims: Map<number, Claim>;
  /** Of tasks that went on from what others had made, and are not final: who made what. */
  readonly moved: Map<number, readonly Maker[]>;
}

/** A host, and the intervals of a result that are its word, or that went before what has intervals. */
export interface Maker {
  readonly host: string;
  readonly owner: string;
  readonly standing: Standing;
  readonly places: readonly number[];
  /** What its part is of the work on the task. */
  readonly share: number;
}

export interface Members {
  readonly all: readonly Member[];
  /** Throws a RangeError for a number that nobody has. */
  at(index: number): Member;
  of(host: string): Member | undefined;
  /** The host of a run, which may be new here. */
  join(run: Deliverer): Member;
  /** Share of the runs that came from hosts that nobody answers for. */
  anonymous(): number;
  /** Counts a run, and what others made before it. */
  count(task: number, run: Delivery): void;
  /** A run is of no use any more. */
  forget(host: string, task: number): void;
  /** Who made what of a host's result, where that is known. */
  makersOf(host: string, task: number): readonly Maker[];
  /** Believes a host in another way from now on, and gives the tasks that it has a part in where its word is enough for them now. */
  stand(host: string, kind: Standing['kind']): readonly number[];
  /** Another owner agrees with it: a check, or a share of one. */
  pass(host: string, share: number, effects: Effects): void;
}

/** With so many hosts of earlier jobs, if they are most of a job's, others are strangers. */
const MET_MIN = 20;

const NOBODY: readonly Maker[] = [];

export function createMembers(): Members {
  let met = 0;
  const runs = { all: 0, anonymous: 0 };
  const all: Member[] = [];
  const byHost = new Map<string, Member>();

  function join({ host, owner, kind, late, before }: Deliverer): Member {
    const known = byHost.get(host);
    if (known) return known;
    const counts = { checks: 0, checksEver: before, results: 0, intervals: 0 };
    const isMet = before >= BELIEF.probation;
    // Where most have come through earlier jobs, one that has not may well be a liar that was found, under a new name.
    const isStranger = !isMet && met >= MET_MIN && 2 * met > all.length;
    met += Number(isMet);
    const fresh: Member = {
      ...{ index: all.length, host, owner, kind, late: late || isStranger },
      ...counts,
      banned: false,
      tasks: [],
      claims: new Map(),
      moved: new Map(),
    };
    all.push(fresh);
    byHost.set(host, fresh);
    return fresh;
  }

  /** Each has a part by its fuel, or where that is not known the same. */
  function makersIn({ host, claim, parts = [] }: Delivery): Maker[] {
    const hosts = [...new Set([...parts.map((part) => part.host), host])];
    const ends = [...(claim?.marks.map(([, fuel]) => fuel) ?? []), claim?.fuel ?? 0];
    return hosts.map((each) => {
      const places = (claim?.makers ?? []).flatMap((maker, place) => (maker === each ? [place] : []));
      const fuel = places.reduce((sum, place) => sum + (ends[place] as number) - (ends[place - 1] ?? 0), 0);
      const member = byHost.get(each) as Member;
      const share = claim && claim.fuel > 0 ? fuel / claim.fuel : 1 / hosts.length;
      return { host: each, owner: member.owner, standing: member, places, share };
    });
  }

  function add(
    member: Member,
    task: number,
    { share, parts }: { readonly share: number; readonly parts: number },
  ): void {
    member.results += share;
    member.intervals += share * parts;
    member.tasks.push(task);
  }

  return {
    all,
    at: (index) => {
      const found = all[index];
      if (!found) throw new RangeError(`there is no host ${index} in this job`);
      return found;
    },
    of: (host) => byHost.get(host),
    join,
    anonymous: () => runs.anonymous / Math.max(1, runs.all),
    count: (task, run) => {
      const from = join(run);
      runs.all += 1;
      runs.anonymous += Number(from.kind === 'anonymous');
      for (const part of run.parts ?? []) join(part);
      if (run.claim) from.claims.set(task, run.claim);
      if (run.parts?.some(({ host }) => host !== run.host)) from.moved.set(task, makersIn(run));
      const makers = from.moved.get(task);
      if (!makers) add(from, task, { share: 1, parts: partsOf(run.claim) });
      else
        for (const { host, share, places } of makers)
          add(byHost.get(host) as Member, task, { share, parts: places.length || partsOf(run.claim) });
    },
    forget: (host, task) => {
      byHost.get(host)?.claims.delete(task);
      byHost.get(host)?.moved.delete(task);
    },
    makersOf: (host, task) => {
      const from = byHost.get(host);
      const claim = from?.claims.get(task);
      const moved = from?.moved.get(task);
      if (moved || !from || !claim) return moved ?? NOBODY;
      const places = Array.from({ length: partsOf(claim) }, (_, place) => place);
      return [{ host, owner: from.owner, standing: from, places, share: 1 }];
    },
    stand: (host, kind) => {
      const found = byHost.get(host);
      if (!found || found.banned || found.kind === kind) return [];
      found.kind = kind;
      return kind === 'trusted' ? [...found.tasks] : [];
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
