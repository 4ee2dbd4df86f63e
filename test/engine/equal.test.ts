// One answer from every engine: same output, same failure, same log lines, for every kernel of the project and 200 inputs each.
import { componentNew } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { endingOf, expectSame } from '../kernels/ending.ts';
import { anyInput, coreOf, GIVEN, GRANTS, SUBJECTS } from '../kernels/subjects.ts';

const INPUTS = 200;

describe.each(Object.entries(SUBJECTS))('%s', (_, subject) => {
  const sandboxes = ENGINES.map(([, makeEngine]) => createSandbox({ engine: makeEngine() }));
  let core: Kernel;
  let component: Kernel;

  beforeAll(async () => {
    const bytes = await coreOf(subject);
    [core, component] = [await admit(bytes), await admit(await componentNew(bytes, []))];
  });

  async function agree(kernel: Kernel, input: Uint8Array): Promise<void> {
    const [first, ...others] = await Promise.all(
      sandboxes.map(async (sandbox) => endingOf(await sandbox.run({ kernel, input, grants: GRANTS, ...GIVEN }))),
    );
    if (!first) throw new Error('no engine');
    for (const other of others) expectSame(other, first);
  }

  test('its answers are the same on every engine', async () => {
    for (const input of [new Uint8Array(), ...subject.special]) await agree(core, input);
    await fc.assert(
      fc.asyncProperty(anyInput(subject), (input) => agree(core, input)),
      { numRuns: INPUTS },
    );
  });

  test('so they are when it comes as a component', async () => {
    for (const input of [new Uint8Array(), ...subject.special]) await agree(component, input);
    expect(component.digest).not.toBe(core.digest);
  });
});
