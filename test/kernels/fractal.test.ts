// Tiles of the Mandelbrot set: against the plain loop, by the set's symmetry, and what the kernel refuses.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { everywhere } from './everywhere.ts';
import { settingsText } from './task.ts';

const { run } = await everywhere('fractal');

const VIEW = { width: 37, height: 29, centre: [-0.6, 0.05], span: 2.6, iterations: 264 };

async function tile(changes: object) {
  const output = await run(settingsText({ ...VIEW, ...changes }));
  const head = [...new Uint32Array(output.buffer, 8, 6)];
  expect(new TextDecoder().decode(output.subarray(0, 8))).toBe('lodgfrac');
  return { head, counts: [...new Float32Array(output.slice(32).buffer)] };
}

/** The same by the plain loop. */
function oracle({ width, height, centre, span, iterations }: typeof VIEW): number[] {
  const pitch = span / width;
  return Array.from({ length: width * height }, (_, at) => {
    const cx = (centre[0] ?? 0) - 0.5 * pitch * (width - 1) + (at % width) * pitch;
    const cy = (centre[1] ?? 0) + 0.5 * pitch * (height - 1) - Math.floor(at / width) * pitch;
    let [x, y] = [0, 0];
    for (let n = 1; n <= iterations; n++) {
      [x, y] = [x * x - y * y + cx, (x + x) * y + cy];
      const size = x * x + y * y;
      if (size > 65536) return n - Math.log2(Math.log(size) / Math.log(65536));
    }
    return -1;
  });
}

test.each([
  ['the whole set', {}],
  ['one point', { width: 1, height: 1 }],
  ['fewer points than lanes', { width: 3, height: 1 }],
  ['points that all leave at once', { centre: [3, 3], span: 0.1 }],
  ['points that all stay', { centre: [-0.1, 0], span: 0.1 }],
  ['iterations that end between two looks', { iterations: 13 }],
  ['a single iteration', { iterations: 1 }],
  ['points far outside', { width: 1, height: 29, span: 8, centre: [4, 4] }],
  ['a deep place', { centre: [-0.748, 0.1], span: 1e-4, iterations: 1000 }],
])('counts of %s are those of the plain loop', async (_what, changes) => {
  const { counts } = await tile(changes);
  const expected = oracle({ ...VIEW, ...changes });
  expect(counts.length).toBe(expected.length);
  for (const [at, value] of expected.entries()) expect(Math.abs((counts[at] ?? 0) - value)).toBeLessThan(1e-4);
});

test('tiles are rows of the whole picture', async () => {
  const { counts } = await tile({});
  for (const [from, rows] of [
    [0, 10],
    [10, 1],
    [11, 18],
  ] as const) {
    const part = await tile({ rows: [from, rows] });
    expect(part.head).toEqual([1, 37, 29, from, rows, 264]);
    expect(part.counts).toEqual(counts.slice(from * 37, (from + rows) * 37));
  }
});

test('the picture is its own mirror about the real axis', async () => {
  const { counts } = await tile({ centre: [-0.6, 0] });
  const rows = Array.from({ length: 29 }, (_, row) => counts.slice(37 * row, 37 * (row + 1)));
  expect(rows.toReversed().flat()).toEqual(counts);
});

test('the job of the repository has the rows of one picture', async () => {
  const job = JSON.parse(readFileSync('kernels/fractal/job.json', 'utf8')) as { inputs: { files: string[] } };
  const texts = job.inputs.files.map((file) => readFileSync(`kernels/fractal/${file}`, 'utf8'));
  expect(texts.map((text) => /^rows = (\d+) (\d+)/m.exec(text)?.slice(1).map(Number))).toEqual([
    [0, 160],
    [160, 160],
    [320, 160],
    [480, 160],
  ]);
});

describe('refuses, and says what is wrong:', () => {
  test.each<[string, object, string]>([
    ['no iterations', { iterations: 0 }, 'setting "iterations" must be from 1 to 16777216'],
    ['rows beyond the picture', { rows: [20, 10] }, 'setting "rows": first row and count must lie in the picture'],
    ['a row and a half', { rows: [0, 1.5] }, 'setting "rows"'],
    ['a centre that is far away', { centre: [9, 0] }, 'setting "centre" must be from -4 to 4 both ways'],
    ['no span', { span: 0 }, 'setting "span" must be from'],
  ])('%s', async (_what, changes, message) => {
    await expect(tile(changes)).rejects.toThrow(message);
  });
});
