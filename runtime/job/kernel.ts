// The noun "kernel": a module that admission let through.
import { LodgerError } from '../base/errors.ts';
import type { Digest } from '../base/platform.ts';
import { BYTES, type Codec } from '../payload/bytes.ts';
import type { Payload } from '../payload/schema.ts';
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
  /** Each once. */
  readonly imports: readonly KernelImport[];
  /** Which of `imports` the module's own are, in its order, where it has one of them more than once: Go's linker makes such modules. */
  readonly repeats?: readonly number[];
  /** Which of the optional exports are there: `_initialize`, `cabi_post_run` and so on. */
  readonly optional: readonly string[];
  /** Pages of 64 KiB. `max` is the kernel's own; a task's limit may be lower. */
  readonly memory: { readonly min: number; readonly max?: number };
}

/**
 * An admitted kernel, frozen in all its parts. Made by `admit` only, here or at the site that a tab has its scripts from. `Input` and `Output` are what TypeScript knows of its payloads:
 * name them as `lodger build` wrote them beside the kernel. Where nothing is named, what is given is checked when it is given.
 */
export interface Kernel<Input = unknown, Output = unknown> extends KernelFacts {
  readonly format: 'core' | 'component';
  /** The bytes as submitted; the digest names these. A copy each time it is asked for. */
  readonly bytes: Uint8Array;
  /** The core module in them: the same bytes, or the main module of a component. A copy, too. */
  readonly core: Uint8Array;
  readonly features: readonly string[];
  readonly report: KernelReport;
  /** What its inputs and outputs consist of, as the kernel itself says; absent for one that takes and gives bytes. */
  readonly payload?: Payload;
  /**
   * The bytes of an input, as `run` and `map` make them: for an input that several tasks get, say. They are in memory of their own; with
   * `room` in what it gives for so many, and up to 1 KiB in memory that others share. Bytes are taken for what they are, where they are.
   * Throws `ERR_OPTION_INVALID` with the path of what does not fit, as `input.legs[3].strike`.
   */
  encode(input: Input | Uint8Array, room?: (bytes: number) => Uint8Array): Uint8Array;
  /**
   * The value in the bytes of an output. Large arrays may be views of these. Throws `ERR_OPTION_INVALID` with the path where they do
   * not fit what the kernel says. Of a kernel without `payload`, the bytes themselves.
   */
  decode(output: Uint8Array): Output;
}

/** The kernel that a caller holds, and the one that nobody outside holds, by either of the two. */
const admitted = new WeakMap<object, Kernel>();

/**
 * For `admit` alone: marks what it made, and freezes it. Bytes cannot be frozen, so callers get copies: what was checked is what runs,
 * whatever they write into theirs.
 */
export function seal(kernel: Omit<Kernel, 'encode' | 'decode'>, codec: Codec = BYTES): Kernel {
  const own = withCodec(deepFreeze({ ...kernel }), codec);
  const shown = withCodec(
    {
      ...own,
      get bytes() {
        return own.bytes.slice();
      },
      get core() {
        return own.core.slice();
      },
    },
    codec,
  );
  admitted.set(own, own);
  admitted.set(shown, own);
  return shown;
}

/**
 * For a tab whose scripts are its site's own, and whose site admits and prepares kernels for it: a kernel of which the facts alone are here.
 * Nothing can be prepared from it, since its bytes are refused with `ERR_HOST_FAULT`. It takes and gives bytes.
 */
export function sealFacts(facts: KernelFacts): Kernel {
  const absent = (): never => {
    throw new LodgerError('ERR_HOST_FAULT', ['the bytes of a kernel that a site has prepared are not here']);
  };
  const known = { ...deepFreeze({ ...facts, features: [], report: {} }), format: 'core' };
  const own = withCodec(
    Object.defineProperties(known, { bytes: { get: absent }, core: { get: absent } }) as never,
    BYTES,
  );
  admitted.set(own, own);
  return own;
}

/** The functions are not enumerable: a kernel that is cloned or printed is its facts. */
function withCodec(facts: Omit<Kernel, 'encode' | 'decode'>, { encode, decode }: Codec): Kernel {
  const whole = Object.create(Object.prototype, {
    ...Object.getOwnPropertyDescriptors(facts),
    encode: { value: encode },
    decode: { value: decode },
  });
  return Object.freeze(whole) as Kernel;
}

/** The kernel as it was admitted, if `admit` made it. A look-alike has passed no check and is refused. */
export function sealed(kernel: unknown): Kernel {
  const own = typeof kernel === 'object' && kernel !== null ? admitted.get(kernel) : undefined;
  if (own !== undefined) return own;
  throw new LodgerError('ERR_OPTION_INVALID', ['kernel', 'a kernel made by admit()']);
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null && !ArrayBuffer.isView(part)) deepFreeze(part);
  }
  return Object.freeze(value);
}
