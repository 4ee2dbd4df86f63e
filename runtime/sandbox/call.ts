// What a task comes to when everything about it is settled, and where it runs.
import type { Limits } from '../base/limits.ts';
import type { Digest, Platform } from '../base/platform.ts';
import type { Engine } from '../engine/engine.ts';
import type { OutsideTerms } from '../job/outside.ts';
import type { Doors } from './beyond.ts';
import type { Wishes } from './fuel.ts';

/** One call of a kernel, with everything filled in and checked. Plain data, so that a thread can be told. */
export interface Call {
  readonly input: Uint8Array;
  readonly limits: Limits;
  /** Granted blobs by name; their digests were checked. */
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  /** Of a WASI program. */
  readonly args?: readonly string[] | undefined;
  readonly seed: number;
  readonly index: number;
  readonly digests: boolean;
  /** By this number an engine with a stopper can be told to end it, where it is not metered. */
  readonly job?: number;
  /** Of a task that goes on from an image: what it was and had used until then. Its input is not needed any more. */
  readonly before?: {
    readonly elapsedMs: number;
    readonly fuel: number;
    readonly input: Digest;
    readonly inputBytes: number;
  };
  /** What the host wants of it while it runs, where it is metered. */
  readonly wishes?: Wishes;
  /** What it was granted beyond itself. */
  readonly outside?: OutsideTerms | undefined;
}

/** Where tasks run: an engine and what the runtime gets from its host. */
export interface Place<Compiled = unknown> {
  readonly engine: Engine<Compiled>;
  readonly platform: Platform;
  /** For grants that reach beyond a task. */
  readonly doors?: Doors;
}
