// A whole call at once on Wasmtime ends as it does step by step there and on V8, whatever the guest does in it.
import { describe, expect, test } from 'vitest';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import type { Engine } from '../../runtime/engine/engine.ts';
import { openBench } from '../contract/case.ts';
import { ENGINES, stepByStep } from '../contract/engines.ts';
import { answer, type KernelParts } from '../wasm/kernel.ts';
import { ROWS } from './whole.ts';

/** How far a guest came by the shorter way: to its end, to what TypeScript has to look at, to a failure, or nowhere. */
type Came = 'all the way' | 'to a misfit' | 'to a failure' | 'nowhere';

/** The engine, and how far its guests came. */
function watch(engine: Engine): { readonly engine: Engine; readonly came: Came[] } {
  const came: Came[] = [];
  const instantiate: Engine['instantiate'] = (...args) => {
    const guest = engine.instantiate(...args);
    const whole = guest.callWhole?.bind(guest);
    const callWhole: typeof whole = (...given) => {
      came.push('to a failure');
      const gave = whole?.(...given);
      came[came.length - 1] =
        gave === undefined ? 'nowhere' : gave instanceof Uint8Array ? 'all the way' : 'to a misfit';
      return gave;
    };
    return whole ? Object.assign(guest, { callWhole }) : guest;
  };
  return { engine: { ...engine, instantiate }, came };
}

const INPUT = Uint8Array.of(9, 8, 7);
const SOME = 'i32.const 1 i32.const 2 i32.add drop';

/** Something in each of its functions. */
const COSTLY: KernelParts = {
  functions: [
    { type: '>', export: '_initialize', code: `${SOME} ${SOME}` },
    { type: 'i>', export: 'cabi_post_run', code: `${SOME} ${SOME}` },
  ],
  realloc: { code: `${SOME} i32.const 1024` },
  run: { code: `${SOME} ${answer(0, 'local.get 0', 'local.get 1')}` },
};

describe.each(ENGINES)('a whole call on %s', (name, makeEngine) => {
  const watched = watch(makeEngine());
  const benches = [watched.engine, stepByStep(makeEngine()), nodeV8() as Engine].map(openBench);
  const isShort = name === 'wasmtime';

  test.each(ROWS)('$name: it comes $came', async ({ kernel, given, came, state, code }) => {
    watched.came.length = 0;
    const [whole, ...others] = await Promise.all(
      benches.map(async ({ run }) => {
        const { receipt, ...outcome } = await run(kernel, given);
        return { ...outcome, receipt: { ...receipt, engine: undefined } };
      }),
    );
    expect(watched.came).toEqual(isShort ? [came] : []);
    expect(whole).toMatchObject(code === undefined ? { state } : { state, code });
    for (const other of others) expect(whole).toEqual(other);
  });

  test('with any limit of fuel up to what it takes', async () => {
    const ways: readonly KernelParts[] = [
      COSTLY,
      { ...COSTLY, run: { code: 'i32.const 1 i32.const 2 i32.add drop unreachable' } },
      { ...COSTLY, run: { code: 'i32.const 17' } },
      { ...COSTLY, realloc: { code: 'i32.const 1 i32.const 2 i32.add drop i32.const -1' } },
    ];
    for (const parts of ways) {
      for (let fuelMax = 0; fuelMax < 120; fuelMax++) {
        const [whole, ...others] = await Promise.all(
          benches.map(async ({ run }) => {
            const { receipt, ...outcome } = await run(parts, { input: INPUT, limits: { fuelMax } });
            return { ...outcome, receipt: { ...receipt, engine: undefined, wallMs: undefined } };
          }),
        );
        for (const other of others) expect({ fuelMax, ...whole }).toEqual({ fuelMax, ...other });
      }
    }
    expect(await benches[0]?.run(COSTLY, { input: INPUT, limits: { fuelMax: 120 } })).toMatchObject({ state: 'done' });
  });

  test.each([0, 1, 64, 4_095, 4_096, 4_111, 100_000])(
    'gives an output of %i bytes in a buffer of its own',
    async (length) => {
      const outcome = await benches[0]?.run({}, { input: new Uint8Array(length).fill(7) });
      if (outcome?.state !== 'done') throw new Error('it failed');
      expect(Object.getPrototypeOf(outcome.output)).toBe(Uint8Array.prototype);
      expect(outcome.output.buffer.byteLength).toBe(length);
      expect(outcome.output.every((byte) => byte === 7)).toBe(true);
      await benches[0]?.run({}, { input: new Uint8Array(length).fill(8) });
      expect(outcome.output.every((byte) => byte === 7)).toBe(true);
    },
  );

  test('is not for steppers', async () => {
    watched.came.length = 0;
    const functions = ['begin', 'step', 'finish'].map((name) => ({
      type: name === 'begin' ? 'ii>i' : '>i',
      export: name,
      code: answer(1, 'i32.const 0', 'i32.const 0'),
    }));
    expect(await benches[0]?.run({ run: null, functions })).toMatchObject({ code: 'ERR_EXIT' });
    expect(watched.came).toEqual([]);
  });
});
