// The lane that the next task of a kernel most likely belongs to.
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Lane } from './lane.ts';

/**
 * Remembers the lane of the last plain task of a kernel, so that a stream of `run` calls with equal terms shares messages and is not
 * checked again and again. Tasks with grants or blobs are looked at each time: those objects could have changed.
 */
export class RecentLanes {
  readonly #lanes = new WeakMap<Kernel, { readonly terms: string; readonly lane: Lane }>();

  laneOf(task: Task): Lane | undefined {
    if (typeof task?.kernel !== 'object' || task.kernel === null) return undefined;
    const known = this.#lanes.get(task.kernel);
    return known && !known.lane.failed && known.terms === termsText(task) ? known.lane : undefined;
  }

  remember(task: Task, lane: Lane): Lane {
    if (termsText(task) !== undefined) this.#lanes.set(task.kernel, { terms: termsText(task) as string, lane });
    return lane;
  }
}

/** Equal for tasks of one kernel whose terms are equal; undefined where that cannot be told cheaply. */
export function termsText(task: Task): string | undefined {
  const { limits, grants, blobs, seed, digests, deterministic, kernel, input, index, transfer, ...unknown } = task;
  for (const _ in unknown) return undefined;
  if (blobs !== undefined || !(grants === undefined || (Array.isArray(grants) && grants.length === 0)))
    return undefined;
  if (
    !(seed === undefined || typeof seed === 'number') ||
    ![digests, deterministic].every((flag) => flag === undefined || typeof flag === 'boolean')
  )
    return undefined;
  if (index !== undefined && !(Number.isSafeInteger(index) && index >= 0)) return undefined;
  if (limits === undefined) return `${seed} ${digests} ${deterministic}`;
  if (typeof limits !== 'object' || !Object.values(limits ?? {}).every(Number.isFinite)) return undefined;
  return `${seed} ${digests} ${deterministic} ${JSON.stringify(limits)}`;
}
