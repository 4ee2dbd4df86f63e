// Real kernels, from AssemblyScript, C and Rust: same output, same failures, and the fuel of the oracle to the unit.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildKernel } from '../../host/build/build.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../../runtime/meter/names.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { type Guest, startGuest } from '../kernels/guest.ts';
import { coreOf, GIVEN, SUBJECTS, type Subject } from '../kernels/subjects.ts';
import { ROOT } from '../project/files.ts';
import { oracle } from './oracle.ts';

const PLENTY = 1n << 60n;

interface Called {
  /** By its digest: long ones are slow to compare. */
  readonly output: string;
  readonly lines: readonly string[];
  readonly fuel: bigint;
}

/** What one call of a kernel gave and cost. After a trap, fuel means nothing. */
function call(wasm: Uint8Array, global: string, input: Uint8Array, slice: bigint): Called {
  let guest: Guest | undefined;
  let given = 0n;
  const left = () => guest?.exports[global] as WebAssembly.Global;
  const refill = () => {
    // While a kernel initializes itself nobody can give it anything: it goes on below zero.
    if (guest === undefined) return;
    const more = slice - (left().value as bigint);
    given += more;
    left().value += more;
  };
  const spent = () => {
    throw new RangeError('stack');
  };
  const imports = {
    [METER_IMPORTS.module]: {
      [METER_IMPORTS.refill]: refill,
      [METER_IMPORTS.stackSpent]: spent,
      [METER_IMPORTS.growRefused]: () => undefined,
    },
  };
  const lines: string[] = [];
  try {
    guest = startGuest(wasm, { data: GIVEN.blobs, log: (line) => lines.push(line), imports });
    const output = guest.exports.run === undefined ? steps(guest, input) : guest.run(input);
    return { output: createHash('sha256').update(output).digest('hex'), lines, fuel: given - (left().value as bigint) };
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError) return { output: 'trap', lines, fuel: 0n };
    if (thrown instanceof RangeError) return { output: 'stack', lines, fuel: 0n };
    // It failed by its own word, in a host call or in its answer: fuel is exact.
    if (!(thrown instanceof Error)) throw thrown;
    return { output: thrown.message, lines, fuel: given - (left().value as bigint) };
  }
}

function steps(guest: Guest, input: Uint8Array): Uint8Array {
  guest.begin(input);
  while (guest.step() < 1);
  return guest.finish();
}

/** A kernel of steps with an example input that is made short. */
function short(source: string, data: string): Subject {
  const text = readFileSync(new URL(`../../${source}/data/${data}`, import.meta.url), 'utf8');
  const input = text.replace(/^steps = \d+/m, 'steps = 4').replace(/^equilibration = \d+/m, 'equilibration = 0');
  return { source, input: () => new TextEncoder().encode(input), special: [new TextEncoder().encode('steps = 1\n')] };
}

const ALL: Readonly<Record<string, Subject>> = {
  ...SUBJECTS,
  wave: short('kernels/wave', 'salt.txt'),
  dynamics: short('kernels/dynamics', 'argon.txt'),
  chains: short('kernels/dynamics', 'chains.txt'),
};

test.each(Object.entries(ALL))(
  '%s costs what the oracle says, and gives what it gave, with canonical NaNs or without',
  async (_, subject) => {
    const wasm = await coreOf(subject);
    const counted = oracle(wasm);
    const module = readModule(wasm);
    const metered = [meter(module).bytes, meter(module, { canonicalNaNs: true }).bytes];
    let ended = 0;
    for (const input of [...subject.special, subject.input(0), subject.input(1_000), subject.input(20_000)]) {
      const expected = call(counted, 'oracle:fuel', input, PLENTY);
      if (expected.fuel > 0n) ended++;
      for (const slice of [PLENTY, 20_000n]) {
        for (const bytes of metered) expect(call(bytes, METER_EXPORTS.fuel, input, slice)).toEqual(expected);
      }
    }
    expect(ended).toBeGreaterThan(0);
  },
);

/** Growth is part of the size of the module itself, its custom sections left out as a host does. Lifted loops are there twice. */
const GROWTH: readonly (readonly [name: string, lift: boolean])[] = [
  ...['align', 'dynamics', 'wave', 'template', 'echo', 'portfolio', 'gemm', 'fractal', 'spectra', 'digest'].map(
    (name) => [name, true] as const,
  ),
  ...['align', 'dynamics', 'wave', 'template'].map((name) => [name, false] as const),
];

test.each(GROWTH)('metering makes %s, loops lifted: %s, grow by no more than a quarter', async (name, lift) => {
  const { wasm } = await buildKernel({ source: join(ROOT, 'kernels', name), lift });
  expect(meter(readModule(wasm)).bytes.length / wasm.length - 1).toBeLessThanOrEqual(0.25);
});
