// Functions of `lodger/kernel` for four lanes of f32: how far they are off, measured against hundreds of bits, and the same on every engine.
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from './built.ts';
import { EXACT, F32, quantileUlpsOff, ulpsOff } from './exact.ts';

const FUNCTIONS = ['exp', 'log', 'pow', 'sin', 'cos', 'tanh', 'normalCdf', 'normalQuantile'] as const;
type Name = (typeof FUNCTIONS)[number];

const kernel = await admit((await builtKernel('numerics')).wasm);
const sandboxes = ENGINES.map(([, makeEngine]) => createSandbox({ engine: makeEngine() }));

/** Results of every engine, which must be the same. The last numbers are filled up with ones. */
async function resultsOf(name: Name, values: readonly number[]): Promise<number[]> {
  const every = name === 'pow' ? 8 : 4;
  const numbers = [...values, ...Array((every - (values.length % every)) % every).fill(1)];
  const input = new Uint8Array(16 + 8 * numbers.length);
  new DataView(input.buffer).setUint32(0, 16 + FUNCTIONS.indexOf(name), true);
  input.set(new Uint8Array(Float64Array.from(numbers).buffer), 16);
  const outputs = await Promise.all(
    sandboxes.map(async (sandbox) => {
      const outcome = await sandbox.run({ kernel, input });
      if (outcome.state === 'failed') throw new Error(outcome.message);
      return outcome.output.slice();
    }),
  );
  for (const output of outputs) expect(Buffer.compare(output, outputs[0] ?? new Uint8Array())).toBe(0);
  return [...new Float64Array(outputs[0]?.buffer ?? new ArrayBuffer())].slice(0, values.length);
}

let state = 20_261_125;
/** Even numbers from 0 to 1, always the same. */
function next(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}
const between = (low: number, high: number) => Math.fround(low + (high - low) * next());
const power = (low: number, high: number) => Math.fround(2 ** (low + (high - low) * next()));
const signed = (value: number) => (next() < 0.5 ? -value : value);
const anyOf = (count: number, make: () => number) => Array.from({ length: count }, make);

/** Some of them next to multiples of pi/2, where most digits go, and some beyond the near way. */
const angles = () => [
  ...anyOf(3_000, () => between(-4, 4)),
  ...anyOf(1_000, () => signed(power(-30, 20))),
  ...anyOf(1_000, (): number => Math.fround(Math.round(between(-6e5, 6e5)) * (Math.PI / 2))),
  ...anyOf(200, () => signed(power(20, 127.9))),
  2 ** 20,
];

const CASES: Readonly<Record<Exclude<Name, 'pow' | 'normalQuantile'>, { most: number; values: () => number[] }>> = {
  exp: {
    most: 1.2,
    values: () => [
      ...anyOf(4_000, () => between(-2, 2)),
      ...anyOf(2_000, () => between(-103.9, 88.7)),
      ...anyOf(300, () => between(-103.9, -87)),
      ...anyOf(300, () => signed(power(-30, 0))),
    ],
  },
  log: {
    most: 1.2,
    values: () => [
      ...anyOf(4_000, () => between(0.5, 2)),
      ...anyOf(1_000, () => Math.fround(1 + signed(power(-23, -2)))),
      ...anyOf(2_000, () => power(-149, 127.9)),
    ],
  },
  sin: { most: 1.5, values: angles },
  cos: { most: 1.5, values: angles },
  tanh: {
    most: 3,
    values: () => [...anyOf(4_000, () => between(-3, 3)), ...anyOf(600, () => signed(power(-30, 3.3)))],
  },
  normalCdf: { most: 0.501, values: () => [...anyOf(600, () => between(-3, 3)), ...anyOf(60, () => between(-12, 9))] },
};

describe.each(Object.entries(CASES))('%s of four lanes', (name, { most, values }) => {
  test(`is within ${most} ulp of f32, and the same on every engine`, async () => {
    const given = values();
    const results = await resultsOf(name as Name, given);
    let worst = { x: 0, off: 0 };
    for (const [at, x] of given.entries()) {
      const off = ulpsOff(results[at] ?? Number.NaN, EXACT[name as keyof typeof CASES](x), F32);
      if (off > worst.off) worst = { x, off };
    }
    expect(worst.off, `of ${worst.x}`).toBeLessThan(most);
    // A bound that nothing comes near to says nothing.
    expect(worst.off).toBeGreaterThan(most / 3);
  });
});

test('pow of four lanes is within 0.501 ulp of f32', async () => {
  const pairs = [
    ...anyOf(1_000, () => between(0.5, 2)).map((x) => [x, between(-80, 80)] as const),
    ...anyOf(600, () => power(-100, 100)).map((x) => [x, between(-0.9, 0.9)] as const),
  ];
  const given: number[] = [];
  for (let at = 0; at < pairs.length; at += 4) {
    for (const which of [0, 1] as const) for (const pair of pairs.slice(at, at + 4)) given.push(pair[which]);
  }
  const results = await resultsOf('pow', given);
  for (const [at, [x, y]] of pairs.entries()) {
    expect(ulpsOff(results[at] ?? Number.NaN, EXACT.pow(x, y), F32), `${x} to the power of ${y}`).toBeLessThan(0.501);
  }
});

test('normalQuantile of four lanes is within 0.501 ulp of f32', async () => {
  const given = [...anyOf(400, () => between(0, 1)), ...anyOf(60, () => power(-60, -3))];
  const results = await resultsOf('normalQuantile', given);
  const off = given.map((p, at) => quantileUlpsOff(results[at] ?? Number.NaN, p, F32));
  expect(Math.max(...off)).toBeLessThan(0.501);
});

describe('special values of four lanes are those of the standards', () => {
  const [inf, nan, tiny] = [Number.POSITIVE_INFINITY, Number.NaN, 2 ** -149];
  test.each<[Name, readonly number[], readonly number[]]>([
    ['exp', [0, -0, inf, -inf, nan, 88.8, -104, 3.4e38], [1, 1, inf, 0, nan, inf, 0, inf]],
    ['log', [1, 0, -0, -1, inf, -inf, nan, tiny], [0, -inf, -inf, nan, inf, nan, nan, Math.fround(-149 * Math.LN2)]],
    ['sin', [0, -0, inf, nan, tiny, -tiny], [0, -0, nan, nan, tiny, -tiny]],
    ['cos', [0, -0, -inf, nan], [1, 1, nan, nan]],
    ['tanh', [0, -0, inf, -inf, nan, tiny, 30, -30], [0, -0, 1, -1, nan, tiny, 1, -1]],
    ['normalCdf', [0, -0, inf, -inf, nan, 9, -39], [0.5, 0.5, 1, 0, nan, 1, 0]],
    ['normalQuantile', [0.5, 0, 1, nan, -1, 2], [0, -inf, inf, nan, nan, nan]],
    ['pow', [0, 2, -2, inf, 0, 0.5, 3, -1], [1, Math.SQRT1_2 * 2, -8, 0].map(Math.fround)],
  ])('of %s', async (name, given, expected) => {
    expect((await resultsOf(name, given)).slice(0, expected.length)).toEqual(expected);
  });
});
