// The noun "kernel": a module that admission let through.
import { LodgerError } from '../base/errors.ts';
import type { Digest } from '../base/platform.ts';
import type { KernelImport, Shape } from './world.ts';

/** How the kernel's strings lie in its memory. */
export type StringEncoding = 'utf8' | 'utf16';

/** What admission counted, by ceiling, for people to look at. */
export type KernelReport = Readonly<Record<string, number>>;

/** What running a kernel takes, apart from its code: plain data, so that a thread can be told. */
export interface KernelFacts {
  readonly digest: Digest;
  readonly shape: Shape;
  readonly encoding: StringEncoding;
  readonly imports: readonly KernelImport[];
  /** Which of the optional exports are there: `_initialize`, `cabi_post_run` and so on. */
  readonly optional: readonly string[];
  /** Pages of 64 KiB. `max` is the kernel's own; a task's limit may be lower. */
  readonly memory: { readonly min: number; readonly max?: number };
}

/** An admitted kernel. Made by `admit` only. */
export interface Kernel extends KernelFacts {
  readonly format: 'core' | 'component';
  /** The bytes as submitted; the digest names these. */
  readonly bytes: Uint8Array;
  /** The core module in them: the same bytes, or the main module of a component. */
  readonly core: Uint8Array;
  readonly features: readonly string[];
  readonly report: KernelReport;
}

const admitted = new WeakSet<object>();

/** For `admit` alone: marks what it made. */
export function seal(kernel: Kernel): Kernel {
  admitted.add(kernel);
  return Object.freeze(kernel);
}

/** The kernel, if `admit` made it. A look-alike has passed no check and is refused. */
export function sealed(kernel: unknown): Kernel {
  if (typeof kernel === 'object' && kernel !== null && admitted.has(kernel)) return kernel as Kernel;
  throw new LodgerError('ERR_OPTION_INVALID', ['kernel', 'a kernel made by admit()']);
}
