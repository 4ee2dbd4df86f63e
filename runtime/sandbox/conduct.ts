// Takes a stepper's task from step to step, hears wishes in between, and gives images when they are due.
import type { Platform } from '../base/platform.ts';
import type { Outcome } from '../job/outcome.ts';
import type { Checkpoints, ImageNotice, LiveLimits, Parts, StepProgress } from '../job/steps.ts';
import type { RunOptions } from '../job/task.ts';
import { joined } from '../snapshot/difference.ts';
import { createMarks } from '../snapshot/marks.ts';
import type { Stepping } from './stepping.ts';

/** What somebody wants of a task between two steps. */
export type Wish = { readonly kind: 'image' | 'pause' } | { readonly kind: 'limits'; readonly limits: LiveLimits };

/** What is told of it: how far it is, with images if there are any, the answer to a wish or not. */
export interface Told<One> extends StepProgress {
  readonly images: readonly One[];
  readonly answers: boolean;
}

/** The stored form of an image. */
export interface Stored {
  readonly digest: string;
  readonly parts: Parts;
}

export type Notice = Told<Stored>;

/** When images are due; never where nothing is said. */
export type Schedule = Pick<Checkpoints, 'everyMs' | 'everyFuel' | 'markFuel' | 'untilStep'>;

/** Unless the caller says something else. */
const EVERY_MS = 10_000;

export function scheduleOf(checkpoint: Checkpoints | undefined): Schedule {
  if (!checkpoint) return {};
  const { store: _, onImage: __, ...schedule } = checkpoint;
  return Object.keys(schedule).length === 0 ? { everyMs: EVERY_MS } : schedule;
}

/** Tells the caller of a notice, and of each of its images when that is stored; the last one. Throws what the caller's own code throws. */
export async function pass(
  { step, share, fuel, images }: Notice,
  { checkpoint, onProgress }: Pick<RunOptions, 'checkpoint' | 'onProgress'>,
): Promise<ImageNotice | undefined> {
  onProgress?.({ step, share, fuel });
  let last: ImageNotice | undefined;
  for (const { digest, parts } of images) {
    const store = checkpoint?.store;
    await (store?.putParts ? store.putParts(digest, parts) : store?.put(digest, joined(parts)));
    last = { digest, step, share, fuel };
    checkpoint?.onImage?.(last);
  }
  return last;
}

/** Where wishes come from, and notices go to. `One` is as much of an image as is made by whoever drives the task. */
export interface Desk<One = Stored> {
  readonly schedule: Schedule;
  /** Takes an image of the task as it is. */
  take(stepping: Stepping): One;
  /** The next wish that was not heard yet. */
  next(): Wish | undefined;
  /** Whether all that was told before is stored, so that another image may follow. */
  isClear(): boolean;
  tell(notice: Told<One>): void;
}

/** Takes whole images, in their stored form. */
export function takeStored(stepping: Stepping): Stored {
  const { image, bytes } = stepping.take();
  return { digest: image.digest, parts: [bytes] };
}

/** Progress is told no more often. */
const PROGRESS_MS = 100;
/** So often is it looked, 1 ms apart, whether the image before is stored. A mark whose image does not fit in then is left out. */
const LOOKS_MAX = 2_000;

/** Yields after every step, so that whoever drives it can do something else; how the task ended, or `undefined` when it was paused. */
export function* conduct<One>(
  stepping: Stepping,
  desk: Desk<One>,
  platform: Platform,
): Generator<void, Outcome | undefined> {
  const { everyMs = Number.POSITIVE_INFINITY, everyFuel = Number.POSITIVE_INFINITY, ...more } = desk.schedule;
  const { markFuel, untilStep = Number.POSITIVE_INFINITY } = more;
  const marks = markFuel === undefined ? undefined : createMarks(markFuel, stepping.fuel);
  let last = { ms: platform.now(), fuel: stepping.fuel };
  let toldAt = platform.now();
  const take = () => desk.take(stepping);
  const tell = (images: readonly One[], answers: boolean) => {
    toldAt = platform.now();
    if (images.length > 0) last = { ms: toldAt, fuel: stepping.fuel };
    const { step, share, fuel } = stepping;
    desk.tell({ step, share, fuel, images, answers });
  };

  try {
    while (stepping.goesOn) {
      stepping.advance();
      if (!stepping.goesOn) break;
      for (let wish = desk.next(); wish; wish = desk.next()) {
        tell(wish.kind === 'limits' ? stepping.setLimits(wish.limits, take) : [take()], true);
        if (wish.kind !== 'pause') continue;
        stepping.leave();
        return undefined;
      }
      const now = platform.now();
      const isLast = stepping.step >= untilStep;
      const isMark = marks?.meets(stepping.fuel) === true || isLast;
      for (let looks = 0; isMark && !desk.isClear() && looks < LOOKS_MAX; looks++) {
        yield;
        if (!desk.isClear()) platform.hold?.(1);
      }
      const isDue = isMark || now - last.ms >= everyMs || stepping.fuel - last.fuel >= everyFuel;
      if (isDue && desk.isClear()) tell([take()], false);
      else if (now - toldAt >= PROGRESS_MS) tell([], false);
      if (isLast) {
        stepping.leave();
        return undefined;
      }
      yield;
    }
  } catch (thrown) {
    // No image could be taken, for want of memory say. That is no fault of the guest.
    stepping.fail(thrown);
  }
  return stepping.end();
}
