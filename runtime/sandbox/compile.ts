// Kernel and engine -> what is ready to run.
import type { Engine, Ready } from '../engine/engine.ts';
import type { Kernel } from '../job/kernel.ts';
import { prepare } from '../prepare/prepare.ts';

/** What is compiled of a kernel. */
export interface Build {
  readonly metered?: boolean;
  /** Only a metered kernel can have them; it has, unless this says otherwise. */
  readonly canonicalNaNs?: boolean;
}

/** Prepares and compiles a kernel for an engine. */
export async function compileFor<Compiled>(
  engine: Engine<Compiled>,
  kernel: Kernel,
  { metered = true, canonicalNaNs = true }: Build = {},
): Promise<Ready<Compiled>> {
  const build = { metered, canonicalNaNs: metered && canonicalNaNs };
  const prepared = prepare(kernel, { memoryForm: engine.memoryForm, ...build });
  const { facts, state } = prepared;
  return { facts, ...build, ...(state && { state }), compiled: await engine.compile(prepared) };
}
