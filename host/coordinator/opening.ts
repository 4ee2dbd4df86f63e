// What of a job is open: tasks that need a run, as ranges, with the owners that must not do it.

import type { Range } from './contracts.ts';
import { type Job, show } from './job.ts';
import { reopenRange } from './open.ts';
import type { State } from './state.ts';

/** Tasks, in any order, that need one more run. Those that are final by now are passed over. */
export function reopen(state: State, job: Job, tasks: readonly number[]): void {
  if (tasks.length === 0 || job.record.state !== 'open') return;
  for (const range of rangesOf(job, tasks)) job.open = reopenRange(job.open, range);
  state.stir();
}

/** Tasks that are new. */
export function openRange(state: State, job: Job, from: number, to: number): void {
  if (from === to) return;
  job.open = reopenRange(job.open, { from, to, not: [], check: false });
  state.stir();
}

/** Tasks that were on lease and were not done: whoever had them. What is shown of them goes back. */
export function giveBack(state: State, job: Job, tasks: readonly number[]): void {
  for (const task of tasks)
    if (job.detail.settledIn[task] === 0 && !job.detail.runs.has(task)) show(job, task, 'waiting');
  reopen(state, job, tasks);
  state.changed('job', job.id);
}

/** Neighbours that the same owners must not do are one range. */
function rangesOf(job: Job, tasks: readonly number[]): Range[] {
  const ranges: { from: number; to: number; not: readonly string[]; check: boolean }[] = [];
  for (const task of [...tasks].sort((a, b) => a - b)) {
    if (job.detail.settledIn[task] !== 0 || job.held.has(task)) continue;
    const runs = job.detail.runs.get(task);
    const not = runs?.map(({ owner }) => owner) ?? [];
    const last = ranges.at(-1);
    if (last?.to === task && last.check === (runs !== undefined) && same(last.not, not)) last.to++;
    else ranges.push({ from: task, to: task + 1, not, check: runs !== undefined });
  }
  return ranges;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
