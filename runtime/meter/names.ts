// The names that metered modules share with their host, and the refusal of modules that use them already.
import { LodgerError } from '../base/errors.ts';
import type { Module } from '../wasm/module.ts';

/** Functions of the host that a metered module calls; added behind the module's own imported functions, in this order. */
export const METER_IMPORTS = {
  module: 'lodger:host',
  /** `() -> ()`. The counter is below zero: adds fuel to it and returns, or throws. */
  refill: 'refill',
  /** `() -> ()`. The stack's weight is used up: throws. When it returns, the guest traps. */
  stackSpent: 'stack',
  /** `(i32) -> ()`. The memory did not grow by so many pages: throws where that is the host's fault, and not the guest's limit. */
  growRefused: 'grow',
} as const;

/** Mutable globals that a metered module exports. */
export const METER_EXPORTS = {
  /** i64: what is left of the fuel given so far; 0 at first. */
  fuel: 'lodger:fuel',
  /** i64: stack weight left; STACK_WEIGHT_MAX at first. */
  stack: 'lodger:stack',
} as const;

/** No export of a submitted module begins like this. */
const RESERVED = 'lodger:';

/** Throws `ERR_KERNEL_INTERFACE` for a module that has our imports or exports, so that nothing is metered twice or in disguise. */
export function checkNames({ imports, exports }: Module): void {
  const { module, ...names } = METER_IMPORTS;
  const taken = imports.find((one) => one.module === module && (Object.values(names) as string[]).includes(one.name));
  if (taken !== undefined) {
    throw new LodgerError('ERR_KERNEL_INTERFACE', [
      `it imports "${taken.name}" from "${module}", which is the meter's`,
    ]);
  }
  if (exports.some(({ name }) => name.startsWith(RESERVED))) {
    throw new LodgerError('ERR_KERNEL_INTERFACE', [`exports that begin with "${RESERVED}" are the host's`]);
  }
}
