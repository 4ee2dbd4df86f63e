// What a loop has in floats and vectors is the same after a look at the counter, whatever it is kept in meanwhile.
import { expect, test } from 'vitest';
import { moduleOf } from '../wasm/build.ts';
import { compileMetered, compileOracle, runMetered, runOracle } from './runs.ts';

/** Differs from local to local. */
const term = (local: number) => `local.get 0 i32.const ${local} i32.mul`;
const F64 = (local: number) => `${term(local)} f64.convert_i32_s local.get ${local} f64.add local.set ${local}`;
const F32 = (local: number) => `local.get ${local} ${term(local)} f32.convert_i32_s f32.sub local.set ${local}`;
const V128 = (local: number) => `local.get ${local} ${term(local)} i32x4.splat i32x4.add local.set ${local}`;
const KINDS = { F: F64, f: F32, v: V128 } as const;
const READ = {
  F: (local: number) => `local.get ${local} i64.reinterpret_f64`,
  f: (local: number) => `local.get ${local} i32.reinterpret_f32 i64.extend_i32_u`,
  v: (local: number) => `local.get ${local} i64x2.extract_lane 1`,
} as const;
type Kind = keyof typeof KINDS;

/** A function with a loop of as many trips as its argument says, that changes a local of each kind in every trip. */
function looping(name: string, kinds: string) {
  const all = [...kinds].map((kind, index) => [kind as Kind, index + 1] as const);
  const trip = all.map(([kind, local]) => KINDS[kind](local)).join(' ');
  const long = 'local.get 0 drop '.repeat(12);
  const sum = all.map(([kind, local], index) => `${READ[kind](local)} ${index > 0 ? 'i64.xor' : ''}`).join(' ');
  const loop = `loop ${trip} ${long} local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end`;
  return { type: 'i>I', name, locals: kinds, code: `${loop} ${sum}` };
}

test.each([['F'], ['f'], ['v'], ['FfvFv'], ['vvvfffFFF'], ['F'.repeat(20)]])(
  'floats and vectors of a loop outlive the looks at the counter: %s',
  (kinds) => {
    const bytes = moduleOf({
      functions: [
        { type: 'i>I', export: 'run', code: 'local.get 0 call $a local.get 0 call $b i64.add' },
        looping('a', kinds),
        looping('b', `vF${kinds}`),
      ],
    });
    const act = (exports: Record<string, (...args: never[]) => unknown>) => exports.run?.(...([500] as never[]));
    const expected = runOracle(compileOracle(bytes), act);
    const seen = runMetered(compileMetered(bytes), act, { slice: 90n, limit: 1n << 40n });
    expect({ result: seen.result, fuel: seen.fuel }).toEqual({ result: expected.result, fuel: expected.fuel });
    expect(seen.refills).toBeGreaterThan(100);
  },
);
