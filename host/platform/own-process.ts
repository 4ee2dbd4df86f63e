// What a process that is ours alone asks of V8: the command line, a cell, the benchmarks. A library leaves its host's process as it is.
import { setFlagsFromString } from 'node:v8';

/**
 * Buffers of outputs that were collected are given back by the thread that made them. V8 has another thread do that, which then holds the
 * lock of the allocator against the calls that go on: on two cores a small call takes 4.2 us so, and 6.8 otherwise.
 */
const FLAGS = ['--no-concurrent-array-buffer-sweeping'] as const;

/** Called once, at the start. A version of V8 that does not know one says so on standard error, and goes on. */
export function ownProcess(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
