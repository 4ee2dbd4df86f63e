// Which extensions of WebAssembly a kernel may use; `remedies.ts` says what to do about the others.
import { LodgerError } from '../base/errors.ts';
import type { Module } from '../wasm/module.ts';
import type { Feature } from '../wasm/opcodes.ts';

export const ADMITTED = [
  'multi-value',
  'mutable-globals',
  'sign-extension',
  'saturating-conversions',
  'bulk-memory',
  'simd',
] as const satisfies readonly Feature[];

type Admitted = (typeof ADMITTED)[number];

/** What a module is refused for. */
export type Refused = Exclude<Feature, Admitted> | 'several tables' | 'a start section';

/** The admitted features that the module uses, sorted. Rejects with `ERR_KERNEL_FEATURE` for the first other one in the file. */
export async function checkFeatures(module: Module): Promise<string[]> {
  const inFileOrder = [...module.features].sort(([, a], [, b]) => a - b).map(([feature]) => feature);
  const refused = inFileOrder.find(isRefused) ?? refusedOf(module);
  if (refused === undefined) return inFileOrder.sort();
  const { REMEDIES } = await import('./remedies.ts');
  throw new LodgerError('ERR_KERNEL_FEATURE', [refused, REMEDIES[refused]]);
}

function isRefused(feature: Feature): feature is Exclude<Feature, Admitted> {
  return !(ADMITTED as readonly Feature[]).includes(feature);
}

function refusedOf({ memories, tables, elements, start }: Module): Refused | undefined {
  if (memories.length > 1) return 'multi-memory';
  if (tables.length > 1 || elements.some(({ table }) => table > 0)) return 'several tables';
  return start === undefined ? undefined : 'a start section';
}
