// The options `--checkpoint` and `--every`: what is said of work that goes on where it was broken off.
import { rmdir } from 'node:fs/promises';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { formatCount, parseDuration, short } from '../../runtime/base/units.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice, StepProgress } from '../../runtime/job/steps.ts';
import type { Runner, Task } from '../../runtime/job/task.ts';
import { folderStore } from '../keep/folder-store.ts';
import type { KeepNotice } from '../keep/keep.ts';
import { runStepper } from '../keep/stepper.ts';
import { note } from './say.ts';

/** Longer ones no timer knows. */
const EVERY_MS_MAX = 2 ** 31 - 1;

export interface CheckpointFlags {
  readonly checkpoint?: string;
  readonly every?: number;
  readonly keepImages?: true;
}

/** Reads how often images are taken. */
export function everyTime(text: string): number {
  const ms = parseDuration(text, '--every');
  if (ms >= 1 && ms <= EVERY_MS_MAX) return ms;
  throw new LodgerError('ERR_OPTION_INVALID', ['--every', 'a time from 1ms to 24 days']);
}

/** Refuses options that say nothing without `--checkpoint`. */
export function checkCheckpoint({ checkpoint, every, keepImages }: CheckpointFlags): void {
  const lonely = every !== undefined ? '--every' : keepImages ? '--keep-images' : undefined;
  if (checkpoint === undefined && lonely !== undefined) {
    throw new LodgerError('ERR_OPTION_INVALID', [lonely, 'given with --checkpoint']);
  }
}

/** One task whose images are in a folder, from where it goes on. */
export interface Kept {
  readonly outcome: Outcome;
  readonly resumed?: StepProgress;
  /** Removes its images, once the outcome is in good hands; unless it can be gone on with, or they are to stay. */
  tidy(): Promise<void>;
}

/** Runs a stepper, from the newest image in the folder if there is one. Throws `ERR_OPTION_INVALID` for what is no stepper. */
export async function runKept(
  runner: Runner,
  task: Task,
  { checkpoint = '', every, keepImages }: CheckpointFlags,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress?: (progress: StepProgress) => void },
): Promise<Kept> {
  const { shape } = task.kernel;
  if (shape !== 'stepper') {
    const reason = `left out: only steppers can be gone on with, and this kernel is a ${shape === 'kernel' ? 'plain one' : shape}`;
    throw new LodgerError('ERR_OPTION_INVALID', ['--checkpoint', reason]);
  }
  const store = folderStore(checkpoint);
  let resumed: ImageNotice | undefined;
  const { limits } = task;
  const { outcome, forget } = await runStepper(
    runner,
    // All of them said, so that images under others are not taken for this task's.
    { ...task, limits: { ...fillLimits(limits), fuelMax: limits?.fuelMax ?? TASK.fuelMax.default } },
    {
      ...{ store, signal, keepImages: keepImages === true },
      ...(every !== undefined && { everyMs: every }),
      ...(onProgress && { onProgress }),
      onDamaged: (image) => noteDamaged(image),
      onResumed: (image) => {
        resumed = image;
        note(`lodger: goes on from ${placeOf(image)}`);
      },
      onPaused: (image) => note(`lodger: left at ${placeOf(image)}: the same command goes on from there`),
    },
  );
  return {
    outcome,
    ...(resumed && { resumed: { step: resumed.step, share: resumed.share, fuel: resumed.fuel } }),
    tidy: async () => {
      if (canGoOn(outcome)) note(`lodger: its images stay in ${checkpoint}: the same command goes on from there`);
      else if (!keepImages) {
        await forget();
        // What somebody else put there stays.
        await rmdir(store.path).catch(() => undefined);
      }
    },
  };
}

/** Time is no part of a task that its guest could see, and what a host could not do another may. */
function canGoOn(outcome: Outcome): boolean {
  return outcome.state === 'failed' && (outcome.fault === 'host' || outcome.code === 'ERR_WALL_SPENT');
}

/** Says what became of the tasks of a job that was started again, and counts it. */
export function createTakenOver(): { readonly onNotice: (notice: KeepNotice) => void; read(): TakenOver } {
  const counts = { kept: 0, resumed: 0 };
  return {
    onNotice: (notice) => {
      const { kind, index } = notice;
      switch (kind) {
        case 'kept':
          counts.kept++;
          return;
        case 'resumed':
          counts.resumed++;
          return note(`lodger: task ${index} goes on from ${placeOf(notice.image)}`);
        case 'paused':
          return note(`lodger: task ${index} was left at ${placeOf(notice.image)}`);
        case 'damaged':
          return noteDamaged(notice.image, `task ${index}: `);
        case 'lost':
          return note(`lodger: task ${index}: its outcome is damaged; it is run again`);
        default:
          return notice satisfies never;
      }
    },
    read: () => ({ ...counts }),
  };
}

/** What a job did not have to do again. */
export interface TakenOver {
  /** Tasks whose outcomes were there. */
  readonly kept: number;
  /** Tasks that went on from an image. */
  readonly resumed: number;
}

function noteDamaged({ digest, step, reason }: { digest: string; step?: number; reason: string }, whose = ''): void {
  const which = step === undefined ? '' : ` of step ${step}`;
  note(`lodger: ${whose}image ${digest.slice(0, 12)}${which} is left out, and the one before is taken: ${reason}`);
}

function placeOf({ step, share, fuel }: StepProgress): string {
  return `step ${step} (${short(share * 100)} %, fuel ${formatCount(fuel)})`;
}
