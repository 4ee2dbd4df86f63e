// Modules at random, with NaNs of every kind in them: the bits that can be seen are those of the dumbest rewriting, for the same fuel,
// and the same on both engines.
import { expect, test } from 'vitest';
import { loadAddon } from '../../host/platform/native.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS } from '../../runtime/meter/names.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { generateKernel } from '../fuzz/generate.ts';
import { canonicalEverywhere } from './nans-oracle.ts';
import { runMetered } from './runs.ts';

const BATCHES = 4;
const KERNELS = 60;
const FUEL = 2 ** 40;
/** Where the input lies, and its length. */
const INPUT = [2_048, 16] as const;

/** How a run ended: its result, all of its memory, its fuel unless it trapped. Globals are in the memory: the kernel shows them. */
interface Ended {
  readonly result: unknown;
  readonly memory: Buffer;
  readonly fuel: bigint;
}

function onV8(metered: Uint8Array<ArrayBuffer>): Ended {
  let memory = Buffer.alloc(0);
  const seen = runMetered(
    new WebAssembly.Module(metered),
    (guest) => {
      try {
        return guest.run?.(...(INPUT as unknown as never[]));
      } finally {
        guest.cabi_post_run?.(0 as never);
        memory = Buffer.from((guest.memory as unknown as WebAssembly.Memory).buffer.slice(0));
      }
    },
    { limit: BigInt(FUEL), slice: 700n },
  );
  return { result: seen.result, memory, fuel: seen.result === 'trap' ? 0n : seen.fuel };
}

async function onWasmtime(metered: Uint8Array): Promise<Ended> {
  const module = await loadAddon().compile(metered, { stoppable: false, linear: false });
  const guest = module.instantiate(2 ** 32);
  const call = (name: string, a: number, b = 0) =>
    guest.call(module.functions.indexOf(name), a, b, 0, 0, () => undefined);
  guest.setGlobal(METER_EXPORTS.fuel, FUEL);
  let result: unknown = 'trap';
  try {
    result = call('run', ...INPUT);
  } catch {
    // It trapped.
  }
  call('cabi_post_run', 0);
  const fuel = result === 'trap' ? 0n : BigInt(FUEL - guest.getGlobal(METER_EXPORTS.fuel));
  const memory = Buffer.from(guest.memory().slice(0));
  guest.end();
  return { result, memory, fuel };
}

/** Where two memories differ first, with what is there. */
function difference(one: Buffer, other: Buffer): string | undefined {
  if (one.equals(other)) return undefined;
  const at = one.findIndex((byte, index) => byte !== other[index]) & ~15;
  return `${one.toString('hex', at, at + 16)} and ${other.toString('hex', at, at + 16)} at ${at}`;
}

test.each(Array.from({ length: BATCHES }, (_, batch) => [batch]))(
  'what can be seen is canonical, and no more than that is changed, on V8 and Wasmtime: batch %i',
  async (batch) => {
    let changed = 0;
    let ended = 0;
    for (let index = 0; index < KERNELS; index++) {
      const seed = 90_000 + batch * KERNELS + index;
      const { bytes } = generateKernel(seed, { hasImports: false, hasCanonicalNans: false });
      const canonical = meter(readModule(bytes), { canonicalNaNs: true }).bytes;
      expect({ seed, isValid: WebAssembly.validate(canonical) }).toEqual({ seed, isValid: true });
      const raw = onV8(meter(readModule(bytes)).bytes);
      // The dumb rewriting adds instructions, so its fuel says nothing.
      const { result, memory } = onV8(meter(readModule(canonicalEverywhere(bytes))).bytes);
      const seen = [onV8(canonical), ...(WASMTIME_MISSING === undefined ? [await onWasmtime(canonical)] : [])];
      for (const one of seen) {
        expect({ seed, result: one.result, at: difference(one.memory, memory) }).toEqual({
          seed,
          result,
          at: undefined,
        });
        expect({ seed, fuel: one.fuel }).toEqual({ seed, fuel: seen[0]?.fuel });
      }
      if (raw.memory.equals(memory)) expect({ seed, fuel: seen[0]?.fuel }).toEqual({ seed, fuel: raw.fuel });
      else changed++;
      if (result !== 'trap') ended++;
    }
    expect(Math.min(changed, ended)).toBeGreaterThan(KERNELS / 4);
  },
);
