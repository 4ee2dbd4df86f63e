// Sums, transforms and matrices of `lodger/kernel`: their laws, their documented order, and the same bits on every engine.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { builtKernel } from './built.ts';
import { type Exact, exactOf, ulpsOff } from './exact.ts';

const kernel = await admit((await builtKernel('numerics')).wasm);
const sandboxes = ENGINES.map(([, makeEngine]) => createSandbox({ engine: makeEngine() }));

type Numbers = Float64Array | Float32Array;

/** What every engine answers to a function, up to three sizes and numbers. */
async function answerOf(head: readonly number[], values: Numbers): Promise<Uint8Array> {
  const input = new Uint8Array(16 + values.byteLength);
  input.set(new Uint8Array(Uint32Array.from(head).buffer));
  input.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 16);
  const outcomes = await Promise.all(sandboxes.map((sandbox) => sandbox.run({ kernel, input })));
  const outputs = outcomes.map((outcome) => {
    if (outcome.state === 'failed') throw new Error(outcome.message);
    return outcome.output.slice();
  });
  for (const output of outputs) expect(Buffer.compare(output, outputs[0] as Uint8Array)).toBe(0);
  return outputs[0] as Uint8Array;
}

const f64s = async (...given: Parameters<typeof answerOf>) =>
  new Float64Array((await answerOf(...given)).buffer as ArrayBuffer);
const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { maxLength: 40 });

/** Exact sum of products. */
function exactDot(x: ArrayLike<number>, y: ArrayLike<number>): Exact {
  let n = 0n;
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [exactOf(x[i] ?? 0), exactOf(y[i] ?? 0)];
    n += (a.n * b.n) << BigInt(a.e + b.e + 2_200);
  }
  return { n, e: -2_200 };
}

/** The order that the documentation states. */
function inOrder(terms: readonly number[]): number {
  const parts = new Float64Array(8);
  for (const [at, term] of terms.entries()) parts[at % 8]! += term;
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0] = parts;
  return s0 + s2 + s4 + s6 + (s1 + s3 + s5 + s7);
}

describe('sums', () => {
  test('and products have the order that is documented, to the last bit', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (values) => {
        const [sum] = await f64s([9], Float64Array.from(values));
        expect(sum).toBe(inOrder(values) + 0);
        const [dot] = await f64s([10], Float64Array.from([...values, ...values.toReversed()]));
        expect(dot).toBe(inOrder(values.map((value, at) => value * (values[values.length - 1 - at] ?? 0))) + 0);
      }),
      { numRuns: 60 },
    );
  });

  test('that are compensated are right where plain ones have no digit left', async () => {
    const large = Array.from({ length: 501 }, (_, at) => Math.sin(at) * 2 ** (at % 50));
    const given = [...large, ...large.map((value) => -value), 1e-9, 3e-10];
    const [plain = 0, compensated = 0] = await f64s([9], Float64Array.from(given));
    expect(Math.abs(compensated - 1.3e-9)).toBeLessThan(1e-14);
    expect(Math.abs(plain - 1.3e-9)).toBeGreaterThan(1e-9);
  });

  test('of products and norms are within an ulp of the exact ones', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (values) => {
        const y = values.map((value, at) => (at % 3 === 0 ? -value : value / 3));
        const [, compensated = 0] = await f64s([10], Float64Array.from([...values, ...y]));
        const size = values.reduce((sum, value, at) => sum + Math.abs(value * (y[at] ?? 0)), 0);
        const exact = exactDot(values, y);
        if (exact.n !== 0n && size < 1e12 * Math.abs(Number(exact.n >> 1_100n) * 2 ** -1_100 || 1) && size > 1e-200)
          expect(ulpsOff(compensated, exact)).toBeLessThan(1);
      }),
      { numRuns: 60 },
    );
    const values = Array.from({ length: 101 }, (_, at) => Math.cos(at) * 2 ** (at % 30));
    const [, , norm = 0] = await f64s([9], Float64Array.from(values));
    const root = exactOf(norm);
    const off = Number(exactDot(values, values).n - ((root.n * root.n) << BigInt(2 * root.e + 2_200)));
    // The root is off by half of what its square is off, relatively.
    expect(Math.abs(off / Number((2n * root.n * root.n) << BigInt(2 * root.e + 2_200))) * 2 ** 53 || 0).toBeLessThan(2);
  });

  test('with an infinity or no number among them are what plain ones are', async () => {
    for (const values of [
      [1, Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      [Number.NaN, 1],
    ]) {
      const [plain, compensated] = await f64s([9], Float64Array.from(values));
      expect(compensated).toEqual(plain);
    }
  });
});

describe('the Fourier transform', () => {
  const SIZES = [1, 2, 4, 8, 16, 32, 64, 512];
  const signal = (size: number) => Float64Array.from({ length: 2 * size }, (_, at) => Math.sin(at * at + 1));

  test.each(SIZES)('of %i numbers is the sum that defines it', async (size) => {
    const x = signal(size);
    const got = await f64s([11, size], x);
    for (let j = 0; j < size; j++) {
      let [re, im] = [0, 0];
      for (let k = 0; k < size; k++) {
        const angle = (-2 * Math.PI * ((j * k) % size)) / size;
        const [a = 0, b = 0] = x.subarray(2 * k);
        re += a * Math.cos(angle) - b * Math.sin(angle);
        im += a * Math.sin(angle) + b * Math.cos(angle);
      }
      expect(Math.hypot((got[2 * j] ?? 0) - re, (got[2 * j + 1] ?? 0) - im)).toBeLessThan(1e-15 * size * 4);
    }
  });

  test.each([...SIZES, 4096, 65536])(
    'of %i numbers keeps their energy (Parseval), and its inverse gives them back',
    async (size) => {
      const x = signal(size);
      const transformed = await f64s([11, size], x);
      const energy = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
      expect(Math.abs(energy(transformed) / size / energy(x) - 1)).toBeLessThan(1e-14);
      const back = await f64s([12, size], transformed);
      expect(back.findIndex((value, at) => !(Math.abs(value - (x[at] ?? 0)) < 1e-14))).toBe(-1);
    },
  );

  test.each([0, 3, 12, 2 ** 25])('of %i numbers is refused', async (size) => {
    await expect(f64s([11, size], new Float64Array(6))).rejects.toThrow('a size that is a power of two');
  });
});

describe('the product of matrices', () => {
  const entries = (count: number, step: number) => Array.from({ length: count }, (_, at) => Math.sin(at * step + 1));

  /** The plain loop; `round` is that of the type. */
  function product(
    a: readonly number[],
    b: readonly number[],
    [m, n, k]: readonly number[],
    round: (x: number) => number,
  ) {
    return Array.from({ length: (m ?? 0) * (n ?? 0) }, (_, at) => {
      const [i, j] = [Math.floor(at / (n ?? 1)), at % (n ?? 1)];
      let sum = 0;
      for (let p = 0; p < (k ?? 0); p++) {
        sum = round(sum + round((a[i * (k ?? 0) + p] ?? 0) * (b[p * (n ?? 0) + j] ?? 0)));
      }
      return sum;
    });
  }

  test.each([
    [1, 1, 1],
    [4, 4, 4],
    [5, 3, 7],
    [3, 17, 2],
    [9, 8, 300],
    [260, 9, 5],
    [4, 6, 0],
  ])('of %i x %i, %i inner places, is that of the plain loop to the last bit', async (...sizes) => {
    const [m, n, k] = sizes;
    const [a, b] = [entries(m * k, 0.7), entries(k * n, 1.3)];
    const doubles = new Float64Array(
      (await answerOf([14, ...sizes], Float64Array.from([...a, ...b]))).buffer as ArrayBuffer,
    );
    expect([...doubles]).toEqual(product(a, b, sizes, (x) => x));
    const [a32, b32] = [a.map(Math.fround), b.map(Math.fround)];
    const singles = new Float32Array(
      (await answerOf([15, ...sizes], Float32Array.from([...a, ...b]))).buffer as ArrayBuffer,
    );
    expect([...singles]).toEqual(product(a32, b32, sizes, Math.fround));
  });
});

describe("Cholesky's factor", () => {
  test('times its transpose is the matrix', async () => {
    const n = 7;
    const root = Array.from({ length: n * n }, (_, at) => Math.sin(at * at));
    const of = (rows: ArrayLike<number>, i: number, j: number) =>
      Array.from({ length: n }, (_, p) => (rows[i * n + p] ?? 0) * (rows[j * n + p] ?? 0)).reduce((a, b) => a + b, 0);
    const matrix = Float64Array.from(
      { length: n * n },
      (_, at) => of(root, Math.floor(at / n), at % n) + (at % (n + 1) === 0 ? 0.1 : 0),
    );
    const factor = await f64s([13, n], matrix);
    for (let at = 0; at < n * n; at++) {
      const [i, j] = [Math.floor(at / n), at % n];
      expect(Math.abs(of(factor, i, j) - (matrix[at] ?? 0))).toBeLessThan(1e-14 * n);
      if (j > i) expect(factor[at]).toBe(0);
    }
  });

  test('of a matrix that is not positive definite is refused, by its row', async () => {
    await expect(f64s([13, 2], Float64Array.of(1, 2, 2, 1))).rejects.toThrow(
      'the matrix is not positive definite: row 1',
    );
  });
});
