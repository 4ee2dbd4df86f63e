// One task of a stepper whose images are in a folder: it goes on from the newest, or begins, and is paused where its caller leaves.
import { toHex } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice, StepProgress, Steps } from '../../runtime/job/steps.ts';
import type { Runner, Task } from '../../runtime/job/task.ts';
import { node } from '../platform/node.ts';
import type { FolderStore } from './folder-store.ts';
import { refusal } from './job-file.ts';
import { type Damaged, findTrail, imagesOf, shortened } from './trail.ts';

export interface StepperOptions {
  readonly store: FolderStore;
  /** Whether the folder is this task's alone, so that images of others are refused. */
  readonly alone?: boolean;
  /** How often an image is taken; every 10 s by default. */
  readonly everyMs?: number;
  /** Whether images stay that are needed no more to go on; in any case those of the end stay. */
  readonly keepImages?: boolean;
  /** Takes an image and ends it with `ERR_ABORTED`. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StepProgress) => void;
  /** Told before it goes on from an image. */
  readonly onResumed?: (image: ImageNotice) => void;
  /** Told of images that it could not go on from. */
  readonly onDamaged?: (image: Damaged) => void;
  /** Told when `signal` has ended it, of the image it can be gone on with. */
  readonly onPaused?: (image: ImageNotice) => void;
}

/** What it came to, and the way to be rid of its images. */
export interface KeptOutcome {
  readonly outcome: Outcome;
  forget(): Promise<void>;
}

/** Throws what `run` does, `ERR_FILE`, and `ERR_OPTION_INVALID` for images of the task under other limits. */
export async function runStepper(runner: Runner, task: Task, options: StepperOptions): Promise<KeptOutcome> {
  const { store, everyMs, keepImages = false, onProgress, onResumed, onDamaged } = options;
  const { kernel, seed = 0, index = 0, limits = {} } = task;
  const input = kernel.encode(task.input);
  const identity = { kernel: kernel.digest, input: toHex(node.digest(input)), seed, index };
  const trail = findTrail(store, { task: identity, limits });
  if (options.alone && trail.others > 0) throw refusal(store.path, 'it has images of another task or version');
  for (const image of trail.damaged) onDamaged?.(image);
  const spoken = {
    checkpoint: { store: keepImages ? store : shortened(store, trail), ...(everyMs !== undefined && { everyMs }) },
    ...(onProgress && { onProgress }),
  };
  if (trail.from) onResumed?.(trail.from);
  const { input: _, index: __, transfer: ___, seed: ____, ...terms } = task;
  const steps = trail.from ? runner.resume(trail.from.digest, terms, spoken) : runner.start({ ...task, input }, spoken);
  const outcome = await pausable(steps, options);
  return {
    outcome,
    forget: async () => {
      for (const digest of imagesOf(store, identity)) await store.delete(digest);
    },
  };
}

/** Where the caller leaves, the image is in its folder before it is told. */
async function pausable(steps: Steps, { signal, onPaused }: StepperOptions): Promise<Outcome> {
  let left: Promise<ImageNotice | undefined> | undefined;
  const pause = () => {
    left = steps.pause();
  };
  if (signal?.aborted) pause();
  else signal?.addEventListener('abort', pause, { once: true });
  try {
    return await steps.outcome;
  } finally {
    signal?.removeEventListener('abort', pause);
    const image = await left;
    if (image) onPaused?.(image);
  }
}
