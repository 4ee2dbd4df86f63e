// Modules at random: what they give, what they cost, and when they are stopped, against the oracle.
import { expect, test } from 'vitest';
import { STACK_WEIGHT_MAX } from '../../runtime/meter/bounds.ts';
import { generate } from './generate.ts';
import { compileMetered, compileOracle, runMetered, runOracle, STOPPED, Stopped, type Terms } from './runs.ts';

const BATCHES = 8;
const MODULES = 60;
const INPUTS = [0, 1, 5, 12_345, -7];
/** Runs that are longer are not looked at: some are without end. */
const ENOUGH = 1_000_000n;
const SLICES = [undefined, 77n, 1_000n];

const stop = () => {
  throw new Stopped();
};

/** Every run of the modules of a batch that ends, by the oracle. */
function* runs(batch: number) {
  for (let index = 0; index < MODULES; index++) {
    const seed = batch * MODULES + index;
    const { bytes, host } = generate(seed);
    const imports: Terms['imports'] = host ? { env: { see: () => undefined, stop } } : {};
    const bounded = compileOracle(bytes, { stops: true });
    const plain = compileOracle(bytes);
    const metered = compileMetered(bytes);
    for (const input of INPUTS) {
      const act = (exports: Record<string, (...args: never[]) => unknown>) => exports.run?.(input as never);
      if (runOracle(bounded, act, { imports, limit: ENOUGH }).result === 'trap') continue;
      const expected = runOracle(plain, act, { imports });
      yield {
        what: `seed ${seed}, input ${input}`,
        expected,
        run: (terms: Terms) => runMetered(metered, act, { imports, ...terms }),
      };
    }
  }
}

test.each(Array.from({ length: BATCHES }, (_, batch) => [batch]))(
  'result and fuel, at the end and at every host call, are those of the oracle, whatever the slices, and the stack is given back by runs that end: batch %i',
  (batch) => {
    let compared = 0;
    let stopped = 0;
    for (const { what, expected, run } of runs(batch)) {
      for (const slice of SLICES) {
        const limit = expected.fuel + 100_000n;
        const { result, fuel, calls, stack } = run({ limit, slice: slice ?? limit });
        if (result === STOPPED) stopped++;
        expect({ what, stack, result, fuel, calls }).toEqual({
          what,
          stack: result === STOPPED ? stack : BigInt(STACK_WEIGHT_MAX),
          result: expected.result,
          fuel: expected.fuel,
          calls: expected.calls,
        });
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(300);
    expect(stopped).toBeGreaterThan(20);
  },
);

test.each(Array.from({ length: BATCHES }, (_, batch) => [batch]))(
  'a run passes with a limit of exactly its fuel, and with no less: batch %i',
  (batch) => {
    for (const { what, expected, run } of runs(batch)) {
      if (expected.result === STOPPED) continue;
      const enough = run({ limit: expected.fuel, slice: 500n });
      expect({ what, result: enough.result, fuel: enough.fuel }).toEqual({
        what,
        result: expected.result,
        fuel: expected.fuel,
      });
      expect({ what, result: run({ limit: expected.fuel - 1n, slice: 500n }).result }).toEqual({
        what,
        result: 'spent',
      });
    }
  },
);
