// Random numbers drawn from the task's seed: the same seed gives the same numbers on every host. The job must grant `random`.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { AREA, takeBytes } from './abi';

@external('lodger:kernel/random@0.1.0', 'fill')
declare function hostFill(length: u32, area: usize): void;

/** Bytes asked of the host at a time for single numbers: a call costs far more than a number. */
const BATCH: i32 = 256;

let batch: Uint8Array | null = null;
let used: i32 = BATCH;

/** A class, since a namespace's `u32` would hide the type of that name. */
export abstract class random {
  /** That many fresh random bytes. */
  static bytes(length: i32): Uint8Array {
    hostFill(length, AREA);
    return takeBytes(load<usize>(AREA), load<usize>(AREA, 4));
  }

  /** Overwrites all of `target` with random bytes. */
  static fill(target: Uint8Array): void {
    target.set(random.bytes(target.length));
  }

  /** Evenly from 0 to 2^32 - 1. */
  static u32(): u32 {
    return load<u32>(next(4));
  }

  /** Evenly from 0 to 2^64 - 1. */
  static u64(): u64 {
    return load<u64>(next(8));
  }

  /** Evenly from 0 inclusive to 1 exclusive, in steps of 2^-53. */
  static f64(): f64 {
    return <f64>(load<u64>(next(8)) >> 11) * (1.0 / 9007199254740992.0);
  }
}

/** Address of the next `size` unused bytes of the batch. */
function next(size: i32): usize {
  if (used + size > BATCH) {
    batch = random.bytes(BATCH);
    used = 0;
  }
  const address = batch!.dataStart + <usize>used;
  used += size;
  return address;
}
