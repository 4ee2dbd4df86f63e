// Numbers of `lodger/kernel`: how far its functions are off, measured against hundreds of bits, and that every engine has the same ones.
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from './built.ts';
import { EXACT, quantileUlpsOff, ulpsOff } from './exact.ts';

const FUNCTIONS = ['exp', 'log', 'pow', 'sin', 'cos', 'tanh', 'normalCdf', 'normalQuantile'] as const;
type Name = (typeof FUNCTIONS)[number];

const kernel = await admit((await builtKernel('numerics')).wasm);
const sandboxes = ENGINES.map(([, makeEngine]) => createSandbox({ engine: makeEngine() }));

/** What every engine answers: results of lanes, then of single numbers. */
async function answerOf(which: number, values: readonly number[]): Promise<Float64Array> {
  const input = new Uint8Array(16 + 8 * values.length);
  new DataView(input.buffer).setUint32(0, which, true);
  input.set(new Uint8Array(Float64Array.from(values).buffer), 16);
  const outcomes = await Promise.all(sandboxes.map((sandbox) => sandbox.run({ kernel, input })));
  const [first, ...others] = outcomes.map((outcome) => {
    if (outcome.state === 'failed') throw new Error(outcome.message);
    return outcome;
  });
  if (!first) throw new Error('no engine');
  for (const other of others) {
    expect(Buffer.compare(other.output, first.output)).toBe(0);
    expect(other.receipt.fuel).toBe(first.receipt.fuel);
  }
  return new Float64Array(first.output.slice().buffer);
}

/** Of functions of one number, and of pow for pairs of lanes: the results, after lanes and single numbers were compared. */
async function resultsOf(name: Name, values: readonly number[]): Promise<number[]> {
  const answer = await answerOf(FUNCTIONS.indexOf(name), values);
  const lanes = answer.slice(0, answer.length / 2);
  expect(Buffer.compare(new Uint8Array(answer.slice(answer.length / 2).buffer), new Uint8Array(lanes.buffer))).toBe(0);
  return [...lanes];
}

/** Even numbers from 0 to 1, always the same. */
function dice(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

const next = dice(20_261_125);
const between = (low: number, high: number) => low + (high - low) * next();
const anyOf = (count: number, make: () => number) => Array.from({ length: count }, make);
const signed = (value: number) => (next() < 0.5 ? -value : value);
const power = (low: number, high: number) => 2 ** between(low, high);

const CASES: Readonly<Record<Exclude<Name, 'pow' | 'normalQuantile'>, { most: number; values: () => number[] }>> = {
  exp: {
    most: 0.8,
    values: () => [
      ...anyOf(2_000, () => between(-1, 1)),
      ...anyOf(1_000, () => between(-745, 709.7)),
      ...anyOf(200, () => between(-745, -708)),
      ...anyOf(200, () => signed(power(-60, 0))),
    ],
  },
  log: {
    most: 0.52,
    values: () => [
      ...anyOf(2_000, () => between(0.5, 2)),
      ...anyOf(500, () => 1 + signed(power(-52, -2))),
      ...anyOf(1_000, () => power(-1074, 1023)),
    ],
  },
  sin: { most: 0.8, values: () => angles() },
  cos: { most: 0.8, values: () => angles() },
  tanh: {
    most: 2.5,
    values: () => [...anyOf(2_000, () => between(-3, 3)), ...anyOf(400, () => signed(power(-60, 4.5)))],
  },
  normalCdf: {
    most: 12,
    values: () => [
      ...anyOf(1_500, () => between(-3, 3)),
      ...anyOf(100, () => between(-12, 9)),
      ...anyOf(24, () => between(-38.5, -12)),
      ...anyOf(300, () => signed(power(-40, 0))),
    ],
  },
};

/** Some of them next to multiples of pi/2, where most digits go, and some beyond the near way. */
const angles = () => [
  ...anyOf(800, () => between(-4, 4)),
  ...anyOf(300, () => signed(power(-40, 20))),
  ...anyOf(300, (): number => Math.round(between(-1e6, 1e6)) * (Math.PI / 2)),
  ...anyOf(300, () => signed(power(20, 1023.9))),
  // The f64 that is nearest to a multiple of pi/2, by Muller, "Elementary Functions", and its neighbour in kind.
  ...[6381956970095103 * 2 ** 797, -6381956970095103 * 2 ** 797, 5.319372648326541e255, 2 ** 20, -(2 ** 20)],
  1,
];

describe.each(Object.entries(CASES))('%s', (name, { most, values }) => {
  test(`is within ${most} ulp, and the same in lanes, alone and on every engine`, async () => {
    const given = values();
    const results = await resultsOf(name as keyof typeof CASES, given);
    const worst = given.reduce(
      (most, x, at) => {
        const off = ulpsOff(results[at] ?? Number.NaN, EXACT[name as keyof typeof CASES](x));
        return off > most.off ? { x, off } : most;
      },
      { x: 0, off: 0 },
    );
    expect(worst.off, `of ${worst.x}`).toBeLessThan(most);
    // A bound that nothing comes near to says nothing.
    expect(worst.off).toBeGreaterThan(most / 4);
  });
});

test('pow is within 0.9 ulp, and the same in lanes, alone and on every engine', async () => {
  const pairs = [
    ...anyOf(1_000, () => between(0.5, 2)).map((x) => [x, between(-700, 700)] as const),
    ...anyOf(500, () => power(-1074, 1023)).map((x) => [x, between(-0.9, 0.9)] as const),
    ...anyOf(500, () => 1 + signed(power(-40, -4))).map((x) => [x, signed(power(0, 13))] as const),
    // Far out, where an error of log counts most.
    ...anyOf(500, () => between(0.6, 1.6)).map((x) => [x, (signed(1) * between(690, 708)) / Math.log(x)] as const),
  ];
  const given = pairs.flatMap(([x, y], at) =>
    at % 2 === 0 ? [x, pairs[at + 1]?.[0] ?? 1, y, pairs[at + 1]?.[1] ?? 1] : [],
  );
  const results = await resultsOf('pow', given);
  let worst = 0;
  for (const [at, [x, y]] of pairs.entries()) {
    const off = ulpsOff(results[at] ?? Number.NaN, EXACT.pow(x, y));
    expect(off, `${x} to the power of ${y}`).toBeLessThan(0.9);
    worst = Math.max(worst, off);
  }
  expect(worst).toBeGreaterThan(0.5);
});

test('normalQuantile is within 8 ulp, and the same in lanes, alone and on every engine', async () => {
  const given = [
    ...anyOf(400, () => between(0, 1)),
    ...anyOf(60, () => power(-60, -3)),
    ...anyOf(20, () => power(-1000, -60)),
    ...anyOf(100, () => 0.5 + signed(power(-50, -2))),
  ];
  const results = await resultsOf('normalQuantile', given);
  const off = given.map((p, at) => quantileUlpsOff(results[at] ?? Number.NaN, p));
  expect(Math.max(...off)).toBeLessThan(8);
  expect(Math.max(...off)).toBeGreaterThan(1);
});

describe('special values are those of the standards', () => {
  const [inf, nan, tiny] = [Number.POSITIVE_INFINITY, Number.NaN, 2 ** -1074];
  test.each<[Name, readonly number[], readonly number[]]>([
    ['exp', [0, -0, inf, -inf, nan, 709.79, -745.14], [1, 1, inf, 0, nan, inf, 0]],
    ['log', [1, 0, -0, -1, inf, -inf, nan, tiny], [0, -inf, -inf, nan, inf, nan, nan, -744.4400719213812]],
    ['sin', [0, -0, inf, nan, tiny, -tiny], [0, -0, nan, nan, tiny, -tiny]],
    ['cos', [0, -0, -inf, nan], [1, 1, nan, nan]],
    ['tanh', [0, -0, inf, -inf, nan, tiny, 30, -30], [0, -0, 1, -1, nan, tiny, 1, -1]],
    ['normalCdf', [0, -0, inf, -inf, nan, 9, -39], [0.5, 0.5, 1, 0, nan, 1, 0]],
    ['normalQuantile', [0.5, 0, 1, nan, -1, 2], [0, -inf, inf, nan, nan, nan]],
  ])('of %s', async (name, given, expected) => {
    const even = given.length % 2 === 0 ? given : [...given, given[0] ?? 0];
    expect((await resultsOf(name, even)).slice(0, given.length)).toEqual(expected);
  });

  test('of pow, which are those of JavaScript but for 1 and -1 to powers that are infinite or no number', async () => {
    const values = [
      0,
      -0,
      1,
      -1,
      0.5,
      -0.5,
      2,
      -2,
      3,
      -3,
      1e300,
      tiny,
      -tiny,
      1.7e308,
      inf,
      -inf,
      nan,
      2 ** 53,
      -(2 ** 53) - 2,
    ];
    const pairs = values.flatMap((x) => values.map((y) => [x, y] as const));
    const given = pairs.flatMap(([x, y]) => [x, x, y, y]);
    const results = await resultsOf('pow', given);
    for (const [at, [x, y]] of pairs.entries()) {
      const c99 = x === 1 || (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) ? 1 : x ** y;
      const got = results[2 * at] ?? nan;
      const near = Number.isFinite(c99) && c99 !== 0 ? Math.abs(got / c99 - 1) < 1e-12 : Object.is(got, c99);
      expect(near || Math.abs(c99) < 2 ** -1022, `${x} to the power of ${y} is ${got}, not ${c99}`).toBe(true);
    }
  });
});

describe('Philox4x32-10', () => {
  const words = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));
  // The known answers of the authors' library Random123, file kat_vectors.
  test.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('of the counter %s and the key %s is %s', async (counter, key, expected) => {
    const bytes = new Uint8Array(Uint32Array.from([...words(key), ...words(counter)]).buffer);
    const answer = await answerOf(8, [...new Float64Array(bytes.buffer)]);
    expect([...new Uint32Array(answer.buffer, 0, 4)]).toEqual(words(expected));
  });

  test('gives even numbers that are never 0 or 1, and fill what is between them', async () => {
    const counters = Array.from({ length: 5_000 }, (_, at) => [at, 7]).flat();
    const bytes = new BigUint64Array([42n, ...counters.map(BigInt)]);
    const answer = await answerOf(8, [...new Float64Array(bytes.buffer)]);
    const even = [...answer].filter((_, at) => at % 12 === 2 || at % 12 === 3);
    expect(Math.min(...even)).toBeGreaterThan(0);
    expect(Math.max(...even)).toBeLessThan(1);
    // 10,000 numbers in 100 equal parts: chi squared of 99 degrees of freedom, beyond 170 once in 10^5 times.
    const parts = new Uint32Array(100);
    for (const value of even) parts[Math.floor(value * 100)]! += 1;
    expect([...parts].reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)).toBeLessThan(170);
  });

  test.each([0n, 2n ** 32n - 2n, 2n ** 64n - 3n, 0x85a308d3243f6a88n])(
    'gives the even numbers of four counters from %s on as it gives them one by one',
    async (first) => {
      const counters = [0n, 1n, 2n, 3n].flatMap((more) => [BigInt.asUintN(64, first + more), 0x0370734413198a2en]);
      const bytes = new BigUint64Array([0x299f31d0a4093822n, ...counters]);
      const answer = await answerOf(8, [...new Float64Array(bytes.buffer)]);
      const single = [0, 1, 2, 3].flatMap((at) => [...answer.slice(at * 12 + 2, at * 12 + 4)]);
      expect([...answer.slice(4, 12)]).toEqual(single);
    },
  );
});
