// What a job would cost, from what is known before it begins.
import type { Estimate } from '../wire/answers.ts';
import type { Manifest } from '../wire/api.ts';
import type { State } from './state.ts';

/** Stand-in until the branch with the decisions is merged. */
export function estimate(state: State, manifest: Manifest, tasks: number): Estimate {
  const same = [...state.jobs.values()].find((job) => job.kernel === manifest.kernel && job.mean.runs > 0);
  const runs = manifest.confidence === 'trusted' ? tasks : 2 * tasks;
  const fuel = same ? runs * (same.mean.fuel / same.mean.runs) : null;
  const speed = [...state.hosts.values()].reduce(
    (sum, { connection, attributes }) =>
      sum + (connection && attributes ? attributes.threads * attributes.fuelPerSecond : 0),
    0,
  );
  return {
    tasks,
    runs,
    fuel,
    ms: fuel !== null && speed > 0 ? (1000 * fuel) / speed : null,
    why: same ? `mean fuel of job ${same.id}, which has the same kernel` : 'no task of this kernel has run here yet',
  };
}
