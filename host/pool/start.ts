// Starts steppers that can be spoken to on a pool's threads, and goes on with them from their images.
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { check } from '../../runtime/base/schema.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Steps } from '../../runtime/job/steps.ts';
import { type Runner, type RunOptions, type StartOptions, StartOptionsSchema } from '../../runtime/job/task.ts';
import {
  givenOf,
  type Permit,
  type Permitter,
  permitImage,
  permitLive,
  permitSteps,
} from '../../runtime/sandbox/permit.ts';
import { openImage } from '../../runtime/snapshot/store.ts';
import type { Entry } from './lane.ts';
import { type Boarding, createBoarding } from './steps.ts';

/** What the pool does for it. */
export interface Stage {
  readonly permitter: Permitter;
  submit(permit: Permit, given: Given): { readonly entry: Entry; readonly outcome: Promise<Outcome> };
  cancel(entry: Entry, reason: LodgerError): void;
}

/** One task to submit. */
export interface Given {
  readonly input: Uint8Array;
  readonly index: number;
  readonly steps: Boarding;
  readonly signal?: AbortSignal;
}

export interface Starter extends Pick<Runner, 'start' | 'resume'> {
  /** `run` of a stepper whose caller wants to hear of its steps. */
  run: Runner['run'];
  /** Resolves when the images of all tasks have been stored. */
  idle(): Promise<unknown>;
}

export function createStarter({ permitter, submit, cancel }: Stage): Starter {
  const pending = new Set<Promise<unknown>>();
  const begin = (
    permit: Permit,
    options: RunOptions,
    given: Pick<Given, 'input' | 'index'> & { from?: string },
  ): Steps => {
    const { signal, checkpoint, onProgress } = options;
    const { input, index, from } = given;
    let failure: LodgerError | undefined;
    const steps = createBoarding({
      ...(checkpoint && { checkpoint }),
      ...(onProgress && { onProgress }),
      ...(from !== undefined && { from }),
      onFailed: (error) => {
        failure ??= callersOwn(error);
        cancel(entry, failure);
      },
    });
    const { entry, outcome: ended } = submit(permit, { input, index, steps, ...(signal && { signal }) });
    const outcome = ended
      .finally(() => steps.close())
      .then(
        (result) => {
          if (failure) throw failure;
          return result;
        },
        (error: unknown) => {
          throw failure ?? error;
        },
      );
    pending.add(outcome);
    // Whoever pauses a task does not have to look at how it ended.
    outcome.catch(() => undefined).finally(() => pending.delete(outcome));
    return {
      outcome,
      image: () => steps.wish({ kind: 'image' }),
      pause: () => {
        if (!entry.flight) cancel(entry, new LodgerError('ERR_ABORTED'));
        // It stands for the outcome that there will not be.
        entry.withdrawn ??= new LodgerError('ERR_ABORTED');
        return steps.wish({ kind: 'pause' });
      },
      setLimits: async (limits) => steps.wish({ kind: 'limits', limits: permitLive(permitter, permit, limits) }),
    };
  };
  return {
    idle: () => Promise.allSettled(pending),
    run: (task, options = {}) => {
      const permit = permitSteps(permitter, task);
      return begin(permit, options, givenOf(permit, task)).outcome;
    },
    start: (task, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const permit = permitSteps(permitter, task);
      return begin(permit, checked, givenOf(permit, task));
    },
    resume: (image, terms, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const memoryBytesMax = TASK.memoryBytesMax.max;
      const { store } = checked.checkpoint;
      const { manifest } = openImage(store, image, { platform: permitter.platform, memoryBytesMax }).image;
      const permit = permitImage(permitter, terms, manifest);
      return begin(permit, checked, { input: new Uint8Array(), index: manifest.task.index, from: image });
    },
  };
}

/** What the store or a function of the caller's threw. */
function callersOwn(cause: unknown): LodgerError {
  if (cause instanceof LodgerError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LodgerError('ERR_HOST_FAULT', [reason], { cause });
}
