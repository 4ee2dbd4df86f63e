// From places in a prepared module, as engines tell them, back to places in the kernel's core module, as authors know them.
import { type Kernel, sealed } from '../job/kernel.ts';
import { type Frame, TRACE_FRAMES_MAX } from '../job/outcome.ts';
import { ADDED } from '../meter/rewrite.ts';
import { functionNames } from '../wasm/names.ts';
import { ROW, rowAt, stepOver } from '../wasm/outline.ts';
import { readModule } from '../wasm/read.ts';
import { type Form, PAGES_MAX, rewriteKernel } from './prepare.ts';

/** Places of the author's, from those that an engine tells of; what the meter added is left out. */
export type Origin = (places: readonly Frame[]) => readonly Frame[];

/** Prepares the kernel once more, to see where its code went: for the rare moment when somebody wants to know. */
export function originOf(kernel: Kernel, form: Form): Origin {
  const { core, memory } = sealed(kernel);
  const { bodies: sources, functionsImported, customs, functions } = readModule(core);
  // The maximum of the memory takes no part in where code lies within its body.
  const made = rewriteKernel(kernel, form, { min: memory.min, max: memory.max ?? PAGES_MAX });
  const { bodies } = readModule(made.bytes);
  const names = functionNames(core, customs, functions.length);
  const first = functionsImported + (form.metered ? ADDED : 0);
  return (places) => {
    const found: Frame[] = [];
    for (const { function: index, offset } of places) {
      const body = index - first;
      const [source, written] = [sources[body], bodies[body]];
      if (!source || !written || offset < written.start || offset >= written.end) continue;
      const at = made.submitted(body, offset - written.start);
      if (at === undefined || at >= source.end) continue;
      const name = names.get(functionsImported + body);
      found.push({
        function: functionsImported + body,
        ...(name !== undefined && { name }),
        offset: trapAt(core, Math.max(at, source.code)),
      });
    }
    return found.slice(0, TRACE_FRAMES_MAX);
  };
}

/** Wasmtime makes one instruction of a branch and the `unreachable` that it leads to, and names the branch, which cannot trap. */
function trapAt(bytes: Uint8Array, at: number): number {
  const row = rowAt(bytes, at);
  if (row !== ROW.if && row !== ROW.brIf) return at;
  const next = stepOver(bytes, at);
  return rowAt(bytes, next) === ROW.unreachable ? next : at;
}
