// The nouns "task" and "job", and the one interface at every distance: a sandbox in this thread, a pool, later a cell or a grid.
import * as v from 'valibot';
import { JOB } from '../base/limits.ts';
import type { Digest } from '../base/platform.ts';
import { bytes, integer } from '../base/schema.ts';
import { type Grant, GrantSchema } from '../policy/grant.ts';
import { ArgsSchema } from './args.ts';
import type { Kernel } from './kernel.ts';
import { LimitsSchema, type SomeLimits } from './limits.ts';
import type { Outcome } from './outcome.ts';
import { type Checkpoints, CheckpointsSchema, type StepProgress, type Steps } from './steps.ts';

/** What a task and a job have in common. */
export interface Terms<Input = unknown> {
  readonly kernel: Kernel<Input>;
  readonly limits?: SomeLimits;
  readonly grants?: readonly Grant[];
  /** The bytes behind the `blobs` grants, by name. Checked against the grant's digest before their first use. */
  readonly blobs?: Readonly<Record<string, Uint8Array>>;
  /** Of a WASI program: its arguments, after its name. */
  readonly args?: readonly string[];
  /** Seeds `random`, 0 to 2^53 - 1. The same seed gives the same bytes on every host. */
  readonly seed?: number;
  /** Whether the receipt names input and output by digest. */
  readonly digests?: boolean;
  /**
   * Whether NaNs that arithmetic makes have the same bits on every machine, as they have by default. Without it float kernels run a
   * little faster.
   */
  readonly deterministic?: boolean;
}

/** One call of one kernel on one input. */
export interface Task<Input = unknown> extends Terms<Input> {
  /** Bytes; or, of a kernel with `payload`, a value that fits it. */
  readonly input: Input | Uint8Array;
  /** Its place in its job; makes its random stream different from its neighbours'. */
  readonly index?: number;
  /** Whether the input's buffer may be moved away from the caller instead of copied. Of bytes only: values are copied once. */
  readonly transfer?: boolean;
}

/** A kernel and many inputs. */
export interface Job<Input = unknown> extends Terms<Input> {
  readonly inputs: Iterable<Input | Uint8Array> | AsyncIterable<Input | Uint8Array>;
  /** Makes one outcome of all results. */
  readonly merge?: Merge;
}

/**
 * How the results of a job become one: `arity` of them at a time, in input order, are the input of a task of this kernel; its results are
 * merged in the same way, until one is left. What each input looks like, `mergeInput` of `merge.ts` says.
 */
export interface Merge {
  readonly kernel: Kernel;
  /** 2 to 64; 16 by default. */
  readonly arity?: number;
}

export interface RunOptions {
  /** Ends the task; the promise then rejects with `ERR_ABORTED`. */
  readonly signal?: AbortSignal;
  /** Of a stepper that counts its fuel: when images of it are taken, and where they go. */
  readonly checkpoint?: Checkpoints;
  /** Of a stepper: how far it is, about ten times a second. */
  readonly onProgress?: (progress: StepProgress) => void;
}

/** How a stepper is started: its images have to have a place. */
export interface StartOptions extends RunOptions {
  readonly checkpoint: Checkpoints;
}

export interface Progress {
  readonly done: number;
  readonly failed: number;
  /** Tasks begun so far, and all of them once the inputs have ended. */
  readonly started: number;
  readonly total?: number;
}

export interface MapOptions extends Pick<RunOptions, 'signal'> {
  readonly onProgress?: (progress: Progress) => void;
}

/** Runs tasks. Refusals are thrown as LodgerError; what a task did is an outcome. */
export interface Runner {
  run<Input>(task: Task<Input>, options?: RunOptions): Promise<Outcome>;
  /** Runs a task of a stepper that can be paused, looked into and given other limits. */
  start<Input>(task: Task<Input>, options: StartOptions): Steps;
  /**
   * Goes on with a task from an image in `options.checkpoint.store`. `terms` are the task's own; its seed and its limits are the image's,
   * but for `wallMsMax`, in which the time before the image counts. Throws `ERR_IMAGE_INVALID` for an image that is damaged, or of another
   * kernel or version.
   */
  resume(image: Digest, terms: Terms, options: StartOptions): Steps;
  /**
   * The outcomes in input order, as they come, with bounded memory. Of a job with a merge the one that all results became, or none of no
   * inputs; where a task or a merge fails it is that failure.
   */
  map<Input>(job: Job<Input>, options?: MapOptions): AsyncIterableIterator<Outcome>;
  close(): Promise<void>;
}

const terms = {
  kernel: v.custom<Kernel>((value) => typeof value === 'object' && value !== null, 'a kernel made by admit()'),
  limits: v.exactOptional(LimitsSchema),
  grants: v.exactOptional(
    v.pipe(v.array(GrantSchema), v.maxLength(JOB.grants.max, `at most ${JOB.grants.max} grants`)),
  ),
  blobs: v.exactOptional(v.record(v.string(), bytes())),
  args: v.exactOptional(ArgsSchema),
  seed: v.exactOptional(integer(0, Number.MAX_SAFE_INTEGER)),
  digests: v.exactOptional(v.boolean('true or false')),
  deterministic: v.exactOptional(v.boolean('true or false')),
};

/** Terms from unknown data. */
export const TermsSchema = v.strictObject(terms);

/** A task from unknown data; the kernel itself is checked by `sealed`. */
export const TaskSchema = v.strictObject({
  ...terms,
  // The kernel's schema checks what is no bytes.
  input: v.unknown(),
  index: v.exactOptional(integer(0, Number.MAX_SAFE_INTEGER)),
  transfer: v.exactOptional(v.boolean('true or false')),
});

/** A job's terms from unknown data. */
export const JobSchema = v.strictObject({
  ...terms,
  merge: v.exactOptional(
    v.strictObject({ kernel: terms.kernel, arity: v.exactOptional(integer(2, JOB.mergeArity.max)) }),
  ),
  inputs: v.custom<Job['inputs']>(isIterable, 'an iterable of inputs'),
});

const signal = v.exactOptional(v.custom<AbortSignal>(isSignal, 'an AbortSignal'));
const onProgress = <T>() =>
  v.exactOptional(v.custom<(progress: T) => void>((value) => typeof value === 'function', 'a function'));

/** How a task is run, from unknown data. */
export const RunOptionsSchema = v.strictObject({
  signal,
  onProgress: onProgress<StepProgress>(),
  checkpoint: v.exactOptional(CheckpointsSchema),
});

/** How a stepper is started, from unknown data. */
export const StartOptionsSchema = v.strictObject({
  signal,
  onProgress: onProgress<StepProgress>(),
  checkpoint: CheckpointsSchema,
});

/** How a job is run, from unknown data. */
export const MapOptionsSchema = v.strictObject({ signal, onProgress: onProgress<Progress>() });

function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}
