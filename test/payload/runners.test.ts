// Plain values through the runners: a sandbox and a pool take the same, refuse the same and leave the caller's arrays alone.
import { admit, createSandbox, type Kernel, type Outcome, type Runner } from 'lodger';
import { createPool } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { buildText } from './kernels.ts';

interface Input {
  readonly factor: number;
  readonly xs: Float64Array | readonly number[];
}

interface Output {
  readonly xs: Float64Array;
}

let kernel: Kernel<Input, Output>;
beforeAll(async () => {
  const { wasm } = await buildText(`
    class In { factor: f64; xs: Float64Array; }
    class Out { xs: Float64Array; constructor(xs: Float64Array) { this.xs = xs; } }
    export function run(given: In): Out {
      for (let i = 0; i < given.xs.length; i++) given.xs[i] *= given.factor;
      return new Out(given.xs);
    }`);
  kernel = await admit<Input, Output>(wasm);
});

const firstOf = (outcome: Outcome) => {
  if (outcome.state === 'failed') throw new Error(outcome.message);
  return kernel.decode(outcome.output).xs[0];
};

const RUNNERS: readonly (readonly [string, () => Promise<Runner>])[] = [
  ['a sandbox', async () => createSandbox()],
  ...ENGINE_NAMES.map((engine) => [`a pool on ${engine}`, () => createPool({ engine, threads: 1 })] as const),
];

describe.each(RUNNERS)('%s', (_, make) => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await make();
  });
  afterAll(() => runner.close());

  test('takes values and bytes, small and large, one by one and as a job', async () => {
    const large = { factor: 3, xs: Float64Array.from({ length: 50_000 }, (_, at) => at + 1) };
    expect(firstOf(await runner.run({ kernel, input: large }))).toBe(3);
    const firsts: unknown[] = [];
    const inputs = [{ factor: 2, xs: [5] }, large, kernel.encode({ factor: -1, xs: [5] })];
    for await (const outcome of runner.map({ kernel, inputs })) firsts.push(firstOf(outcome));
    expect(firsts).toEqual([10, 3, -5]);
  });

  test('leaves the caller’s arrays as they were, also when it is told to move the input', async () => {
    const input = { factor: 2, xs: Float64Array.from({ length: 20_000 }, () => 1) };
    expect(firstOf(await runner.run({ kernel, input, transfer: true }))).toBe(2);
    expect([input.xs.length, input.xs[0]]).toEqual([20_000, 1]);
  });

  test('holds the limit of bytes against what a value becomes', async () => {
    const limits = { inputBytesMax: 100 };
    const refused = { code: 'ERR_OPTION_INVALID', message: expect.stringContaining('at most 100 bytes') };
    await expect(runner.run({ kernel, input: { factor: 2, xs: Array(20).fill(1) }, limits })).rejects.toMatchObject(
      refused,
    );
    expect(firstOf(await runner.run({ kernel, input: { factor: 2, xs: [1] }, limits }))).toBe(2);
  });

  test('gives what came before an input that does not fit, and then refuses', async () => {
    const seen: unknown[] = [];
    const inputs = [
      { factor: 2, xs: [1] },
      { factor: 2, xs: ['x'] as unknown as number[] },
    ];
    const all = (async () => {
      for await (const outcome of runner.map({ kernel, inputs })) seen.push(firstOf(outcome));
    })();
    await expect(all).rejects.toMatchObject({ message: 'option "input.xs[0]" must be a number, not a string' });
    expect(seen).toEqual([2]);
  });

  test('a receipt is of the bytes', async () => {
    const input = { factor: 2, xs: [1, 2] };
    const { receipt } = await runner.run({ kernel, input });
    expect(receipt.bytesIn).toBe(kernel.encode(input).length);
  });
});
