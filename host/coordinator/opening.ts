// What of a job is open: tasks that need a run, as ranges. A task is open, on lease, held, or final; never two of these.
import type { Range } from './contracts.ts';
import { type Job, show } from './job.ts';
import { reopen } from './open.ts';
import type { State } from './state.ts';

/** Opens what is wanted, but for what somebody has on lease: when that ends without a result, it is opened then. */
export function openWanted(state: State, job: Job, wanted: readonly Range[]): void {
  if (wanted.length === 0 || job.record.state !== 'open') return;
  for (const range of wanted) {
    const single = range.to - range.from === 1;
    if (single && (state.leases.isOut(job.id, range.from) || job.detail.settledIn[range.from] !== 0)) continue;
    job.open = reopen(job.open, range);
  }
  state.stir();
}

/** Tasks that were on lease and were not done, whoever had them. What is shown of them goes back. */
export function giveBack(state: State, job: Job, tasks: readonly number[]): void {
  const wanted: Range[] = [];
  for (const task of tasks) {
    const range = job.detail.settledIn[task] === 0 ? job.replicas.wantedOf(task) : undefined;
    if (!range) continue;
    wanted.push(range);
    show(job, task, job.replicas.stateOf(task));
  }
  openWanted(state, job, wanted);
  state.changed('job', job.id);
}

/** All that is wanted of a job, after a start. */
export function openAll(state: State, job: Job): void {
  const { settledIn, firstIn } = job.detail;
  const wanted: Range[] = [];
  let from = -1;
  for (let task = 0; task <= job.tasks; task++) {
    const fresh = task < job.tasks && settledIn[task] === 0 && firstIn[task] === 0;
    if (fresh && from < 0) from = task;
    if (fresh) continue;
    if (from >= 0) wanted.push({ from, to: task, not: [], check: false, trusted: false });
    from = -1;
    const range = task < job.tasks && settledIn[task] === 0 ? job.replicas.wantedOf(task) : undefined;
    if (range) wanted.push(range);
  }
  // In their order, so that each joins the one before and none has to be looked up.
  job.open = [];
  for (const range of wanted) job.open = reopen(job.open, range);
  state.stir();
}
