// One task of a project's kernel on every engine of this machine, which must agree to the last bit and unit of fuel.
import { expect } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from './built.ts';
import { bytesOf } from './task.ts';

export interface Everywhere {
  readonly kernel: Kernel;
  /** The output, or a throw with the message of the failure. A typed kernel takes a plain object. */
  run(input: string | Uint8Array | object): Promise<Uint8Array>;
}

/** Builds `kernels/<name>`. */
export async function everywhere(name: string): Promise<Everywhere> {
  const kernel = await admit((await builtKernel(`kernels/${name}`)).wasm);
  const sandboxes = ENGINES.map(([, makeEngine]) => createSandbox({ engine: makeEngine() }));
  return {
    kernel,
    async run(given) {
      const input = (typeof given === 'string' ? bytesOf(given) : given) as Uint8Array;
      const [first, ...others] = await Promise.all(sandboxes.map((sandbox) => sandbox.run({ kernel, input })));
      if (!first) throw new Error('no engine');
      for (const other of others) {
        expect(other.state).toBe(first.state);
        expect(other.receipt.fuel).toBe(first.receipt.fuel);
        if (other.state === 'done' && first.state === 'done')
          expect(Buffer.compare(other.output, first.output)).toBe(0);
      }
      if (first.state === 'failed') throw new Error(`${first.code}: ${first.message}`);
      return first.output.slice();
    },
  };
}
