// Starts steppers that can be spoken to in a pool, and goes on with them from their images.
import { LodgerError } from '../../runtime/base/errors.ts';
import { check } from '../../runtime/base/schema.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice, Steps } from '../../runtime/job/steps.ts';
import { type Runner, type RunOptions, type StartOptions, StartOptionsSchema } from '../../runtime/job/task.ts';
import type { Wish } from '../../runtime/sandbox/conduct.ts';
import { givenOf, type Permit, type Permitter } from '../../runtime/sandbox/permit.ts';
import { permitLive, permitSteps, permitStored } from '../../runtime/sandbox/permit-steps.ts';
import type { TaskIdentity } from '../../runtime/snapshot/manifest.ts';
import type { Session } from '../grants/session.ts';
import { type Boarding, callersKeeper, createBoarding, type Keeper } from './steps.ts';

/** What the pool does for it. */
export interface Stage<Entry> {
  submit(permit: Permit, given: Given): { readonly entry: Entry; readonly outcome: Promise<Outcome> };
  cancel(entry: Entry, reason: LodgerError): void;
  /** A task is going to be paused: one that waits is taken back at once, with ERR_ABORTED. */
  pause(entry: Entry): void;
}

/** What a task has of its own. */
export interface OneTask {
  readonly input: Uint8Array;
  readonly index: number;
  readonly signal?: AbortSignal;
  /** Who answers what it asks of the outside, where that is not this pool. */
  readonly session?: Session;
  /** Which task it is, of one that goes on from an image. */
  readonly identity?: TaskIdentity;
}

/** One task to submit. */
export interface Given extends OneTask {
  readonly steps: Boarding;
}

/** A task that can be spoken to. */
export interface Started {
  /** How it ends. Rejects with what `keeper` threw, and otherwise as `run` does. */
  readonly outcome: Promise<Outcome>;
  wish(wish: Wish): Promise<ImageNotice | undefined>;
}

export interface Starter extends Pick<Runner, 'start' | 'resume'> {
  /** `run` of a stepper whose caller wants to hear of its steps. */
  run: Runner['run'];
  /** One whose terms are settled, with somebody else for its images. */
  begin(permit: Permit, keeper: Keeper, own: OneTask): Started;
  /** Resolves when the images of all tasks have been stored. */
  idle(): Promise<unknown>;
}

export function createStarter<Entry>(permitter: Permitter, { submit, cancel, pause }: Stage<Entry>): Starter {
  const pending = new Set<Promise<unknown>>();
  const begin = (permit: Permit, keeper: Keeper, own: OneTask): Started => {
    let failure: LodgerError | undefined;
    const steps = createBoarding(keeper, (error) => {
      failure ??= callersOwn(error);
      cancel(entry, failure);
    });
    const { entry, outcome: ended } = submit(permit, { ...own, steps });
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
      wish: (wish) => {
        if (wish.kind === 'pause') pause(entry);
        return steps.wish(wish);
      },
    };
  };
  const stepsOf = (permit: Permit, { outcome, wish }: Started): Steps => ({
    outcome,
    image: () => wish({ kind: 'image' }),
    pause: () => wish({ kind: 'pause' }),
    setLimits: async (limits) => wish({ kind: 'limits', limits: permitLive(permitter, permit, limits) }),
  });
  return {
    idle: () => Promise.allSettled(pending),
    begin,
    run: (task, options = {}) => {
      const permit = permitSteps(permitter, task);
      return begin(permit, callersKeeper(options), { ...givenOf(permit, task), ...signalOf(options) }).outcome;
    },
    start: (task, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const permit = permitSteps(permitter, task);
      const own = { ...givenOf(permit, task), ...signalOf(checked) };
      return stepsOf(permit, begin(permit, callersKeeper(checked), own));
    },
    resume: (image, terms, options) => {
      const checked = check(StartOptionsSchema, options) as StartOptions;
      const { permit, open } = permitStored(permitter, terms, { store: checked.checkpoint.store, image });
      const { task: identity } = open.image.manifest;
      const own = { input: new Uint8Array(), index: identity.index, identity, ...signalOf(checked) };
      return stepsOf(permit, begin(permit, callersKeeper(checked, open), own));
    },
  };
}

function signalOf({ signal }: RunOptions): Pick<OneTask, 'signal'> {
  return signal ? { signal } : {};
}

/** What the store or a function of the caller's threw. */
function callersOwn(cause: unknown): LodgerError {
  if (cause instanceof LodgerError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LodgerError('ERR_HOST_FAULT', [reason], { cause });
}
