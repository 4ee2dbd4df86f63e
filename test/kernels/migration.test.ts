// The migration image of the kernel wave: against an oracle, by what it must show where, and what it refuses.
import { beforeAll, describe, expect, test } from 'vitest';
import { type MigrationOutput, migrate, readMigration, type Survey } from './migration-oracle.ts';
import { type Run, runnerOf, settingsText } from './task.ts';

let run: Run;

beforeAll(async () => {
  run = await runnerOf('wave');
});

/** Water over rock, two shots. */
const SMALL: Survey = {
  width: 61,
  depth: 41,
  spacing: 10,
  sponge: 25,
  steps: 300,
  dt: 0.002,
  record: 4,
  peak: 15,
  source: [200, 30],
  shots: [2, 200],
  receivers: [0, 600, 31, 30],
  smooth: 50,
  layer: [
    [0, 1500],
    [250, 2300],
  ],
};
const image = async (changes: object) => readMigration(await run(settingsText({ ...SMALL, ...changes })));
const rowOf = ({ image }: MigrationOutput, row: number) => [...image.slice(row * 61, (row + 1) * 61)];
const strength = (values: readonly number[]) => Math.hypot(...values);

describe('refuses, and says what is wrong:', () => {
  test.each<[string, object, string]>([
    ['half a shot', { shots: [1.5, 200] }, 'setting "shots": their count, the first value, must be a whole number'],
    ['no shots', { shots: [0, 200] }, 'setting "shots": their count, the first value, must be a whole number'],
    ['a source outside', { shots: [4, 200] }, 'setting "shots": the last source is outside the model'],
    ['sources that go back', { shots: [2, -10] }, 'setting "shots": the last source is outside the model'],
    ['a model smoothed away', { smooth: 410 }, 'setting "smooth" is wider than the model'],
    ['more than is kept', { steps: 60000, record: 1 }, '150060000 values of the field would be kept'],
    ['more than is recorded', { steps: 300000, record: 3000 }, '9300000 values would be recorded'],
    ['a time step beyond the limit of stability', { dt: 0.00242 }, 'dt of 0.00242 s is not stable'],
    ['a setting that is not known', { colour: 3 }, 'setting "colour" is not known'],
  ])('%s', async (_what, changes, message) => {
    await expect(image(changes)).rejects.toThrow(/^ERR_EXIT: /);
    await expect(image(changes)).rejects.toThrow(message);
  });
});

describe('the image', () => {
  // The kernel keeps 224 columns together: in the wide grid, the first that are apart are 203 and 204 of the model.
  test.each<[string, Survey]>([
    ['', SMALL],
    [
      ', in a wide grid,',
      {
        ...SMALL,
        ...{ width: 241, depth: 16, sponge: 20, steps: 150 },
        source: [1950, 30],
        shots: [1, 0],
        receivers: [1800, 2200, 21, 30],
        layer: [
          [0, 1500],
          [80, 2300],
        ],
      },
    ],
  ])('is%s that of the oracle in f64, to a thousandth of its peak', async (_where, survey) => {
    const { velocities, smooth, image: values } = await image(survey);
    const expected = migrate(survey, velocities, smooth);
    const peak = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const farthest = values.reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? 0))), 0);
    expect(farthest).toBeLessThan(1e-3 * peak);
  });

  test('shows an edge of rock at its depth, and the deeper the edge is', async () => {
    for (const depth of [200, 250, 300]) {
      const layer = [
        [0, 1500],
        [depth, 2300],
      ];
      const output = await image({ layer, steps: 500 });
      const strengths = Array.from({ length: 41 }, (_, row) => strength(rowOf(output, row)));
      // Beside sources and receivers, and below the edge, where nothing comes back from.
      const strongest = strengths.indexOf(Math.max(...strengths.slice(12)));
      expect(Math.abs(strongest - depth / 10)).toBeLessThanOrEqual(2);
    }
  });

  test('shows a small body where it is, right and left', async () => {
    for (const [x, z] of [
      [200, 200],
      [420, 260],
    ] as const) {
      const layer = [[0, 1500]];
      const { image: values } = await image({
        layer,
        disc: [[x, z, 15, 2300]],
        steps: 500,
        shots: [4, 100],
        source: [150, 30],
      });
      let [column, row, most] = [0, 0, 0];
      for (let at = 12 * 61; at < values.length; at++) {
        if (Math.abs(values[at] ?? 0) <= most) continue;
        [column, row, most] = [at % 61, Math.floor(at / 61), Math.abs(values[at] ?? 0)];
      }
      expect(Math.hypot(column - x / 10, row - z / 10)).toBeLessThanOrEqual(3);
    }
  });

  test('is empty where the smooth model is the true one: nothing sends waves back', async () => {
    const { image: values } = await image({ smooth: 0 });
    expect(values.every((value) => value === 0)).toBe(true);
  });

  test('is the sum of those of its shots', async () => {
    const [both, first, second] = await Promise.all([
      image({}),
      image({ shots: [1, 0] }),
      image({ shots: [1, 0], source: [400, 30] }),
    ]);
    const peak = both.image.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [at, value] of both.image.entries()) {
      expect(Math.abs(value - (first.image[at] ?? 0) - (second.image[at] ?? 0))).toBeLessThan(1e-5 * peak);
    }
  });
});

test('the smooth model keeps times of travel, and both models come with the image', async () => {
  const { header, velocities, smooth } = await image({});
  expect(header).toEqual([1, 61, 41, 2, 10, 15]);
  expect([velocities[0], velocities[25 * 61], smooth[0]]).toEqual([1500, 2300, 1500]);
  const timeOf = (values: Float32Array) =>
    Array.from({ length: 41 }, (_, row) => 1 / (values[row * 61] ?? 0)).reduce((sum, slow) => sum + slow, 0);
  expect(timeOf(smooth) / timeOf(velocities)).toBeCloseTo(1, 2);
  for (let row = 1; row < 41; row++) expect((smooth[row * 61] ?? 0) - (smooth[(row - 1) * 61] ?? 0)).toBeLessThan(100);
});
