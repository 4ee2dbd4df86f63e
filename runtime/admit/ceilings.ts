// Counts what a module has of everything that is bounded, and compares it with the ceilings.
import { ADMISSION, type CeilingName, type Ceilings } from '../base/admission.ts';
import type { Body, Module } from '../wasm/module.ts';
import { excessive } from '../wasm/reader.ts';

/** What the module has, by ceiling. `moduleBytes` is told, since a component's core is smaller than what was submitted. */
export function measure(module: Module, moduleBytes: number): Ceilings {
  const { types, functions, bodies, imports, exports, globals, data, elements, tables, memories, customs } = module;
  return {
    moduleBytes,
    types: types.length,
    functions: functions.length,
    bodyBytes: largest(bodies, ({ start, end }) => end - start),
    locals: largest(bodies, ({ locals }) => locals),
    operands: largest(bodies, ({ height }) => height),
    controlPoints: largest(bodies, ({ controlPoints }) => controlPoints),
    exits: largest(bodies, ({ exits }) => exits),
    complexity: largest(bodies, ({ complexity }) => complexity),
    complexityTotal: bodies.reduce((sum, { complexity }) => sum + complexity, 0),
    loopBytes: largest(bodies, ({ loopBytes }) => loopBytes),
    nesting: largest(bodies, ({ nesting }) => nesting),
    imports: imports.length,
    exports: exports.length,
    globals: globals.length,
    dataSegments: data.length,
    // An empty segment is not free either.
    elements: elements.reduce((sum, { count }) => sum + Math.max(count, 1), 0),
    tableElements: tables[0]?.min ?? 0,
    customBytes: customs.reduce((sum, { start, end }) => sum + end - start, 0),
    memoryPagesMin: memories[0]?.min ?? 0,
    memoryPagesMax: memories[0]?.max ?? ADMISSION.memoryPagesMax.max,
  };
}

/** Throws `ERR_KERNEL_CEILING` for the first ceiling, in the order of the table, that the counts exceed. */
export function checkCeilings(counts: Ceilings, ceilings: Ceilings): void {
  for (const name of Object.keys(ADMISSION) as CeilingName[]) checkCeiling(name, counts[name], ceilings);
}

/** Throws `ERR_KERNEL_CEILING` when there is more than the ceiling of that name allows. */
export function checkCeiling(name: CeilingName, count: number, ceilings: Ceilings): void {
  if (count > ceilings[name]) throw excessive(name, count, ceilings[name]);
}

function largest(bodies: readonly Body[], of: (body: Body) => number): number {
  return bodies.reduce((most, body) => Math.max(most, of(body)), 0);
}
