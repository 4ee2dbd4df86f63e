// Products of matrices: the bits of the plain loop, their laws, random matrices, and what the kernel refuses.
import { describe, expect, test } from 'vitest';
import { everywhere } from './everywhere.ts';
import { bytesOf, settingsText } from './task.ts';

const { run } = await everywhere('gemm');

type Numbers = Float64Array | Float32Array;

async function product(a: Numbers, b: Numbers, [rows, columns, inner]: readonly [number, number, number]) {
  const bits = 8 * a.BYTES_PER_ELEMENT;
  const head = bytesOf(`${settingsText({ rows, columns, inner, bits })}data\n`);
  const bytes = [a, b].map((each) => new Uint8Array(each.buffer, each.byteOffset, each.byteLength));
  return matrixOf(await run(Buffer.concat([head, ...bytes])));
}

function matrixOf(output: Uint8Array): { readonly head: readonly number[]; readonly values: number[] } {
  expect(new TextDecoder().decode(output.subarray(0, 8))).toBe('lodggemm');
  const head = [...new Uint32Array(output.buffer, 8, 4)];
  const body = output.slice(32).buffer;
  return { head, values: [...(head[3] === 64 ? new Float64Array(body) : new Float32Array(body))] };
}

const entries = (count: number, step: number) =>
  Float64Array.from({ length: count }, (_, at) => Math.sin(at * step + 1));

function plain(a: Numbers, b: Numbers, [m, n, k]: readonly [number, number, number], round = (x: number) => x) {
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let p = 0; p < k; p++) {
      sum = round(sum + round((a[Math.floor(at / n) * k + p] ?? 0) * (b[p * n + (at % n)] ?? 0)));
    }
    return sum;
  });
}

test.each<[number, number, number]>([
  [1, 1, 1],
  [7, 5, 3],
  [30, 17, 520],
  [300, 6, 4],
  [5, 530, 300],
])('%i x %i with %i inner places has the bits of the plain loop, in f64 and in f32', async (...sizes) => {
  const [m, n, k] = sizes;
  const [a, b] = [entries(m * k, 0.7), entries(k * n, 1.3)];
  expect(await product(a, b, sizes)).toEqual({ head: [1, m, n, 64], values: plain(a, b, sizes) });
  const [a32, b32] = [Float32Array.from(a), Float32Array.from(b)];
  expect(await product(a32, b32, sizes)).toEqual({ head: [1, m, n, 32], values: plain(a32, b32, sizes, Math.fround) });
});

test('the identity leaves a matrix as it is, and (A B) C is A (B C)', async () => {
  const [a, b, c] = [entries(54, 0.3), entries(54, 0.9), entries(36, 1.7)];
  const one = Float64Array.from({ length: 36 }, (_, at) => (at % 7 === 0 ? 1 : 0));
  expect((await product(a, one, [9, 6, 6])).values).toEqual([...a]);
  const left = await product(Float64Array.from((await product(a, b, [9, 9, 6])).values), entries(81, 1.7), [9, 9, 9]);
  const right = await product(a, Float64Array.from((await product(b, entries(81, 1.7), [6, 9, 9])).values), [9, 9, 6]);
  for (const [at, value] of left.values.entries())
    expect(Math.abs(value - (right.values[at] ?? 0))).toBeLessThan(1e-13);
  expect(c.length).toBe(36);
});

test('random matrices are those of Philox, the same for the same seed', async () => {
  const random = (changes: object) =>
    run(settingsText({ rows: 1, columns: 1, inner: 1, seed: 0, ...changes })).then(matrixOf);
  // The block of counter 0 and key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8, each two words an f64 between -1 and 1.
  const even = (words: bigint) => 2 * ((Number(words >> 12n) + 0.5) / 2 ** 52) - 1;
  const [a, b] = [even(0xe169c58d6627e8d5n), even(0x9b00dbd8bc57ac4cn)];
  expect((await random({})).values).toEqual([a * b]);
  expect((await random({ bits: 32 })).values).toEqual([Math.fround(Math.fround(a) * Math.fround(b))]);
  expect((await random({ seed: 1 })).values).not.toEqual((await random({ seed: 2 })).values);
});

describe('refuses, and says what is wrong:', () => {
  test.each<[string, object, string]>([
    ['a matrix without rows', { rows: 0 }, 'setting "rows" must be from 1 to 16384'],
    ['numbers of 48 bits', { bits: 48 }, 'setting "bits" must be 32 or 64'],
    ['neither seed nor data', {}, 'setting "seed" is missing'],
    [
      'more than fits',
      { rows: 16384, columns: 16384, inner: 16384, seed: 1 },
      'bytes, at most 1073741824 are possible',
    ],
  ])('%s', async (_what, changes, message) => {
    await expect(run(settingsText({ rows: 2, columns: 2, inner: 2, ...changes }))).rejects.toThrow(message);
  });

  test('data of another size, and a seed beside data', async () => {
    await expect(product(entries(3, 1), entries(4, 1), [2, 2, 2])).rejects.toThrow(
      'behind "data" are 56 bytes, not 64',
    );
    const both = `${settingsText({ rows: 1, columns: 1, inner: 1, seed: 1 })}data\n1234567812345678`;
    await expect(run(both)).rejects.toThrow('setting "seed" is not known');
  });
});
