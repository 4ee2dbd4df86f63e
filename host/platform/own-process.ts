// What a process that is ours alone asks of V8: the command line, a cell, the benchmarks. A library leaves its host's process as it is.
import { setFlagsFromString } from 'node:v8';
import type { Kernel } from '../../runtime/job/kernel.ts';

/**
 * The heap may grow to three times what is in use before V8 looks for garbage in all of it. Buffers count as well, though they are
 * not in it: 35 MB of inputs on their way through a site made V8 mark its 27 MB of objects five times over, on cores that tasks want.
 */
const GROWTH = '--heap-growing-percent=200';

/**
 * Buffers of outputs that were collected are given back by the thread that made them. V8 has another thread do that, which then holds the
 * lock of the allocator against the calls that go on: on two cores a small call takes 4.2 us so, and 6.8 otherwise.
 */
const SWEEPING = '--no-concurrent-array-buffer-sweeping';

/**
 * Our functions are many, and most run some of the time. With four times V8's default patience it has seen what they are given before it makes
 * fast code of them, and makes less of it: a job starts with a tenth of a second less of the processor, since its kernel is metered by code
 * that runs once; of a site's first 30,000 tasks those behind the first 20,000 take a fifth less.
 */
const PATIENCE = '--interrupt-budget=540672';

/**
 * V8 looks for garbage whenever 64 MB of memories and buffers were made, hence once a task or two where kernels take a large input each. The
 * heaps of threads are of 4 MB: one thread has marked that in 4 ms, while four helpers beside it take 8 ms more from cores that tasks want.
 */
const MARKING = '--no-concurrent-marking';
/** A site has a heap that is larger, and many that wait for it. */
const SITE_MARKING = '--concurrent-marking';

/**
 * V8 makes code of a kernel twice, soon and then well, and a call that has begun goes on in the first code until it ends: for a kernel that does
 * its work in one call, the whole of its first task. A kernel of some tens of KiB has its good code within 0.1 s.
 */
const GOOD_CODE = '--no-liftoff';
const GOOD_CODE_BYTES_MAX = 256 * 1024;

/**
 * Called once, at the start. A version of V8 that does not know one says so on standard error, and goes on. With any of them Node compiles its
 * own modules anew in each thread, which takes some 0.03 s of the processor: what it has compiled is good for the flags it was built with alone.
 */
export function ownProcess(): void {
  for (const flag of [GROWTH, SWEEPING, PATIENCE, MARKING]) setFlagsFromString(flag);
}

/** Called beside it where the process is a site's. */
export function siteProcess(): void {
  setFlagsFromString(SITE_MARKING);
}

/** Called beside it, before any of them is compiled, where the process runs these kernels and no others. */
export function jobProcess(...kernels: readonly Kernel[]): void {
  if (kernels.every(({ report }) => (report.moduleBytes ?? Infinity) <= GOOD_CODE_BYTES_MAX))
    setFlagsFromString(GOOD_CODE);
}
