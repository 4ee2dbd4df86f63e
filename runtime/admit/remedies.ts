// What is not admitted in a module, why not, and what helps: loaded with the first refusal, which a host of a site hardly ever makes.
import type { Refused } from './features.ts';

export const REMEDIES: Readonly<Record<Refused, string>> = {
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
  'several tables': 'a kernel has one table at most',
  'a start section': 'export the function as "_initialize" instead (asc: --exportStart _initialize)',
};
