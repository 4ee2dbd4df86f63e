// What a kernel may be: every ceiling of admission by name, with its default, its highest value and the reason for it.
import type { Ceiling } from './limits.ts';

const KiB = 2 ** 10;
const MiB = 2 ** 20;

/**
 * What a kernel may be, checked before anything is compiled. The defaults admit what real toolchains make: a Go program of 2.6 MB has
 * 30,352 data segments, blocks nested 549 deep, 2,432 control points and 29 KB in one function, 1 M values merged in all, and one
 * with net/http of 5.2 MB has 46 KB in one function. Go's encoding/json with regexp (3,274 control points) and Go's assembler
 * (143 KB, 9,682 control points) need higher ceilings, which the caller may give.
 *
 * Compilers do not take time in proportion to a function's size. With V8 11.3 (Node 20, one core, CPU time and peak of resident
 * memory of a process), first call and optimisation of a function made to stand at these ceilings take together, where most:
 * 3,000 control points: 102 ms, 42 MiB as ifs over 320 locals; 91 ms as loops; 102 ms, 62 MiB as branches over 160; 94 ms as
 * saturating conversions; 90 ms as indirect calls; 102 ms as branch tables. 128 KiB: 103 ms, 28 MiB.
 * 8,000 exits: 180 ms, 24 MiB as memory.grow over 4,900 locals (16,000: 312 ms), 130 ms as calls. 1,860,812 loop bytes over 480
 * locals: 117 ms, 65 MiB. Without these ceilings: 16,000 remainders in 110 KB took 20 s to
 * optimise, 10,000 indirect calls in 50 KB 11 s, 10,000 ifs 1.5 s, and 2,000 locals with 80,000 ifs 4.5 GB.
 */
export const ADMISSION = {
  moduleBytes: { default: 16 * MiB, max: 64 * MiB, unit: 'bytes', reason: 'reading is linear in it' },
  types: { default: 10_000, max: 100_000, unit: 'types', reason: 'each is kept while the module lives' },
  functions: {
    default: 50_000,
    max: 500_000,
    unit: 'functions',
    reason: 'each costs the engine a table entry and metadata',
  },
  bodyBytes: {
    default: 128 * KiB,
    max: 7 * MiB,
    unit: 'bytes in one function',
    reason: 'compilers work a function at a time',
  },
  locals: { default: 5_000, max: 50_000, unit: 'locals in one function', reason: 'a frame is as large as its locals' },
  operands: {
    default: 5_000,
    max: 50_000,
    unit: 'operands on the stack of one function',
    reason: 'a frame holds them, too',
  },
  controlPoints: {
    default: 3_000,
    max: 100_000,
    unit: 'control points in one function',
    reason: 'optimising takes time that grows with their square',
  },
  exits: {
    default: 8_000,
    max: 1_000_000,
    unit: 'calls and operations that may trap in one function',
    reason: 'each saves what is alive',
  },
  complexity: {
    default: 500_000,
    max: 4_000_000,
    unit: 'values merged at the control points of one function',
    reason: 'compilers merge all locals and operands at every control point',
  },
  complexityTotal: {
    // Ten functions of 480,000 each, all optimised: 0.3 to 1.1 s, 12 to 28 MiB; a JavaScript engine of 10 MB has 10 M.
    default: 20_000_000,
    max: 400_000_000,
    unit: 'values merged at all control points',
    reason: 'compiled code grows with it',
  },
  loopBytes: {
    default: 2 * MiB,
    max: 64 * MiB,
    unit: 'bytes in the loops of one function, nested ones counted again',
    reason: 'compilers scan each loop whole',
  },
  nesting: { default: 2_000, max: 10_000, unit: 'nested blocks', reason: 'compilers recurse or keep a stack' },
  imports: { default: 1_000, max: 10_000, unit: 'imports', reason: 'the world has fewer than twenty functions' },
  exports: { default: 1_000, max: 10_000, unit: 'exports', reason: 'each becomes a JavaScript object per instance' },
  globals: { default: 10_000, max: 100_000, unit: 'globals', reason: 'each is initialised per instance' },
  dataSegments: { default: 100_000, max: 100_000, unit: 'data segments', reason: 'each is copied per instance' },
  elements: {
    default: 100_000,
    max: 1_000_000,
    unit: 'elements in segments',
    reason: 'each is initialised per instance',
  },
  tableElements: {
    default: 100_000,
    max: 1_000_000,
    unit: 'table elements',
    reason: 'each takes room in every instance',
  },
  customBytes: { default: 8 * MiB, max: 64 * MiB, unit: 'bytes of custom sections', reason: 'debug names only' },
  memoryPagesMin: {
    default: 4_096,
    max: 65_536,
    unit: 'pages at start',
    reason: 'mapped before the first instruction',
  },
  memoryPagesMax: {
    default: 65_536,
    max: 65_536,
    unit: 'pages it may grow to',
    reason: 'without a maximum it may grow to all that 32 bits address',
  },
} as const satisfies Record<string, Ceiling>;

export type CeilingName = keyof typeof ADMISSION;
export type Ceilings = Readonly<Record<CeilingName, number>>;
