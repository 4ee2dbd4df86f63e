// Which extensions of WebAssembly a kernel may use, and what to do about the others.
import { LodgerError } from '../base/errors.ts';
import type { Module } from '../wasm/module.ts';
import type { Feature } from '../wasm/opcodes.ts';

/** Admitted features: `true`. For all others, why not and what helps. */
export const ADMITTED: Readonly<Record<Feature, true | string>> = {
  'multi-value': true,
  'mutable-globals': true,
  'sign-extension': true,
  'saturating-conversions': true,
  'bulk-memory': true,
  simd: true,
  'reference-types': 'a kernel holds no references; build without them (clang: -mno-reference-types)',
  'table-mutation': 'tables are fixed, so that they cannot grow or change what is called; use indirect calls only',
  'tail-calls': 'build without them (clang: -mno-tail-call)',
  exceptions: 'build without them; end a task with exit.fail or return an error (clang: -fno-exceptions)',
  'function-references': 'a kernel holds no references; use a table and indirect calls',
  gc: 'the memory of a garbage-collected heap cannot be bounded; build for linear memory',
  threads: 'a task runs in one thread; build without threads and atomics (clang: without -pthread)',
  'relaxed-simd': 'its answers differ between machines; use fixed-width SIMD (clang: -msimd128)',
  'wide-arithmetic': 'build without it (clang: -mno-wide-arithmetic)',
  memory64: 'memories have 32-bit addresses; build for wasm32',
  'multi-memory': 'a kernel has one memory',
  'extended-const': 'build without it (clang: -mno-extended-const)',
  'custom-page-sizes': 'pages have 64 KiB',
  'stack-switching': 'build without it',
};

/** The admitted features that the module uses, sorted. Throws `ERR_KERNEL_FEATURE` for the first other one in the file. */
export function checkFeatures(module: Module): string[] {
  const inFileOrder = [...module.features].sort(([, a], [, b]) => a - b);
  for (const [feature] of inFileOrder) {
    const verdict = ADMITTED[feature];
    if (verdict !== true) throw new LodgerError('ERR_KERNEL_FEATURE', [feature, verdict]);
  }
  if (module.memories.length > 1)
    throw new LodgerError('ERR_KERNEL_FEATURE', ['multi-memory', String(ADMITTED['multi-memory'])]);
  if (module.tables.length > 1 || module.elements.some(({ table }) => table > 0)) {
    throw new LodgerError('ERR_KERNEL_FEATURE', ['several tables', 'a kernel has one table at most']);
  }
  if (module.start !== undefined) {
    const remedy = 'export the function as "_initialize" instead (asc: --exportStart _initialize)';
    throw new LodgerError('ERR_KERNEL_FEATURE', ['a start section', remedy]);
  }
  return inFileOrder.map(([feature]) => feature).sort();
}
