// Stand-in until the branch with the decisions is merged: trusted at once, others by two that agree.
import type { Confidence } from '../wire/api.ts';
import type { Run, Standing, Verdict } from './contracts.ts';
export function newStanding(from: Pick<Standing, 'kind' | 'checksEver' | 'late'>): Standing {
  return { ...from, checks: 0, results: 0, banned: false };
}
export function judge(
  runs: readonly Run[],
  _need: { confidence: Confidence; deterministic: boolean; wait: boolean; sweep: number },
  _draw: () => number,
): Verdict {
  const trusted = runs.find(({ standing }) => standing.kind === 'trusted');
  if (trusted) return { do: 'accept', answer: trusted.answer, wrong: 0, convicted: [] };
  for (const run of runs) {
    if (runs.filter(({ answer }) => answer === run.answer).length >= 2)
      return { do: 'accept', answer: run.answer, wrong: 1e-3, convicted: [] };
  }
  return runs.length > 0 ? { do: 'replicate', wrong: 0.05 } : { do: 'run' };
}
