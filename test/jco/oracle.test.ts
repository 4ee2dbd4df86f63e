// Our driver and jco's glue give the same output, the same failure and the same log for the same kernel and input.
import { componentNew } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { endingOf, expectSame } from '../kernels/ending.ts';
import { anyInput, coreOf, GIVEN, GRANTS, KiB, SUBJECTS } from '../kernels/subjects.ts';
import { createOracle, type Oracle } from './oracle.ts';

/** Whether floats of chance are in it: there are NaNs among them, whose bits the oracle leaves to V8. */
function hasFloats(input: Uint8Array): boolean {
  const [head = '', data] = Buffer.from(input)
    .toString('latin1')
    .split(/^data\n/m);
  return data !== undefined && !/^bits *= *1$/m.test(head);
}

describe.each(Object.entries(SUBJECTS))('%s: driver and oracle agree', (_name, subject) => {
  const sandbox = createSandbox();
  let kernels: Kernel[];
  let oracle: Oracle;

  beforeAll(async () => {
    const core = await coreOf(subject);
    const component = await componentNew(core, []);
    kernels = [await admit(core), await admit(component)];
    oracle = await createOracle(component, kernels[0]?.shape ?? 'kernel');
  });

  /** The core module and the component, both by our driver, against the component by jco. */
  async function agree(input: Uint8Array): Promise<void> {
    const expected = oracle.run(input, GIVEN);
    for (const kernel of kernels) {
      const outcome = await sandbox.run({ kernel, input, grants: GRANTS, ...GIVEN });
      expectSame(endingOf(outcome), expected);
    }
  }

  test.each([0, 1, 64 * KiB, 1024 * KiB])('on %i bytes', async (length) => {
    await agree(subject.input(length));
  });

  test('on what means something to it', async () => {
    for (const input of subject.special) await agree(input);
  });

  test('on inputs of random sizes', async () => {
    const inputs = anyInput(subject).filter((input) => !hasFloats(input));
    await fc.assert(fc.asyncProperty(inputs, agree), { numRuns: 20 });
  });
});
