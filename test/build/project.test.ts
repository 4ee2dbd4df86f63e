// The project's own kernels: their digests are committed, so that a change of any byte is a change that somebody made.
import { describe, expect, test } from 'vitest';
import { buildProjectKernel, committedDigests, projectKernels } from '../../host/build/project.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { builtKernel } from '../kernels/built.ts';

const names = await projectKernels('.');
const digests = await committedDigests('.');

test('kernels/digests.json names the kernels of the project, and no others', () => {
  expect(Object.keys(digests)).toEqual(names);
  expect(names).toContain('echo');
});

describe.each(names)('kernel %s', (name) => {
  test('has the committed digest (npm run build -- --update writes it)', async () => {
    expect(await buildProjectKernel('.', name)).toBe(digests[name]);
  });
});

test.each(['kernels/echo', 'stepper', 'caps', 'outside', 'failing', 'cursor', 'arrays'])(
  '%s is admitted',
  async (name) => {
    const kernel = await admit((await builtKernel(name)).wasm);
    expect(kernel.digest).toBe((await builtKernel(name)).digest);
  },
);
