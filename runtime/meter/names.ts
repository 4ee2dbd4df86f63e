// The names that metered modules share with their host: all that those who run them need to know of the meter.

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
