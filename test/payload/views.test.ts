// Arrays that a kernel gives back from its input: whatever they share, the output is as if nothing were shared.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit, createSandbox } from '../../runtime/index.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';

const inputs = fc.record({
  text: fc.nat(300).map((length) => 'x'.repeat(length)),
  picks: fc.array(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 6, 6), { minLength: 3, maxLength: 5 }),
  a: fc.constantFrom(9_000, 5).map((length) => Float64Array.from({ length }, (_, at) => at)),
  b: fc.constantFrom(4, 9_001).map((length) => Float64Array.from({ length }, (_, at) => -at)),
});

test.each(ENGINES)('on %s, with and without a collector, the outputs are the same', async (_, makeEngine) => {
  const sandbox = createSandbox({ engine: makeEngine() });
  const stub = await admit((await builtKernel('views')).wasm);
  const collecting = await admit((await builtKernel('views', 'minimal')).wasm);
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      const [one, other] = await Promise.all([stub, collecting].map((kernel) => sandbox.run({ kernel, input })));
      if (one?.state !== 'done' || other?.state !== 'done') throw new Error('a task failed');
      expect(Buffer.compare(one.output, other.output)).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('one view is given back whole, from any place and to any place, up to the last byte', async () => {
  const sandbox = createSandbox();
  const kernel = await admit((await builtKernel('views')).wasm);
  const a = Float64Array.from({ length: 9_000 }, (_, at) => at);
  for (const [which, wanted] of [
    [0, a],
    [2, a.subarray(3)],
  ] as const) {
    for (const length of [0, 1, 100, 5_000]) {
      const input = { text: 'é'.repeat(length), picks: [which, 6, 6], a, b: [] };
      const outcome = await sandbox.run({ kernel, input });
      if (outcome.state === 'failed') throw new Error(outcome.message);
      const output = kernel.decode(outcome.output) as { text: string; first: Float64Array };
      expect(output.text).toBe(input.text);
      expect(Buffer.from(output.first.buffer, output.first.byteOffset, output.first.byteLength)).toEqual(
        Buffer.from(wanted.buffer, wanted.byteOffset, wanted.byteLength),
      );
    }
  }
});
