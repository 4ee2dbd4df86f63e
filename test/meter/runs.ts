// Runs modules with the oracle's counter and with the meter's, and tells what can be seen of each run.
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../../runtime/meter/names.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { oracle } from './oracle.ts';

export type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;

/** What can be seen: the result, the fuel at the return, and the fuel at every host call. */
export interface Seen {
  readonly result: unknown;
  readonly fuel: bigint;
  readonly calls: readonly bigint[];
  readonly refills: number;
  /** Stack weight left at the end. */
  readonly stack: bigint;
}

export interface Terms {
  /** Fuel given at a time. */
  readonly slice?: bigint;
  /** Fuel given in all. */
  readonly limit?: bigint;
  readonly imports?: Imports;
  /** What the host takes off the counter at each host call. */
  readonly hostFuel?: bigint;
}

/** Thrown by `refill` when the limit is reached. */
export class Spent extends Error {}
/** Thrown when the stack's weight is used up. */
export class StackSpent extends Error {}

/** Thrown by a host function that ends the run. */
export class Stopped extends Error {}
/** What such a run gives. */
export const STOPPED = 'stopped';

const PLENTY = 1n << 60n;

/** A metered module that can be run. */
export function compileMetered(bytes: Uint8Array): WebAssembly.Module {
  return new WebAssembly.Module(meter(readModule(bytes)).bytes);
}

export function compileOracle(bytes: Uint8Array, options?: { readonly stops: boolean }): WebAssembly.Module {
  return new WebAssembly.Module(oracle(bytes, options));
}

type Exports = Record<string, WebAssembly.Global & ((...args: never[]) => unknown)>;
/** What is done with an instance: calls of its exports. */
export type Act = (exports: Exports) => unknown;

/** Runs with the oracle's counter; a trap is the result `trap`. */
export function runOracle(module: WebAssembly.Module, act: Act, { imports = {}, limit = PLENTY }: Terms = {}): Seen {
  const calls: bigint[] = [];
  const fuel = () => limit - (exports['oracle:fuel']?.value as bigint);
  const { exports } = new WebAssembly.Instance(
    module,
    watched(imports, () => calls.push(fuel())) as never,
  ) as unknown as {
    exports: Exports;
  };
  (exports['oracle:fuel'] as WebAssembly.Global).value = limit;
  const result = outcome(() => act(exports));
  return { result, fuel: fuel(), calls, refills: 0, stack: 0n };
}

/** Runs with the meter's counter, a slice at a time. Spent fuel is the result `spent`, a spent stack is `stack`. */
export function runMetered(
  module: WebAssembly.Module,
  act: Act,
  { imports = {}, limit = PLENTY, slice = limit, hostFuel = 0n }: Terms = {},
): Seen {
  const calls: bigint[] = [];
  let given = 0n;
  let refills = 0;
  const counter = () => exports[METER_EXPORTS.fuel] as WebAssembly.Global;
  const fuel = () => given - (counter().value as bigint);
  const own = {
    [METER_IMPORTS.refill]: () => {
      refills++;
      const left = counter().value as bigint;
      const [more] = [limit - given, slice > -left ? slice : -left].sort((a, b) => (a < b ? -1 : 1)) as [
        bigint,
        bigint,
      ];
      given += more;
      counter().value = left + more;
      if (left + more < 0n) throw new Spent();
    },
    [METER_IMPORTS.growRefused]: () => undefined,
    [METER_IMPORTS.stackSpent]: () => {
      throw new StackSpent();
    },
  };
  const seen = () => {
    calls.push(fuel());
    if (hostFuel > 0n) counter().value -= hostFuel;
  };
  const all = { ...watched(imports, seen), [METER_IMPORTS.module]: own };
  const { exports } = new WebAssembly.Instance(module, all as never) as unknown as { exports: Exports };
  const result = outcome(() => {
    const value = act(exports);
    if (fuel() > limit) throw new Spent();
    return value;
  });
  return { result, fuel: fuel(), calls, refills, stack: exports[METER_EXPORTS.stack]?.value as bigint };
}

function watched(imports: Imports, seen: () => void): Imports {
  return Object.fromEntries(
    Object.entries(imports).map(([module, functions]) => [
      module,
      Object.fromEntries(
        Object.entries(functions).map(([name, run]) => [
          name,
          (...args: never[]) => {
            seen();
            return run(...args);
          },
        ]),
      ),
    ]),
  );
}

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof Spent) return 'spent';
    if (thrown instanceof StackSpent) return 'stack';
    if (thrown instanceof Stopped) return STOPPED;
    if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) return 'trap';
    throw thrown;
  }
}
