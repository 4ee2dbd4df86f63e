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

/** Their random inputs have NaNs in them, whose bits the oracle leaves to V8. */
const UNSETTLED = ['gemm', 'spectra'];
const COMPARED = Object.entries(SUBJECTS).filter(([name]) => !UNSETTLED.includes(name));

describe.each(COMPARED)('%s: driver and oracle agree', (_name, subject) => {
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
    await fc.assert(fc.asyncProperty(anyInput(subject), agree), { numRuns: 20 });
  });
});
