// What accounts have had of the hosts, by which their shares are made fair: fuel of the last days, and what they have on lease.
import type { State } from './state.ts';

/** Fuel of a day ago counts half. */
const HALVED_MS = 86_400_000;

/** Fuel by account; of tasks on lease what the tasks of their job took so far, or next to nothing where nobody knows. */
export function usedBy(state: State): (account: string) => number {
  let leased: ReadonlyMap<string, number> | undefined;
  return (account) => {
    leased ??= fuelLeased(state);
    return (state.used.get(account) ?? 0) + (leased.get(account) ?? 0);
  };
}

function fuelLeased(state: State): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { job: id, left } of state.leases.held()) {
    const { account, fuelPerTask } = state.jobs.get(id) ?? {};
    if (account !== undefined) sums.set(account, (sums.get(account) ?? 0) + left.size * (fuelPerTask ?? 1));
  }
  return sums;
}

/** Halves what was used for every day that has passed. */
export function fade(state: State): void {
  for (; state.with.now() - state.faded >= HALVED_MS; state.faded += HALVED_MS)
    for (const [account, fuel] of state.used) state.used.set(account, fuel / 2);
}

/** At a start: what accounts with jobs have used today is all that is known. */
export function recall(state: State): void {
  for (const { account } of state.openJobs.values()) state.used.set(account, state.with.fuelToday(account));
}
