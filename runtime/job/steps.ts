// What callers may do with a task of a stepper while it runs, and where its images go.
import * as v from 'valibot';
import type { Digest } from '../base/platform.ts';
import { integer } from '../base/schema.ts';
import { LimitsSchema, type SomeLimits } from './limits.ts';
import type { Outcome } from './outcome.ts';

/** Bytes in one or more parts, to be put one behind the other. */
export type Parts = readonly [Uint8Array, ...Uint8Array[]];

/** Keeps the stored forms of images by their digests. What it gives is checked again, so it need not be trusted. */
export interface ImageStore {
  /** The bytes are the store's from then on. The task's next image waits until it is done. */
  put(digest: Digest, bytes: Uint8Array): void | Promise<void>;
  /** If it is there, it is called instead, with parts that are lent until it is done, so that nothing is copied to put them together. */
  putParts?(digest: Digest, parts: Parts): void | Promise<void>;
  get(digest: Digest): Uint8Array | undefined;
  delete(digest: Digest): void | Promise<void>;
}

/** When images are taken: the first step's end after so long, or so much fuel, since the last one. By default every 10 s. */
export interface Checkpoints {
  readonly store: ImageStore;
  readonly everyMs?: number;
  readonly everyFuel?: number;
  /**
   * Images at marks as well: the first step's end at or behind each multiple of so much fuel, and so at the same steps on every machine.
   * Beyond 32 of them the distance doubles.
   */
  readonly markFuel?: number;
  /** Ends it after this step as `pause` does, with its image there. */
  readonly untilStep?: number;
  /** Told of each image that is in the store. */
  readonly onImage?: (image: ImageNotice) => void;
}

/** How far a task has got. */
export interface StepProgress {
  /** Steps done. */
  readonly step: number;
  /** The share of the work that is done, from 0 to 1. */
  readonly share: number;
  readonly fuel: number;
}

export interface ImageNotice extends StepProgress {
  readonly digest: Digest;
}

/** Limits that may change between two steps. The guest sees them, so each change is a link in the chain of images. */
export type LiveLimits = Pick<SomeLimits, 'memoryBytesMax' | 'fuelMax'>;

/** A task that was started and can be spoken to. Wishes are heard between two steps; those that come too late give `undefined`. */
export interface Steps {
  /** How it ends. Rejects with `ERR_ABORTED` after `pause`, and otherwise as `run` does. */
  readonly outcome: Promise<Outcome>;
  /** Ends it here, to be gone on with from its image. `undefined` also if it had not begun. */
  pause(): Promise<ImageNotice | undefined>;
  /** Its image now; it goes on. */
  image(): Promise<ImageNotice | undefined>;
  /** Raises or lowers limits, within the policy; no lower than what is used. The image with them. Throws `ERR_POLICY_EXCEEDED`. */
  setLimits(limits: LiveLimits): Promise<ImageNotice | undefined>;
}

const isFunction = (value: unknown) => typeof value === 'function';

export const CheckpointsSchema = v.strictObject({
  store: v.custom<ImageStore>((value) => {
    const { put, get, delete: remove } = Object(value) as Partial<ImageStore>;
    return [put, get, remove].every(isFunction);
  }, 'an image store'),
  everyMs: v.exactOptional(integer(1, 2 ** 31 - 1)),
  everyFuel: v.exactOptional(integer(1, Number.MAX_SAFE_INTEGER)),
  markFuel: v.exactOptional(integer(1, Number.MAX_SAFE_INTEGER)),
  untilStep: v.exactOptional(integer(1, Number.MAX_SAFE_INTEGER)),
  onImage: v.exactOptional(v.custom<(image: ImageNotice) => void>(isFunction, 'a function')),
});

export const LiveLimitsSchema = v.pick(LimitsSchema, ['memoryBytesMax', 'fuelMax']);
