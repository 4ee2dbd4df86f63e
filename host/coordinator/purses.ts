// What jobs may begin now, by their budgets and by the quotas of their accounts. Reads the state, changes nothing.
import { TASK } from '../../runtime/base/limits.ts';
import { costOfTask, mayBegin, reservedFor, type Spending } from './budget.ts';
import type { Job } from './job.ts';
import { familyOf, fuelSpent } from './levels.ts';
import type { State } from './state.ts';

/** Whether anything bounds what a job's tasks may take together. */
export function isBounded({ with: { quotas } }: State, { account, record }: Job): boolean {
  return record.manifest.fuelBudget !== undefined || (quotas(account).fuelPerDay ?? MOST) < MOST;
}

/** A quota that is none. */
const MOST = Number.MAX_SAFE_INTEGER;

/** How many tasks of a job may be begun now, beside those that are under way. What is counted of an account is counted once. */
export function roomsIn(state: State): (job: Job) => number {
  let reserved: ReadonlyMap<string, number> | undefined;
  return (job) => {
    if (!isBounded(state, job)) return Number.POSITIVE_INFINITY;
    const { fuelBudget = MOST } = job.record.manifest;
    const { fuelPerDay = MOST } = state.with.quotas(job.account);
    const each = costOfTask(spendingOf(job));
    const family = familyOf(state, job).reduce((sum, one) => sum + reservedFor(spendingOf(one)), 0);
    const budget = mayBegin({ most: fuelBudget, spent: fuelSpent(state, job), reserved: family }, each);
    if (fuelPerDay >= MOST) return budget;
    reserved ??= reservedIn(state);
    const all = { spent: state.with.fuelToday(job.account), reserved: reserved.get(job.account) ?? 0 };
    return Math.min(budget, mayBegin({ most: fuelPerDay, ...all }, each));
  };
}

function reservedIn({ openJobs }: State): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const job of openJobs.values())
    sums.set(job.account, (sums.get(job.account) ?? 0) + reservedFor(spendingOf(job)));
  return sums;
}

function spendingOf({ fuel, counts, record }: Job): Spending {
  const { done, failed, provisional, leased, checking, disputed } = counts;
  const ceiling = record.manifest.limits?.fuelMax ?? TASK.fuelMax.default;
  return { fuel, believed: done + failed + provisional, begun: leased + checking + disputed, ceiling };
}
