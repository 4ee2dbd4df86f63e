// Time since the task began. The job must grant `clock`; its tasks are then not deterministic.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

@external('lodger:kernel/clock@0.1.0', 'now')
declare function hostNow(): u64;

export namespace clock {
  /** Nanoseconds since the task began. */
  export function now(): u64 {
    return hostNow();
  }
}
