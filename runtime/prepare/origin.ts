// From places in a prepared module, as engines tell them, back to places in the kernel's core module, as authors know them.
import { type Kernel, sealed } from '../job/kernel.ts';
import { type Frame, TRACE_FRAMES_MAX } from '../job/outcome.ts';
import { ADDED } from '../meter/rewrite.ts';
import { functionNames } from '../wasm/names.ts';
import { ROW, rowAt, stepOver } from '../wasm/outline.ts';
import { readModule } from '../wasm/read.ts';
import { type Form, PAGES_MAX } from './form.ts';
import { rewriteKernel } from './prepare.ts';

/** Places of the author's, from those that an engine tells of; what the meter added is left out. `trapped`: by which instruction. */
export type Origin = (places: readonly Frame[], trapped?: 'unreachable') => readonly Frame[];

/** Prepares the kernel once more, to see where its code went: for the rare moment when somebody wants to know. */
export function originOf(kernel: Kernel, form: Form): Origin {
  const { core, memory } = sealed(kernel);
  const { bodies: sources, functionsImported, customs, functions } = readModule(core);
  // The same bytes as those that were compiled: the maximum of the memory stands before the code, in as many bytes as it takes.
  const max = Math.min(memory.max ?? PAGES_MAX, form.memoryPagesMax ?? PAGES_MAX);
  const made = rewriteKernel(kernel, form, { min: memory.min, max });
  const { bodies } = readModule(made.bytes);
  const names = functionNames(core, customs, functions.length);
  const first = functionsImported + (form.metered ? ADDED : 0);
  return (places, trapped) => {
    const found: Frame[] = [];
    for (const [depth, { function: index, offset: told }] of places.entries()) {
      const body = index - first;
      const [source, written] = [sources[body], bodies[body]];
      if (!source || !written || told < written.start || told >= written.end) continue;
      const at = made.submitted(body, told - written.start);
      if (at === undefined || at >= source.end) continue;
      const from = Math.max(at, source.code);
      const offset = depth === 0 && trapped ? unreachableFrom(core, from, source.end) : from;
      const name = names.get(functionsImported + body);
      found.push({ function: functionsImported + body, ...(name !== undefined && { name }), offset });
    }
    return found.slice(0, TRACE_FRAMES_MAX);
  };
}

/**
 * Wasmtime makes one instruction of a branch and the `unreachable` that it leads to, and names the branch, or what it depends on. That
 * `unreachable` is, but for rare ways out of blocks, the next one.
 */
function unreachableFrom(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at = stepOver(bytes, at)) if (rowAt(bytes, at) === ROW.unreachable) return at;
  return from;
}
