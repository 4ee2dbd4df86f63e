// What few tasks have: a WASI program's side, and what lies beyond a task. A tab's worker for plain kernels has another module in its place.
import type { Platform } from '../base/platform.ts';
import { realClock, VirtualClock } from '../wasi/clock.ts';
import { Program } from '../wasi/program.ts';
import type { Beyond } from './beyond.ts';
import type { Call } from './call.ts';

export { programImports } from '../wasi/calls.ts';
export { runProgram } from '../wasi/run.ts';
export { openBeyond } from './beyond.ts';

/** A WASI program's side, with a real clock if it was granted one. */
export function openProgram(
  { now, today }: Platform,
  { args = [], input, limits, outside: terms }: Call,
  startedAt: number,
  outside?: Beyond,
): Program {
  const isReal = terms?.clock && outside && today;
  const clock = isReal
    ? realClock({ since: () => now() - startedAt, today: today(), wait: outside.wait })
    : new VirtualClock();
  return new Program({ args, input, outputBytesMax: limits.outputBytesMax, clock, folders: outside?.folders ?? [] });
}
