// A task in a fresh sandbox beside a bare instance of the same kernel, both in the worker that this runs in.
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { Place } from '../../runtime/sandbox/call.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { compileFor } from '../../runtime/sandbox/sandbox.ts';
import { runBare } from '../bare.ts';

/** Us of one operation, a round each, in turn. */
export interface Fresh {
  readonly sandbox: readonly number[];
  readonly bare: readonly number[];
}

export async function compareFresh(
  place: Place<WebAssembly.Module>,
  kernel: Kernel,
  { rounds, operations }: { readonly rounds: number; readonly operations: number },
): Promise<Fresh> {
  const input = new Uint8Array(1024).fill(3);
  const ready = await compileFor(place.engine, kernel);
  const module = await WebAssembly.compile(kernel.core as Uint8Array<ArrayBuffer>);
  const call = { input, limits: fillLimits(), blobs: {}, seed: 1, index: 0, digests: false };
  const ways = {
    sandbox: () => {
      const outcome = execute(place, ready, call);
      if (outcome.state === 'failed') throw new Error(outcome.message);
      return outcome.output;
    },
    bare: () => runBare(module, input),
  };
  const times = { sandbox: [] as number[], bare: [] as number[] };
  for (let round = -2; round < rounds; round++) {
    for (const name of ['sandbox', 'bare'] as const) {
      const from = performance.now();
      for (let count = 0; count < operations; count++) {
        if (ways[name]().byteLength !== input.byteLength) throw new Error(`${name} gave something else`);
      }
      if (round >= 0) times[name].push(((performance.now() - from) * 1_000) / operations);
      // Bare instances leave memories behind: they are collected between rounds.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return times;
}
