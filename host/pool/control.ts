// The words that a batch on a thread shares with the pool: what runs there, and what the pool wants of it.
import { BATCH } from '../../runtime/base/limits.ts';

/**
 * Which task runs, since when; which share of a core it may have, in thousandths; where the thread sleeps, to be woken for news; how many
 * wishes a stepper's task was told; and which tasks are not wanted any more.
 */
export const CONTROL = { current: 0, startedAt: 1, share: 2, news: 3, wishes: 4, unwanted: 5 } as const;

/** What stands for the running task before the first one of a batch, and after each. */
export const NOBODY = { before: -1, after: -2 } as const;

/** A whole core, as CONTROL.share has it. */
export const WHOLE = 1_000;

const BYTES = 4 * (CONTROL.unwanted + BATCH.tasksMax.default);

/** Words for one batch. */
export function newControl(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(BYTES));
}

/** Makes words those of a batch that has not begun. */
export function clear(control: Int32Array, share: number): Int32Array {
  control.fill(0);
  control[CONTROL.current] = NOBODY.before;
  control[CONTROL.share] = Math.round(share * WHOLE);
  return control;
}

/** The words that somebody else has made; words of its own where nothing is shared. */
export function wordsFor(shared: SharedArrayBuffer | undefined): Int32Array {
  if (shared) return new Int32Array(shared);
  const own = new Int32Array(BYTES / 4);
  own[CONTROL.share] = WHOLE;
  return own;
}

/** Tells the thread that a task is not wanted any more: it hears of it when the task begins or asks for fuel, or in its sleep. */
export function withdraw(control: Int32Array, place: number): void {
  Atomics.store(control, CONTROL.unwanted + place, 1);
  wake(control);
}

export function isWanted(control: Int32Array, place: number): boolean {
  return Atomics.load(control, CONTROL.unwanted + place) === 0;
}

/** Changes the share of a core that the thread may have. */
export function setShare(control: Int32Array, share: number): void {
  Atomics.store(control, CONTROL.share, Math.round(share * WHOLE));
  wake(control);
}

/** How many news there have been. */
export function newsOf(control: Int32Array): number {
  return Atomics.load(control, CONTROL.news);
}

/** Sleeps until there are other news than those known, at most so many ms. */
export function sleep(control: Int32Array, known: number, ms: number): void {
  Atomics.wait(control, CONTROL.news, known, ms);
}

/** Tells a stepper's task that there is a wish at its port. */
export function tellWish(control: Int32Array): void {
  Atomics.add(control, CONTROL.wishes, 1);
  wake(control);
}

/** Tells the thread that there is an answer at its port. */
export function tellAnswer(control: Int32Array): void {
  wake(control);
}

function wake(control: Int32Array): void {
  Atomics.add(control, CONTROL.news, 1);
  Atomics.notify(control, CONTROL.news);
}
