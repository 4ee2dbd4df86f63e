// What a process that is ours alone asks of V8: the command line, a cell, the benchmarks. A library leaves its host's process as it is.
import { setFlagsFromString } from 'node:v8';

/**
 * Buffers of outputs that were collected are given back by the thread that made them. V8 has another thread do that, which then holds the
 * lock of the allocator against the calls that go on: on two cores a small call takes 4.2 us so, and 6.8 otherwise.
 */
const FLAGS = ['--no-concurrent-array-buffer-sweeping'] as const;

/**
 * V8 makes its best code of a JavaScript function once that has run through 66 KiB of bytecode. Where kernels do the work, each thread
 * would have such code made of some hundred functions that take next to none of the time: for a tenth of what the kernels take, in a job of
 * 3 s. Twenty times as late it is made of what is busy indeed. (Any change here has threads compile Node's own modules anew: 8 ms a start.)
 */
const KERNELS_WORK = ['--interrupt-budget=1320000'] as const;

/** Called once, at the start. A version of V8 that does not know one says so on standard error, and goes on. */
export function ownProcess(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}

/** The same of a process that does little but run kernels, and ends with its job. */
export function kernelsProcess(): void {
  for (const flag of KERNELS_WORK) setFlagsFromString(flag);
}
