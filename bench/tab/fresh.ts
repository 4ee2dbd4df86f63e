// A task in a fresh sandbox, or in a bare instance of the same kernel: what one of them costs in the worker that this runs in.
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { Place } from '../../runtime/sandbox/call.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { runBare } from '../bare.ts';

export const WAYS = ['sandbox', 'bare'] as const;
export type Way = (typeof WAYS)[number];

const INPUT = new Uint8Array(1024).fill(3);

/** One operation of a kernel that gives back its input; the output. */
export async function freshOf(place: Place<WebAssembly.Module>, kernel: Kernel, way: Way): Promise<() => Uint8Array> {
  if (way === 'bare') {
    const module = await WebAssembly.compile(kernel.core as Uint8Array<ArrayBuffer>);
    return () => runBare(module, INPUT);
  }
  const ready = await compileFor(place.engine, kernel);
  const call = { input: INPUT, limits: fillLimits(), blobs: {}, seed: 1, index: 0, digests: false };
  return () => {
    const outcome = execute(place, ready, call);
    if (outcome.state === 'failed') throw new Error(outcome.message);
    return outcome.output;
  };
}

/** Us of one operation, of so many in a row. */
export function timeOf(operate: () => Uint8Array, operations: number): number {
  const from = performance.now();
  for (let count = 0; count < operations; count++) {
    if (operate().byteLength !== INPUT.byteLength) throw new Error('a task gave something else');
  }
  return ((performance.now() - from) * 1_000) / operations;
}
