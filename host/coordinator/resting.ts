// Accounts that have used their fuel of the day: nothing more of theirs is begun until midnight UTC, or until they may use more.
import type { State } from './state.ts';

/** In words that follow why a task or a host waits. */
export const RESTS = 'has used its fuel of the day, which is renewed at midnight UTC';

/** An account has used some, or has a job. */
export function noteUse(state: State, account: string): void {
  if (isSpent(state, account)) state.resting.add(account);
}

/** Looks at every account that has something open, or rests; those that may go on are given hosts again. */
export function lookAtUse(state: State): void {
  for (const { account } of state.openJobs.values()) noteUse(state, account);
  let freed = false;
  for (const account of state.resting) if (!isSpent(state, account)) freed = state.resting.delete(account);
  if (freed) state.stir();
}

function isSpent({ with: { quotas, fuelToday } }: State, account: string): boolean {
  const { fuelPerDay } = quotas(account);
  return fuelPerDay !== undefined && fuelToday(account) >= fuelPerDay;
}
