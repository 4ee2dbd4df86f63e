// What a pool is asked for and what it can do, as its callers see it: none of its insides.
import { availableParallelism } from 'node:os';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import { POOL } from '../../runtime/base/limits.ts';
import { check, integer, oneOf } from '../../runtime/base/schema.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../../runtime/job/form.ts';
import type { Runner } from '../../runtime/job/task.ts';
import { type Policy, PolicySchema } from '../../runtime/policy/policy.ts';
import type { PoolStats } from './stats.ts';

export interface PoolOptions {
  /** `auto` (the default) is V8; `wasmtime` needs the native library. */
  readonly engine?: EngineChoice;
  /** Threads that work at a time, 1 to 256; the number of cores by default. One more is kept warm. */
  readonly threads?: number;
  /** Tasks that may wait, 0 to 1048576; `run` refuses beyond it with ERR_QUEUE_FULL. */
  readonly queueMax?: number;
  /** Bytes of inputs and results that one `map` holds at a time. */
  readonly windowBytesMax?: number;
  /** Compiled kernels that are kept, least recently used first out. */
  readonly kernelsKept?: number;
  /** What tasks may ask for at most. */
  readonly policy?: Policy;
  /**
   * Whether kernels count their fuel, as they do by default. Without it they run faster, their threads have to be ended to stop them on
   * V8, and `limits.fuelMax` and `cpuShare` are refused.
   */
  readonly metered?: boolean;
  /** The share of one core that each thread may have, 0.05 to 1, which is the default. */
  readonly cpuShare?: number;
}

const CpuShareSchema = v.pipe(
  v.number('a number'),
  v.minValue(POOL.cpuShareMin.default, `at least ${POOL.cpuShareMin.default}`),
  v.maxValue(1, 'at most 1'),
);

/** Options of a pool, from unknown data. */
export const PoolOptionsSchema = v.strictObject({
  engine: v.exactOptional(oneOf(ENGINE_CHOICES)),
  threads: v.exactOptional(integer(1, POOL.threads.max)),
  queueMax: v.exactOptional(integer(0, POOL.queueMax.max)),
  windowBytesMax: v.exactOptional(integer(1, POOL.windowBytesMax.max)),
  kernelsKept: v.exactOptional(integer(1, POOL.kernelsKept.max)),
  policy: v.exactOptional(PolicySchema),
  metered: v.exactOptional(v.boolean('true or false')),
  cpuShare: v.exactOptional(CpuShareSchema),
});

/** A runner on the threads of this process. */
export interface Pool extends Runner {
  stats(): PoolStats;
  /** Changes the share of one core that each thread may have, 0.05 to 1. What runs hears of it at once. Throws `ERR_OPTION_INVALID`. */
  setCpuShare(share: number): void;
  /** `drain` (the default) lets what was submitted finish; `end` ends it with ERR_CLOSED. Either way no thread is left. */
  close(how?: 'drain' | 'end'): Promise<void>;
}

/** Options as code reads them. */
export interface FilledOptions extends Required<Omit<PoolOptions, 'policy'>> {
  readonly policy?: Policy;
}

/** Options from unknown data, with the defaults. Throws `ERR_OPTION_INVALID` and `ERR_LIMIT_UNENFORCED`. */
export function fillOptions(options: PoolOptions): FilledOptions {
  const given = check(PoolOptionsSchema, options);
  const { metered = true, cpuShare = POOL.cpuShare.default } = given;
  mustShare(cpuShare, metered);
  return {
    engine: 'auto',
    threads: availableParallelism(),
    queueMax: POOL.queueMax.default,
    windowBytesMax: POOL.windowBytesMax.default,
    kernelsKept: POOL.kernelsKept.default,
    ...given,
    metered,
    cpuShare,
  };
}

/** A share of a core from unknown data. Throws like `fillOptions`: what does not ask for fuel cannot be slowed. */
export function mustShare(share: number, metered: boolean): number {
  const { cpuShare } = check(v.object({ cpuShare: CpuShareSchema }), { cpuShare: share });
  if (metered || cpuShare === 1) return cpuShare;
  throw new LodgerError('ERR_LIMIT_UNENFORCED', ['cpuShare', 'it was made with metered: false']);
}
