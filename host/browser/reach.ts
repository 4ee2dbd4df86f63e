// Which tasks a kernel worker for plain kernels can run, and which take one for all kernels.
import type { Permit } from '../../runtime/sandbox/permit.ts';

/** What a kernel worker can run. */
export type Reach = 'plain' | 'whole';

const PLAIN: readonly string[] = ['exit', 'log', 'clock', 'blobs'];

/** What a task takes that is not told to work in steps. */
export function reachOf({ kernel: { shape, imports }, outside }: Permit): Reach {
  const isPlain = shape === 'kernel' && !outside && imports.every((one) => PLAIN.includes(one.interface));
  return isPlain ? 'plain' : 'whole';
}
