// The rules of belief that are compared: the site's own, BOINC's adaptive replication, and plain quorums.
import type { Run, Standing, Verdict } from '../../host/coordinator/contracts.ts';
import { TRUST, type Trust } from '../../host/coordinator/trust.ts';

/** From there on BOINC trusts a host now and then: `CONS_VALID_UNREPLICATED` of sched/sched_config.h. */
const VALID_UNREPLICATED = 10;
const RUNS_MAX = 8;

export interface Rule {
  readonly trust: Trust;
  /** Copies of a task that go out together with the first, which goes to the host of this standing. */
  readonly copies: (standing: Standing, draw: number) => number;
  /** A run of this host did not come back. */
  readonly lost: (standing: Standing) => void;
  /** Whether a host can tell that its result is believed without another; undefined where all that it can do is to count. */
  readonly feelsSafe?: (standing: Standing, isReplicated: boolean) => boolean;
  /** Whether there are machines of the site's own. */
  readonly trustedHosts: boolean;
}

/** The site's own rule, or a change of it. */
export const lodger = (trust: Trust = TRUST): Rule => ({
  trust,
  copies: () => 0,
  lost: () => undefined,
  trustedHosts: true,
});

/** `n` runs of everything; more than half of them settle it. */
export const quorum = (n: number): Rule => ({
  trust: { checksDue: () => 0, prefersChecks: () => true, judge: (runs) => majority(runs, n) },
  copies: () => n - 1,
  lost: () => undefined,
  trustedHosts: false,
});

/**
 * BOINC's adaptive replication: who gave ten valid results in a row is replicated once in as many of them, and what nobody else ran is
 * final at once. A wrong or a lost result sets the count to 0. Hosts see whether a task is replicated.
 */
export function boinc(): Rule {
  const valid = new WeakMap<Standing, number>();
  const count = (standing: Standing) => valid.get(standing) ?? 0;
  const trusts = (standing: Standing, draw: number) =>
    count(standing) >= VALID_UNREPLICATED && draw >= 1 / count(standing);
  return {
    trust: {
      checksDue: () => 0,
      prefersChecks: (standing) => count(standing) < VALID_UNREPLICATED,
      judge: (runs, _terms, draw) => {
        const [first] = runs;
        if (!first) return { do: 'run' };
        if (runs.length === 1 && trusts(first.standing, draw()))
          return { do: 'accept', answer: first.answer, wrong: 0 };
        const verdict = majority(runs, 2);
        if (verdict.do !== 'accept') return verdict;
        for (const { standing, answer } of runs)
          valid.set(standing, answer === verdict.answer ? count(standing) + 1 : 0);
        return verdict;
      },
    },
    copies: (standing, draw) => (trusts(standing, draw) ? 0 : 1),
    lost: (standing) => void valid.set(standing, 0),
    feelsSafe: (standing, isReplicated) => count(standing) >= VALID_UNREPLICATED && !isReplicated,
    trustedHosts: false,
  };
}

function majority(runs: readonly Run[], n: number): Verdict {
  if (runs.length < n) return runs.length === 0 ? { do: 'run' } : { do: 'replicate', wrong: 1, trusted: false };
  const counts = new Map<string, number>();
  for (const { answer } of runs) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const [answer, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  if (most > n / 2 || runs.length >= RUNS_MAX) return { do: 'accept', answer, wrong: 0 };
  return { do: 'replicate', wrong: 1, trusted: false };
}
