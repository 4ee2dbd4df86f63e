// How many hosts were lost with a task: counted where a host ended with it, taken back where the host comes again. Pure.
import type { FoundEvent, LostEvent } from './events.ts';

/** Where a host had more than one task, each of them goes alone from then on, and is not blamed again for what others do. */
export function countLost(lost: Map<number, number>, { tasks, alone }: Pick<LostEvent, 'tasks' | 'alone'>): void {
  for (const task of tasks) {
    const before = lost.get(task) ?? 0;
    lost.set(task, alone ? before + 1 : Math.max(before, 1));
  }
}

/** Of a task that others were lost with, too, nobody knows whether it was counted among more. */
export function countFound(lost: Map<number, number>, { tasks, alone }: Pick<FoundEvent, 'tasks' | 'alone'>): void {
  for (const task of tasks) {
    const before = lost.get(task) ?? 0;
    const left = alone || before === 1 ? before - 1 : before;
    if (left > 0) lost.set(task, left);
    else lost.delete(task);
  }
}
