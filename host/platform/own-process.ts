// What a process that is ours alone asks of V8: the command line, a cell, the benchmarks. A library leaves its host's process as it is.
import { setFlagsFromString } from 'node:v8';

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
 * A site runs thousands of functions some of the time. With four times V8's default patience it has seen what they are given before it makes
 * fast code of them, and makes less of it twice: of the first 30,000 tasks those behind the first 20,000 take a fifth less of the processor.
 * A thread that is started then takes 12 ms longer to begin: Node's own modules are compiled anew in it.
 */
const PATIENCE = '--interrupt-budget=540672';

/** Called once, at the start. A version of V8 that does not know one says so on standard error, and goes on. */
export function ownProcess(): void {
  for (const flag of [GROWTH, SWEEPING]) setFlagsFromString(flag);
}

/** Called beside it where the process is a site's. */
export function siteProcess(): void {
  setFlagsFromString(PATIENCE);
}
