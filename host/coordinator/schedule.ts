// Stand-in until the branch with the decisions is merged: the first open range that the owner may have.
import type { HostView, JobView, Take } from './contracts.ts';
export function schedule(jobs: readonly JobView[], host: HostView, { slots }: { slots: number; now: number }): Take[] {
  const plan: Take[] = [];
  let left = slots;
  for (const job of jobs)
    for (const [range, each] of job.open.entries()) {
      if (left <= 0) return plan;
      if (each.not.includes(host.owner)) continue;
      const to = Math.min(each.to, each.from + left);
      plan.push({ job: job.id, range, from: each.from, to });
      left -= to - each.from;
    }
  return plan;
}
