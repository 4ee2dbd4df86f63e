// Risk of a book of options: against closed forms, by put-call parity, by the errors that it states, and what the kernel refuses.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { everywhere } from './everywhere.ts';
import { EXACT } from './exact.ts';

const { run, kernel } = await everywhere('portfolio');

interface Estimate {
  readonly value: number;
  readonly error: number;
}
type Risk = Readonly<Record<'value' | 'paths', number>> &
  Readonly<
    Record<
      | 'expectedLoss'
      | 'valueAtRisk'
      | 'expectedShortfall'
      | 'plainExpectedLoss'
      | 'plainValueAtRisk'
      | 'plainExpectedShortfall',
      Estimate
    >
  >;

const BOOK = {
  spots: new Float64Array([100]),
  volatilities: new Float64Array([0.2]),
  correlation: new Float64Array([1]),
  rate: 0.03,
  positions: [] as object[],
  horizon: 0.1,
  confidence: 0.99,
  paths: 20_000,
};
const riskOf = async (changes: object) => kernel.decode(await run({ ...BOOK, ...changes })) as Risk;

/** Normal distribution function by the oracle, and its inverse by halving. */
const cdf = (x: number) => {
  const { n, e } = EXACT.normalCdf(x);
  return Number(n >> BigInt(-e - 60)) / 2 ** 60;
};
const quantile = (p: number) => {
  let [low, high] = [-10, 10];
  while (high - low > 1e-12)
    [low, high] = cdf((low + high) / 2) < p ? [(low + high) / 2, high] : [low, (low + high) / 2];
  return low;
};

function blackScholes(kind: 'call' | 'put', { spot = 100, strike = 100, years = 1, sigma = 0.2, rate = 0.03 }): number {
  const spread = sigma * Math.sqrt(years);
  const d1 = (Math.log(spot / strike) + (rate + sigma ** 2 / 2) * years) / spread;
  const sign = kind === 'call' ? 1 : -1;
  return sign * (spot * cdf(sign * d1) - strike * Math.exp(-rate * years) * cdf(sign * (d1 - spread)));
}

const option = (changes: object) => ({ asset: 0, kind: 'call', strike: 100, years: 1, quantity: 1, ...changes });
/** A call bought and a put sold make a forward: worth S - K exp(-r t) whatever the volatility is. */
const FORWARD = [option({ strike: 95 }), option({ strike: 95, kind: 'put', quantity: -1 })];

test("a book's value is that of Black and Scholes", async () => {
  const terms = [
    { strike: 100, years: 1 },
    { strike: 140, years: 0.25 },
    { strike: 60, years: 2 },
  ];
  for (const { strike, years } of terms) {
    for (const kind of ['call', 'put'] as const) {
      const { value } = await riskOf({ positions: [option({ kind, strike, years, quantity: -3 })], paths: 1_000 });
      expect(value / -3).toBeCloseTo(blackScholes(kind, { strike, years }), 11);
    }
  }
});

test('a call less a put is a forward: put-call parity, today and in every tail', async () => {
  const { value, valueAtRisk, expectedShortfall, expectedLoss, plainValueAtRisk } = await riskOf({
    positions: FORWARD,
  });
  expect(value).toBeCloseTo(100 - 95 * Math.exp(-0.03), 11);
  // Its loss is a monotone function of the price, so its quantile is known: that of the price from below.
  const root = Math.sqrt(0.1);
  const worst = (p: number) => 100 * Math.exp((0.03 - 0.02) * 0.1 - 0.2 * root * quantile(p));
  const exact = value - (worst(0.99) - 95 * Math.exp(-0.03 * 0.9));
  expect(Math.abs(valueAtRisk.value - exact)).toBeLessThan(4 * valueAtRisk.error);
  expect(Math.abs(plainValueAtRisk.value - exact)).toBeLessThan(4 * plainValueAtRisk.error);
  // E[S | S below its quantile] = S exp(r h) P(d < z - sigma root h) / P(d < z).
  const mean = (100 * Math.exp(0.003) * cdf(quantile(0.01) - 0.2 * root)) / 0.01;
  const shortfall = value - (mean - 95 * Math.exp(-0.03 * 0.9));
  expect(Math.abs(expectedShortfall.value - shortfall)).toBeLessThan(4 * expectedShortfall.error);
  const loss = value - (100 * Math.exp(0.003) - 95 * Math.exp(-0.03 * 0.9));
  expect(Math.abs(expectedLoss.value - loss)).toBeLessThan(4 * expectedLoss.error);
});

test('an option that ends at the horizon is worth what it pays', async () => {
  // The loss of a call that was bought is its price at most, and that in most paths if it is far out.
  const { value, valueAtRisk } = await riskOf({ positions: [option({ strike: 120, years: 0.1 })] });
  expect(valueAtRisk.value).toBeCloseTo(value, 11);
});

test('the value is a martingale: the expected loss of any book is what its value earns, within its error', async () => {
  const spots = new Float64Array([100, 40]);
  const positions = [option({ quantity: 2 }), option({ asset: 1, kind: 'put', strike: 45, years: 0.5, quantity: 5 })];
  const two = { spots, volatilities: new Float64Array([0.2, 0.4]), correlation: new Float64Array([1, -0.6, -0.6, 1]) };
  const { value, expectedLoss, plainExpectedLoss } = await riskOf({ ...two, positions, paths: 40_000 });
  const earned = -value * (Math.exp(0.03 * 0.1) - 1);
  expect(Math.abs(expectedLoss.value - earned)).toBeLessThan(4 * expectedLoss.error);
  expect(expectedLoss.error).toBeLessThan(plainExpectedLoss.error / 3);
});

test('stated errors are those that other paths have, and the control variate makes them smaller', async () => {
  // Two assets, since errors are overstated for a book whose loss the control orders rightly.
  const terms = {
    spots: new Float64Array([100, 50]),
    volatilities: new Float64Array([0.2, 0.5]),
    correlation: new Float64Array([1, 0.3, 0.3, 1]),
    positions: [option({ quantity: -1 }), option({ asset: 1, kind: 'put', strike: 45, years: 0.4, quantity: -1 })],
  };
  const runs = await Promise.all(
    Array.from({ length: 24 }, (_, at) => riskOf({ ...terms, paths: 40_000, first: 20_000 * at })),
  );
  const deviation = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  };
  for (const name of ['expectedLoss', 'valueAtRisk', 'plainValueAtRisk'] as const) {
    const stated = Math.sqrt(runs.reduce((sum, risk) => sum + risk[name].error ** 2, 0) / runs.length);
    const seen = deviation(runs.map((risk) => risk[name].value));
    expect(seen / stated, name).toBeGreaterThan(0.55);
    expect(seen / stated, name).toBeLessThan(1.7);
  }
  const [ours, plain] = (['valueAtRisk', 'plainValueAtRisk'] as const).map((name) =>
    deviation(runs.map((risk) => risk[name].value)),
  );
  expect(ours).toBeLessThan(0.8 * (plain ?? 0));
});

test('assets that move as one are one asset', async () => {
  const positions = [option({ asset: 0 }), option({ asset: 1, kind: 'put' })];
  const twice = { spots: new Float64Array([100, 100]), volatilities: new Float64Array([0.2, 0.2]) };
  const near = 1 - 1e-12;
  const two = await riskOf({ ...twice, correlation: new Float64Array([1, near, near, 1]), positions });
  const one = await riskOf({ positions: positions.map((each) => ({ ...each, asset: 0 })) });
  expect(two.valueAtRisk.value).toBeCloseTo(one.valueAtRisk.value, 3);
});

test('paths that all lose the same are no harder to sort than others: they take no more than the usual fuel', async () => {
  const risk = await riskOf({ paths: 400_000 });
  expect(risk.plainValueAtRisk).toEqual({ value: 0, error: 0 });
  expect(risk.plainExpectedShortfall).toEqual({ value: 0, error: 0 });
});

test('the book of the repository runs, each line with paths of its own', async () => {
  const lines = readFileSync('kernels/portfolio/data/book.ndjson', 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ first }) => first)).toEqual([0, 25_000, 50_000, 75_000]);
  const [{ spots, volatilities, correlation, ...rest }] = lines;
  const risk = await riskOf({
    ...rest,
    paths: 4_000,
    spots: new Float64Array(spots),
    volatilities: new Float64Array(volatilities),
    correlation: new Float64Array(correlation),
  });
  expect(risk.expectedShortfall.value).toBeGreaterThan(risk.valueAtRisk.value);
});

describe('refuses, and says what is wrong:', () => {
  test.each<[string, object, string]>([
    [
      'an asset that is not there',
      { positions: [option({ asset: 1 })] },
      '"positions[0].asset" must be a place in "spots"',
    ],
    [
      'a kind that is not known',
      { positions: [option({ kind: 'forward' })] },
      '"positions[0].kind" must be call or put',
    ],
    [
      'an option that ends before the horizon',
      { positions: [option({ years: 0.05 })] },
      '"positions[0].years" must be from',
    ],
    [
      'a correlation of another size',
      { correlation: new Float64Array([1, 0]) },
      '"correlation" must have a row and a column',
    ],
    ['a correlation of 2', { correlation: new Float64Array([2]) }, '"correlation" must have ones on its diagonal'],
    ['volatility below 0', { volatilities: new Float64Array([-0.2]) }, '"volatilities[0]" must be from'],
    ['paths that make no batches', { paths: 1_001 }, '"paths" must be from 1000'],
    [
      'correlations that cannot be',
      {
        spots: new Float64Array([1, 1]),
        volatilities: new Float64Array([0.2, 0.2]),
        correlation: new Float64Array([1, 1.5, 1.5, 1]),
      },
      'the matrix is not positive definite: row 1',
    ],
  ])('%s', async (_what, changes, message) => {
    await expect(riskOf(changes)).rejects.toThrow(message);
  });
});
