// The lane that the next task of a kernel most likely belongs to.
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Lane } from './lane.ts';

/**
 * Remembers the lane of the last plain task of a kernel, so that a stream of `run` calls with equal terms shares messages and is not
 * checked again and again. Grants and blobs that could have changed are looked at each time; those that are frozen in all their parts are
 * the same as long as they are the same objects, and the bytes of blobs are what they were when they were first checked.
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
  const asked = Array.isArray(grants) && grants.length === 0 ? undefined : grants;
  const held = [nameOf(asked), nameOf(blobs)];
  if (held.includes(undefined)) return undefined;
  if (
    !(seed === undefined || typeof seed === 'number') ||
    ![digests, deterministic].every((flag) => flag === undefined || typeof flag === 'boolean')
  )
    return undefined;
  if (index !== undefined && !(Number.isSafeInteger(index) && index >= 0)) return undefined;
  const plain = `${seed} ${digests} ${deterministic} ${held.join(' ')}`;
  if (limits === undefined) return plain;
  if (typeof limits !== 'object' || !Object.values(limits ?? {}).every(Number.isFinite)) return undefined;
  return `${plain} ${JSON.stringify(limits)}`;
}

const names = new WeakMap<object, string>();
let named = 0;

/** A name for an object that cannot change: nobody else has it. Undefined for one that can; nothing has an empty name. */
function nameOf(held: unknown): string | undefined {
  if (held === undefined) return '';
  if (typeof held !== 'object' || held === null || !isFixed(held)) return undefined;
  const name = names.get(held) ?? String(++named);
  names.set(held, name);
  return name;
}

/** Whether an object is frozen, and all that it holds but for bytes, which cannot be. */
function isFixed(held: object): boolean {
  if (held instanceof Uint8Array) return true;
  if (!Object.isFrozen(held)) return false;
  return Object.values(held).every((each) => typeof each !== 'object' || each === null || isFixed(each));
}
