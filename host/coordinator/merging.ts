// Merges: as results of a job with a merge become final, in input order, they become inputs of the level above. What is fed is made of what
// is on disk, so after a start it is the same again.
import { TASK } from '../../runtime/base/limits.ts';
import { formatSize } from '../../runtime/base/units.ts';
import { failedIn, mergeInput, seedOf } from '../../runtime/job/merge.ts';
import { SITE } from '../wire/ceilings.ts';
import type { Datum } from '../wire/site.ts';
import type { Delivered } from './contracts.ts';
import { end, endIfDone } from './ending.ts';
import { digestOf } from './inputs.ts';
import { type Job, STATE } from './job.ts';
import { familyOf, idOf, isTop, levelOf, rootIdOf } from './levels.ts';
import { replay } from './load.ts';
import { createReader, notRun, waitFor } from './outcomes.ts';
import type { State } from './state.ts';
import { append, openJob } from './submit.ts';

/** Inputs that are written at a time: so many, or so many bytes. */
const BATCH_TASKS = 64;
const BATCH_BYTES = 4 * 2 ** 20;

/** Feeds the level above with what has become final of a job. Nothing happens where that is under way already: it looks again by itself. */
export function mergeMore(state: State, job: Job): void {
  if (!job.record.manifest.merge || job.merging || state.over) return;
  feed(state, job).catch((error: Error) => {
    // Without what it is made of, the result will not come.
    if (!state.over) void end(state, rootOf(state, job), { state: 'cancelled', reason: error.message });
  });
}

/** After a start: what was final before and is not fed yet, and what ended without the rest of its levels. */
export function mergeAll(state: State): void {
  for (const job of [...state.jobs.values()]) {
    if (!job.record.manifest.merge) continue;
    const root = rootOf(state, job);
    if (root.record.state === 'open') mergeMore(state, job);
    else if (job.record.state === 'open') void end(state, job, { state: 'cancelled', reason: root.record.reason });
    if (job === root && root.record.state === 'open') endIfDone(state, root);
  }
}

const rootOf = (state: State, job: Job): Job => state.jobs.get(rootIdOf(job.id)) ?? job;

async function feed(state: State, job: Job): Promise<void> {
  const root = rootOf(state, job);
  const level = levelOf(job.id) + 1;
  const isOver = () => state.over || root.record.state !== 'open';
  job.merging = true;
  try {
    while (!isOver()) {
      const above = state.jobs.get(idOf(root.id, level));
      const ready = above?.record.sealed ? undefined : readyOf(state, job, above?.received ?? 0);
      if (!ready) return;
      const inputs = await inputsOf(state, job, ready);
      if (isOver()) return;
      const last = ready.last && ready.groups.length === inputs.length;
      await append(state, above ?? openLevel(state, root, level), { inputs, last });
    }
  } finally {
    // In the same turn as the last look: what becomes final after it is looked at again.
    job.merging = false;
  }
}

interface Ready {
  /** From the first task of each to the one after its last. */
  readonly groups: readonly (readonly [from: number, to: number])[];
  /** Whether these are the last ones. */
  readonly last: boolean;
}

/** Groups of tasks whose results are final and that nothing has been made of; undefined for none. */
function readyOf(state: State, job: Job, fed: number): Ready | undefined {
  const { manifest, sealed } = job.record;
  if (!manifest.merge || isTop(job)) return undefined;
  // Of a level that has ended, its tasks are made again after a start.
  if (job.detail.states.length < job.tasks) replay(state, job);
  const { arity } = manifest.merge;
  const all = sealed && job.received === job.tasks;
  const groups: [number, number][] = [];
  while (groups.length < BATCH_TASKS) {
    const from = (fed + groups.length) * arity;
    const to = Math.min(from + arity, job.tasks);
    const isWhole = to - from === arity || (all && to > from);
    if (!isWhole || !job.detail.states.subarray(from, to).every((each) => each === STATE.done)) break;
    groups.push([from, to]);
  }
  return groups.length > 0 ? { groups, last: all && (groups.at(-1)?.[1] ?? 0) === job.tasks } : undefined;
}

async function inputsOf(state: State, job: Job, { groups }: Ready): Promise<Datum[]> {
  const read = createReader(state, job);
  const { merge, limits } = job.record.manifest;
  const most = limits?.inputBytesMax ?? TASK.inputBytesMax.default;
  const inputs: Datum[] = [];
  let bytes = 0;
  for (const [from, to] of groups) {
    if (bytes > BATCH_BYTES) break;
    const parts: Uint8Array[] = [];
    for (let task = from; task < to; task++) parts.push(await bytesOf(state, read(task).output));
    const input = mergeInput(parts, merge?.values === true);
    bytes += input.byteLength;
    if (input.byteLength > most)
      throw new RangeError(
        `results of ${formatSize(input.byteLength)} are to be merged, limits.inputBytesMax is ${most}`,
      );
    inputs.push(await datumOf(state, input));
  }
  return inputs;
}

async function bytesOf(state: State, output: Datum): Promise<Uint8Array> {
  if (typeof output !== 'string') return output;
  const pieces: Uint8Array[] = [];
  for await (const piece of state.with.blobs.read(output)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function datumOf(state: State, input: Uint8Array): Promise<Datum> {
  if (input.byteLength <= SITE.inlineBytes.max) return input;
  const digest = digestOf(input);
  await state.with.blobs.put(digest, input);
  return digest;
}

/** The level is as old as the job: hosts that came after it are late in both. */
function openLevel(state: State, { id, record }: Job, level: number): Job {
  const { id: _, merge, seed = 0, name = id, ...rest } = record.manifest;
  const own = merge && { merge, kernel: merge.kernel };
  const manifest = { ...rest, ...own, seed: seedOf(seed, level), name: `${name}: merges of level ${level}` };
  const fresh = { sealed: false, total: null, state: 'open', ended: null, reason: '', summary: null } as const;
  const { numbers: __, ...shared } = record;
  return openJob(state, idOf(id, level), { ...shared, ...fresh, manifest }).job;
}

/** The one outcome of a job with a merge, once the job is over: the last result, or the first failure that kept it from being made. */
export async function* mergedOutcome(
  state: State,
  root: Job,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly Delivered[]> {
  await waitFor(state, root, signal, () => root.record.summary !== null);
  if (signal.aborted || from > 0 || root.tasks === 0) return;
  const family = familyOf(state, root);
  for (const job of family) if (job.detail.states.length < job.tasks) replay(state, job);
  for (const [level, job] of family.entries()) {
    const failed = job.counts.failed > 0 ? job.detail.states.subarray(0, job.tasks).indexOf(STATE.failed) : -1;
    if (failed < 0) continue;
    const made = createReader(state, job)(failed);
    yield [{ ...made, index: 0, message: failedIn(level, failed, made.message), kernel: job.kernel }];
    return;
  }
  const top = family.at(-1) as Job;
  if (isTop(top) && top.counts.done === 1) yield [{ ...createReader(state, top)(0), kernel: top.kernel }];
  else yield [notRun(0, root.record.reason)];
}
