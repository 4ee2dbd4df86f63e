// One answer from every engine: same output, failure, log lines and fuel, for every kernel of the project and 200 inputs each.
import { componentNew } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { endingOf, expectSame } from '../kernels/ending.ts';
import { COMPUTING } from '../kernels/project.ts';
import { anyInput, coreOf, GIVEN, GRANTS, SUBJECTS } from '../kernels/subjects.ts';

const INPUTS = 200;

const fuelOf = ({ receipt: { fuel, fuelAtLeast } }: Outcome) => ({ fuel, fuelAtLeast });

describe.each(Object.entries(SUBJECTS))('%s', (name, subject) => {
  const sandboxes = ENGINES.map(([, makeEngine]) => createSandbox({ engine: makeEngine() }));
  let core: Kernel;
  let component: Kernel;

  beforeAll(async () => {
    const bytes = await coreOf(subject);
    [core, component] = [await admit(bytes), await admit(await componentNew(bytes, []))];
  });

  /** Gives how it ended. */
  async function agree(kernel: Kernel, input: Uint8Array): Promise<Outcome['state']> {
    const [first, ...others] = await Promise.all(
      sandboxes.map((sandbox) => sandbox.run({ kernel, input, grants: GRANTS, ...GIVEN })),
    );
    if (!first) throw new Error('no engine');
    for (const other of others) {
      expectSame(endingOf(other), endingOf(first));
      expect(fuelOf(other)).toEqual(fuelOf(first));
    }
    return first.state;
  }

  test('its answers are the same on every engine', async () => {
    for (const input of [new Uint8Array(), ...subject.special]) await agree(core, input);
    const states: string[] = [];
    const property = fc.asyncProperty(anyInput(subject), async (input) => void states.push(await agree(core, input)));
    await fc.assert(property, { numRuns: INPUTS });
    // Of those that compute, not all are refused before there was anything to agree on.
    if (Object.hasOwn(COMPUTING, name)) expect(states.filter((state) => state === 'done').length).toBeGreaterThan(50);
  });

  test.each(ENGINES)(
    'on %s it comes to its end with its fuel as the limit, and not with one less',
    async (_name, makeEngine) => {
      const sandbox = createSandbox({ engine: makeEngine() });
      let passed = 0;
      for (const input of [...subject.special, subject.input(1_000)]) {
        const task = { kernel: core, input, grants: GRANTS, ...GIVEN };
        const { state, receipt } = await sandbox.run(task);
        const { fuel } = receipt;
        // It trapped.
        if (fuel === undefined) continue;
        const limited = (fuelMax: number) => sandbox.run({ ...task, limits: { fuelMax } });
        expect(await limited(fuel)).toMatchObject({ state, receipt: { fuel } });
        expect(await limited(fuel - 1)).toMatchObject({
          ...{ state: 'failed', code: 'ERR_FUEL_SPENT', fault: 'job', message: `fuel limit of ${fuel - 1} reached` },
          receipt: { fuel: fuel - 1 },
        });
        passed++;
      }
      expect(passed).toBeGreaterThan(0);
    },
  );

  test('so they are when it comes as a component', async () => {
    for (const input of [new Uint8Array(), ...subject.special]) await agree(component, input);
    expect(component.digest).not.toBe(core.digest);
  });
});
