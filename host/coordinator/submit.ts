// Jobs come in: the manifest, then the inputs. What is answered is on disk.

import { randomBytes } from 'node:crypto';
import { canonical, type Plain } from '../../runtime/base/canonical.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { permits } from '../../runtime/policy/policy.ts';
import type { Manifest } from '../wire/api.ts';
import { CALLER } from '../wire/ceilings.ts';
import type { Datum } from '../wire/site.ts';
import { hasTrusted, replicasOf } from './belief.ts';
import type { Caller } from './contracts.ts';
import { tell } from './ending.ts';
import { type JobRecord, KEY } from './events.ts';
import { grow, type Job, newJob } from './job.ts';
import { growTo } from './settling.ts';
import type { State } from './state.ts';

/** Takes a job. The same again is the same job; another one of its id is `ERR_JOB_INVALID`. */
export async function submit(
  state: State,
  { account }: Caller,
  manifest: Manifest,
  numbers?: readonly number[],
): Promise<Job> {
  const id = manifest.id ?? `j${randomBytes(8).toString('hex')}`;
  const known = state.jobs.get(id);
  if (known) {
    if (known.account === account && sameManifest(known.record.manifest, manifest)) {
      await state.write([]);
      return known;
    }
    throw new LodgerError('ERR_JOB_INVALID', ['id', 'one that no other job has']);
  }
  checkJob(state, manifest);
  const { job, written } = openJob(state, id, {
    account,
    manifest,
    ...(numbers && { numbers }),
    submitted: state.with.clock(),
    sealed: false,
    total: null,
    state: 'open',
    ended: null,
    trustedHosts: hasTrusted(state),
    reason: '',
    summary: null,
  });
  await written;
  return job;
}

/** A job without inputs. `written` resolves when it is on disk. */
export function openJob(
  state: State,
  id: string,
  record: JobRecord,
): { readonly job: Job; readonly written: Promise<void> } {
  const job = newJob(id, record, replicasOf(state.key, id, record));
  state.jobs.set(id, job);
  state.openJobs.set(id, job);
  const puts = [state.with.store.put(KEY.job(id), record), ...state.with.refs.add(job, blobsOf(record.manifest))];
  return { job, written: state.write(puts, () => tell(state, job)) };
}

function checkJob(state: State, manifest: Manifest): void {
  if (state.openJobs.size >= CALLER.jobsOpen.max)
    throw new LodgerError('ERR_QUOTA_SPENT', ['jobs', CALLER.jobsOpen.max, 'wait until some are done']);
  permits(state.policy.policy, manifest.limits ?? {}, manifest.grants ?? []);
  for (const digest of blobsOf(manifest))
    if (!state.with.blobs.has(digest)) throw new LodgerError('ERR_NOT_FOUND', ['blob', digest]);
}

/** The blobs that a job names. */
function blobsOf({ kernel, merge, blobs = {}, grants = [] }: Manifest): string[] {
  const named = [kernel, ...(merge ? [merge.kernel] : []), ...Object.values(blobs)];
  for (const grant of grants) if (grant.kind === 'blobs') named.push(grant.digest);
  return named;
}

function sameManifest(a: Manifest, b: Manifest): boolean {
  return canonical(a as unknown as Plain) === canonical(b as unknown as Plain);
}

export interface MoreInputs {
  readonly from: number;
  readonly inputs: readonly Datum[];
  readonly last: boolean;
}

/** Adds inputs behind those that are there. Resolves when they are on disk; hosts get them from then on. */
export async function addInputs(state: State, job: Job, { from, inputs, last }: MoreInputs): Promise<void> {
  if (!(Number.isSafeInteger(from) && from >= 0 && from <= job.received))
    throw new LodgerError('ERR_OPTION_INVALID', ['from', `at most ${job.received}, which is how many there are`]);
  const fresh = inputs.slice(job.received - from);
  if (fresh.length > 0 && job.record.sealed)
    throw new LodgerError('ERR_JOB_INVALID', ['inputs', 'complete: no more are taken']);
  if (job.record.state !== 'open' || (fresh.length === 0 && (!last || job.record.sealed))) {
    await state.write([]);
    return;
  }
  checkInputs(state, job, fresh);
  await append(state, job, { inputs: fresh, last });
}

/** Puts inputs behind those that are there. Resolves when they are on disk. */
export async function append(state: State, job: Job, { inputs, last }: Omit<MoreInputs, 'from'>): Promise<void> {
  const start = job.received;
  job.received += inputs.length;
  const puts = state.inputs.add(job.id, job.starts, inputs);
  puts.push(...state.with.refs.add(job, inputs.filter(isBlob)));
  if (last) {
    job.record = { ...job.record, sealed: true, total: job.received };
    puts.push(state.with.store.put(KEY.job(job.id), job.record));
  }
  await state.write(puts, () => {
    if (job.record.state !== 'open') return;
    grow(job, start + inputs.length);
    growTo(state, job, start + inputs.length, last);
  });
}

const isBlob = (datum: Datum): datum is string => typeof datum === 'string';

function checkInputs(state: State, job: Job, inputs: readonly Datum[]): void {
  if (job.received + inputs.length > CALLER.jobTasks.max)
    throw new LodgerError('ERR_OPTION_INVALID', ['inputs', `at most ${CALLER.jobTasks.max} in a job`]);
  const { tasksQueued: most } = state.with.quotas(job.account);
  if (most !== undefined && (tasksQueued(state).get(job.account) ?? 0) + inputs.length > most)
    throw new LodgerError('ERR_QUOTA_SPENT', ['tasksQueued', most, 'wait until some of its tasks are done']);
  for (const input of inputs)
    if (typeof input === 'string' && !state.with.blobs.has(input))
      throw new LodgerError('ERR_NOT_FOUND', ['blob', input]);
}

/** Tasks that are not final, by account. */
export function tasksQueued(state: State): ReadonlyMap<string, number> {
  const queued = new Map<string, number>();
  for (const { account, received, settled } of state.openJobs.values())
    queued.set(account, (queued.get(account) ?? 0) + received - settled);
  return queued;
}
