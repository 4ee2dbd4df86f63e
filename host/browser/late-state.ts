// What stands in the I/O worker in the place of `runtime/snapshot/state.ts`: that is loaded with the first stepper, since few kernels are steppers.
import { LodgerError } from '../../runtime/base/errors.ts';
import type * as State from '../../runtime/snapshot/state.ts';

let state: typeof State | undefined;

/** To be awaited before a stepper is prepared. */
export async function loadState(): Promise<void> {
  state ??= await import('../../runtime/snapshot/state.ts');
}

export const addState: typeof State.addState = (...given) => {
  if (!state) throw new LodgerError('ERR_HOST_FAULT', ['a stepper was prepared too early']);
  return state.addState(...given);
};
