// How jobs end: done, cancelled, past their deadline, out of fuel; and how what is left of them goes at last. Blobs that nobody needs
// then are deleted by `sweep.ts`.
import { type JobRecord, KEY } from './events.ts';
import { type Job, show } from './job.ts';
import { awaitsMerge, familyOf, fuelSpent, levelOf, rootIdOf } from './levels.ts';
import type { State } from './state.ts';

const DAY_MS = 86_400_000;
/** Days that results stay where the job does not say. */
const KEEP_DAYS = 30;

/** Something more of a job is shown. */
export function tell(state: State, job: Job): void {
  for (const hear of [...job.listeners]) hear();
  state.changed('job', rootIdOf(job.id));
  state.changed('site', '');
}

/** A job whose inputs are all there, and whose answers are all on disk, is done. */
export function endIfDone(state: State, job: Job): void {
  const { record, counts, tasks, received } = job;
  if (record.state !== 'open') return;
  const root = state.jobs.get(rootIdOf(job.id)) ?? job;
  // Nothing can be merged with what failed.
  if (record.manifest.merge && counts.failed > 0) {
    const reason = 'a task failed, so that there is no result to be merged';
    if (root.record.state === 'open') void end(state, root, { state: 'done', reason });
    return;
  }
  // The last inputs may still be on their way to the disk.
  if (!record.sealed || received > tasks || counts.done + counts.failed < tasks || awaitsMerge(state, job)) return;
  void end(state, job, { state: 'done', reason: '' });
  if (root !== job) endIfDone(state, root);
}

interface Ending {
  readonly state: 'done' | 'cancelled';
  readonly reason: string;
}

/**
 * Ends a job: what is not final is cancelled, and hosts that have something of it are told. Resolves when it is on disk, and shown. A job
 * with a merge ends with all its levels, and with any that is cancelled.
 */
export function end(state: State, job: Job, ending: Ending): Promise<void> {
  const written = endAlone(state, job, ending);
  if (levelOf(job.id) > 0 && ending.state === 'done') return written;
  for (const other of familyOf(state, job))
    if (other.record.state === 'open') void endAlone(state, other, { ...ending, state: 'cancelled' });
  const all = state.write([]).then(() => written);
  // A caller that waits is told; for the others the site itself has heard, as of `written`.
  all.catch(() => undefined);
  return all;
}

function endAlone(state: State, job: Job, { state: to, reason }: Ending): Promise<void> {
  state.openJobs.delete(job.id);
  job.open = [];
  job.record = { ...job.record, state: to, reason, ended: state.with.clock(), sealed: true };
  for (const lease of [...state.leases.held(job.id)]) {
    if (lease.holder.open) lease.holder.send({ type: 'cancel', fence: lease.fence, tasks: null });
    state.leases.end(lease);
  }
  const { store } = state.with;
  const written = state.write([store.put(KEY.job(job.id), job.record)], () => {
    for (let task = 0; task < job.tasks; task++) if (job.detail.settledIn[task] === 0) show(job, task, 'cancelled');
    job.record = { ...job.record, summary: summaryOf(job) };
    const gone = [...job.images.keys()].map((image) => store.remove(KEY.image(job.id, image)));
    void state.write([store.put(KEY.job(job.id), job.record), ...gone, ...state.with.refs.remove(job, 'image')]);
    job.images.clear();
    tell(state, job);
  });
  return written;
}

function summaryOf(job: Job): JobRecord['summary'] {
  const { tasks, counts, fuel, runs, checks, audits } = job;
  return { tasks, counts: { ...counts }, fuel, runs, checks, audits: { ...audits } };
}

/** Why nothing more of a job is begun; empty where it goes on. */
export function stops(state: State, job: Job): string {
  const { deadline, record } = job;
  if (deadline !== null && deadline < state.with.clock()) return 'its deadline has passed';
  const { fuelBudget } = record.manifest;
  if (fuelBudget !== undefined && fuelSpent(state, job) >= fuelBudget)
    return `its budget of ${fuelBudget} fuel is spent`;
  return '';
}

/** Ends jobs that stop, once nothing of them is on lease; removes what has been kept for long enough. */
export function endStopped(state: State): void {
  for (const job of [...state.openJobs.values()]) {
    const reason = stops(state, job);
    if (reason === '') continue;
    const [held] = state.leases.held(job.id);
    if (!held) void end(state, job, { state: 'cancelled', reason });
  }
}

/** Takes jobs out that ended longer ago than they are to be kept. */
export function removeOld(state: State): void {
  const now = state.with.clock();
  for (const job of [...state.jobs.values()]) {
    // Its levels stay for as long as the job.
    const { ended, manifest } = (state.jobs.get(rootIdOf(job.id)) ?? job).record;
    if (ended === null || now - ended < (manifest.keepDays ?? KEEP_DAYS) * DAY_MS || job.listeners.size > 0) continue;
    state.jobs.delete(job.id);
    const { store, refs } = state.with;
    const gone = [store.remove(KEY.job(job.id)), ...state.inputs.remove(job.id), ...refs.remove(job)];
    for (const key of store.keys(...KEY.events(job.id))) gone.push(store.remove(key));
    for (const key of store.keys(...KEY.allOutputs(job.id))) gone.push(store.remove(key));
    for (const key of store.keys(...KEY.images(job.id))) gone.push(store.remove(key));
    void state.write(gone, () => state.changed('site', ''));
  }
}
