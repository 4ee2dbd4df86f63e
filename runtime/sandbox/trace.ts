// Where a task failed, in the author's terms. Threads know prepared modules only; whoever compiled the kernel knows where they come from.
import type { Engine, Ready } from '../engine/engine.ts';
import { UNREACHABLE } from '../engine/traps.ts';
import type { Kernel } from '../job/kernel.ts';
import type { Outcome } from '../job/outcome.ts';
import { type Origin, originOf } from '../prepare/origin.ts';
import { type Build, compileFor } from './compile.ts';

/** Of what was compiled here: where it comes from, found out at the first failure. */
const origins = new WeakMap<Ready, () => Origin>();

/** Compiles a kernel for whoever says where its tasks failed. */
export async function compileTraced<Compiled>(
  engine: Engine<Compiled>,
  kernel: Kernel,
  build: Build,
): Promise<Ready<Compiled>> {
  const ready = await compileFor(engine, kernel, build);
  const { metered, canonicalNaNs } = ready;
  const form = { memoryForm: engine.memoryForm, metered, canonicalNaNs };
  let known: Origin | undefined;
  origins.set(ready, () => {
    known ??= originOf(kernel, form);
    return known;
  });
  return ready;
}

/** The outcome with its places in the kernel's core module. Nothing is done for tasks that did not fail. */
export function located(ready: Ready, outcome: Outcome): Outcome {
  if (outcome.state === 'done' || outcome.trace === undefined) return outcome;
  const { trace: places, ...rest } = outcome;
  const isUnreachable = rest.code === 'ERR_TRAP' && rest.message.endsWith(UNREACHABLE);
  const trace = origins.get(ready)?.()(places, isUnreachable ? 'unreachable' : undefined) ?? [];
  return trace.length > 0 ? { ...rest, trace } : rest;
}
