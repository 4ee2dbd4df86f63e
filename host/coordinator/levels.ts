// A job with a merge and its levels: each level of merges is a job of its own, named after the first, and fed by the one below. Pure.
import type { Job } from './job.ts';
import type { State } from './state.ts';

type Jobs = Pick<State, 'jobs'>;

const MARK = '~';

/** Level 0 is the job that was submitted. */
export const levelOf = (id: string): number => Number(id.split(MARK)[1] ?? 0);

/** The id of the job that was submitted. */
export const rootIdOf = (id: string): string => id.split(MARK)[0] as string;

export const idOf = (root: string, level: number): string => (level === 0 ? root : `${root}${MARK}${level}`);

/** A job and the levels above it, from whichever of them; a job without a merge alone. */
export function familyOf({ jobs }: Jobs, job: Job): Job[] {
  if (!job.record.manifest.merge) return [job];
  const family: Job[] = [];
  const root = rootIdOf(job.id);
  for (let level = 0; ; level++) {
    const found = jobs.get(idOf(root, level));
    if (found) family.push(found);
    else if (level > 0) return family;
  }
}

/** Whether the one result of a job with a merge is still to come. */
export function awaitsMerge(state: Jobs, job: Job): boolean {
  if (!job.record.manifest.merge || levelOf(job.id) > 0 || job.tasks === 0) return false;
  const top = familyOf(state, job).at(-1) as Job;
  return !isTop(top) || top.counts.done < 1;
}

/** Whether a job's one task gives the result of all. */
export function isTop({ id, record, tasks, received }: Job): boolean {
  return levelOf(id) > 0 && record.sealed && tasks === 1 && received === 1;
}

/** Fuel of a job and its merges together. */
export const fuelSpent = (state: Jobs, job: Job): number =>
  familyOf(state, job).reduce((sum, { fuel }) => sum + fuel, 0);
