// Generated kernels with every feature that admission allows: the same fuel on each engine, which is the oracle's to the unit.
import { expect, test } from 'vitest';
import { loadAddon } from '../../host/platform/native.ts';
import { STACK_WEIGHT_MAX } from '../../runtime/meter/bounds.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS } from '../../runtime/meter/names.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { generateKernel } from '../fuzz/generate.ts';
import { type Act, compileMetered, compileOracle, runMetered, runOracle } from './runs.ts';

const BATCHES = 4;
const KERNELS = 60;
const SLICE = 700;
const LIMIT = 2 ** 40;
/** Where the input lies, and its length. */
const INPUT = [2_048, 16] as const;

const act: Act = (exports) => {
  (exports._initialize as undefined | (() => void))?.();
  return exports.run?.(...(INPUT as unknown as never[]));
};

const kernels = (batch: number) =>
  Array.from({ length: KERNELS }, (_, index) => {
    const seed = 70_000 + batch * KERNELS + index;
    return { seed, bytes: generateKernel(seed, { hasImports: false }).bytes };
  });

/** Fuel and result on Wasmtime without epochs, given a slice at a time. */
async function runNative(bytes: Uint8Array): Promise<{ readonly result: unknown; readonly fuel: bigint }> {
  const addon = loadAddon();
  const module = await addon.compile(meter(readModule(bytes)).bytes, { stoppable: false, linear: false });
  const guest = module.instantiate(2 ** 32);
  let given = 0;
  const refill = () => {
    given += SLICE;
    guest.setGlobal(METER_EXPORTS.fuel, guest.getGlobal(METER_EXPORTS.fuel) + SLICE);
    if (guest.getGlobal(METER_EXPORTS.fuel) < 0) refill();
  };
  const stackSpent = () => {
    throw new RangeError('stack');
  };
  const imports = [refill, stackSpent];
  const call = (name: string, a = 0, b = 0) =>
    module.functions.includes(name)
      ? guest.call(module.functions.indexOf(name), a, b, 0, 0, (index) => imports[index]?.())
      : 0;
  try {
    call('_initialize');
    const result = call('run', ...INPUT);
    return { result, fuel: BigInt(given - guest.getGlobal(METER_EXPORTS.fuel)) };
  } finally {
    guest.end();
  }
}

test.each(Array.from({ length: BATCHES }, (_, batch) => [batch]))(
  'V8 and Wasmtime count what the oracle counts, whatever a kernel is made of: batch %i',
  async (batch) => {
    let compared = 0;
    for (const { seed, bytes } of kernels(batch)) {
      const expected = runOracle(compileOracle(bytes), act);
      const metered = runMetered(compileMetered(bytes), act, { slice: BigInt(SLICE), limit: BigInt(LIMIT) });
      expect({ seed, result: metered.result }).toEqual({ seed, result: expected.result });
      if (expected.result === 'trap') continue;
      const { fuel } = expected;
      expect({ seed, fuel: metered.fuel, stack: metered.stack }).toEqual({
        seed,
        fuel,
        stack: BigInt(STACK_WEIGHT_MAX),
      });
      if (WASMTIME_MISSING === undefined) {
        expect({ seed, ...(await runNative(bytes)) }).toEqual({ seed, result: expected.result, fuel });
      }
      compared++;
    }
    expect(compared).toBeGreaterThan(KERNELS / 4);
  },
);
