// The door to both pools: threads of this process, or of another one with walls around it.
import * as v from 'valibot';
import { check, integer, oneOf } from '../../runtime/base/schema.ts';
import { fillOptions, type Pool, type PoolOptions, PoolOptionsSchema } from '../pool/options.ts';
import { createPool as createThreads } from '../pool/pool.ts';
import { CELL } from './ceilings.ts';
import type { CellPool } from './pool.ts';
import { type Strictness, StrictnessSchema } from './walls.ts';

/** Where kernels run. */
export const ISOLATIONS = ['thread', 'process'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

export interface IsolatedOptions extends PoolOptions {
  readonly isolation: 'process';
  /** Which walls there have to be: `any` that this machine has (the default), the `floor` for strangers' kernels, `all`, or these. */
  readonly strict?: Strictness;
  /** Bytes that the process may hold, at least 256 MiB; half of the machine's memory by default. One that takes more is ended. */
  readonly cellMemoryBytesMax?: number;
}

export interface ThreadOptions extends PoolOptions {
  readonly isolation?: 'thread';
}

/** Threads of this process have room for a task's input, which is then not copied. */
interface WithRoom {
  room?(bytes: number): Uint8Array;
}

const LEAST_BYTES = 256 * 2 ** 20;

const OptionsSchema = v.strictObject({
  ...PoolOptionsSchema.entries,
  isolation: v.exactOptional(oneOf(ISOLATIONS)),
  strict: v.exactOptional(StrictnessSchema),
  cellMemoryBytesMax: v.exactOptional(integer(LEAST_BYTES, CELL.memoryBytesMax.max)),
});

/** For the command line: what it asks of threads of its own. */
interface Asked {
  readonly spares?: 0 | 1;
  readonly batchMsTarget?: number;
}

/**
 * Starts a pool: on threads of this process, or with `isolation: 'process'` on those of a jailed one, where a kernel that broke out of its
 * engine would find nothing. Throws `ERR_OPTION_INVALID`, `ERR_ENGINE_MISSING`, and `ERR_ISOLATION_MISSING` for walls that `strict` wants.
 */
export async function createPool(options: IsolatedOptions): Promise<CellPool>;
export async function createPool(options?: ThreadOptions): Promise<Pool>;
export async function createPool(
  options?: IsolatedOptions | ThreadOptions | (PoolOptions & { readonly isolation: Isolation }),
  internals?: Asked,
): Promise<Pool & WithRoom>;
export async function createPool(
  options: PoolOptions & { readonly isolation?: Isolation } = {},
  internals: Asked = {},
): Promise<Pool & WithRoom> {
  const { isolation = 'thread', strict, cellMemoryBytesMax, ...rest } = check(OptionsSchema, options);
  if (isolation === 'process') {
    const memory = cellMemoryBytesMax === undefined ? {} : { memoryBytesMax: cellMemoryBytesMax };
    // Most pools are of threads, and need nothing of this.
    const { createCellPool } = await import('./pool.ts');
    return createCellPool({ ...fillOptions(rest), strict: strict ?? 'any', ...memory });
  }
  const never = v.exactOptional(v.never('left out but with isolation "process"'));
  check(v.strictObject({ strict: never, cellMemoryBytesMax: never }), {
    ...(strict === undefined ? {} : { strict }),
    ...(cellMemoryBytesMax === undefined ? {} : { cellMemoryBytesMax }),
  });
  return createThreads(rest, internals);
}
