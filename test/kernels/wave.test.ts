// The seismic shot: against an oracle, against the exact solution, by its symmetries, and what it refuses.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { builtKernel } from './built.ts';
import { startGuest } from './guest.ts';
import { bytesOf, type Run, runnerOf, settingsText } from './task.ts';
import { analytic, propagate, readWave, type Shot } from './wave-oracle.ts';

let run: Run;

beforeAll(async () => {
  run = await runnerOf('wave');
});

/** Two layers, seen from a few receivers. */
const SMALL: Shot = {
  width: 61,
  depth: 47,
  spacing: 10,
  sponge: 20,
  steps: 300,
  dt: 0.002,
  peak: 15,
  source: [200, 30],
  receivers: [0, 600, 7, 20],
  layer: [
    [0, 1500],
    [250, 2300],
  ],
};
/** One velocity. */
const EVEN: Shot = { ...SMALL, layer: [[0, 2000]] };
const shoot = async (shot: object) => readWave(await run(settingsText(shot as Shot)));
const peakOf = (values: Iterable<number>) => [...values].reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);
const farthest = (one: Iterable<number>, other: readonly number[]) =>
  peakOf([...one].map((value, i) => value - (other[i] ?? Number.NaN)));

describe('refuses, and says what is wrong:', () => {
  const good = settingsText(SMALL);
  const instead = (name: string, line: string) => good.replace(new RegExp(`^${name} = .*$`, 'm'), line);
  test.each([
    ['no input', '', 'setting "width" is missing'],
    ['a line that is no setting', 'width 20\n', 'the line "width 20" is not of the form name = value'],
    ['a line without a name', '= 20\n', 'the line "= 20" is not of the form name = value'],
    ['a missing setting', instead('peak', ''), 'setting "peak" is missing'],
    ['a setting given twice', `${good}dt = 0.001\n`, 'setting "dt" is given 2 times'],
    ['a setting that is not known', `${good}colour = 1\n`, 'setting "colour" is not known'],
    ['no value', instead('dt', 'dt ='), 'setting "dt" must have 1 value, not 0'],
    ['too few values', instead('source', 'source = 10'), 'setting "source" must have 2 values, not 1'],
    ['what is no number', instead('dt', 'dt = 1ms'), 'setting "dt": "1ms" is not a number'],
    ['NaN', instead('dt', 'dt = NaN'), 'setting "dt": "NaN" is not a number'],
    ['a broken exponent', instead('dt', 'dt = 1e'), 'setting "dt": "1e" is not a number'],
    ['two points', instead('dt', 'dt = 1.0.0'), 'setting "dt": "1.0.0" is not a number'],
    ['a number without digits', instead('dt', 'dt = .'), 'setting "dt": "." is not a number'],
    ['a hexadecimal number', instead('steps', 'steps = 0x10'), 'setting "steps": "0x10" is not a number'],
    ['an infinite number', instead('dt', 'dt = 1e999'), 'setting "dt" must be from 1e-12 to 1000, not Infinity'],
    ['a number of points that is not whole', instead('width', 'width = 20.5'), 'must be a whole number, not 20.5'],
    ['a number out of bounds', instead('width', 'width = 7'), 'setting "width" must be from 8 to 8192, not 7'],
    ['a grid that is too large', instead('width', 'width = 8000').replace('= 47', '= 8000'), 'points with its sponge'],
    ['a source outside', instead('source', 'source = 601 30'), 'setting "source": 601.0 m is outside the model'],
    ['a receiver outside', instead('receivers', 'receivers = -1 9 2 9'), 'setting "receivers": -1.0 m is outside'],
    ['half a receiver', instead('receivers', 'receivers = 0 9 1.5 9'), 'must be a whole number from 1 to 65536'],
    ['too much to record', instead('steps', 'steps = 2000000'), '14000000 values would be recorded'],
    ['a time step beyond the limit of stability', instead('dt', 'dt = 0.00242'), 'dt of 0.00242 s is not stable'],
    ['a grid too coarse for the pulse', instead('peak', 'peak = 21'), 'spacing of 10.0 m is too coarse'],
    ['no velocities', good.replace(/^layer.*$/gm, ''), 'velocities are missing: give "layer'],
    ['no velocity at the top', good.replace('layer = 0 ', 'layer = 5 '), 'the first layer must begin at depth 0'],
    ['a velocity of 0', `${good}disc = 1 1 1 0\n`, 'setting "disc": a velocity of 0.0 m/s'],
    ['velocities given twice', `${good}data\n`, 'velocities are given twice'],
    [
      'too few velocities',
      `${good.replace(/^layer.*\n/gm, '')}data\n1234`,
      'there are 4 bytes, 4 * width * depth = 11468',
    ],
  ])('%s', async (_what, input, message) => {
    await expect(run(input)).rejects.toThrow(/^ERR_EXIT: /);
    await expect(run(input)).rejects.toThrow(message);
  });

  test('a velocity behind "data" that is none', async () => {
    const values = new Float32Array(61 * 47).fill(1500);
    values[100] = Number.NaN;
    const text = `${settingsText({ ...SMALL, layer: [] })}data\n`;
    const input = Buffer.concat([bytesOf(text), new Uint8Array(values.buffer)]);
    await expect(run(input)).rejects.toThrow('velocity 100 behind "data" is NaN m/s');
  });

  test('text that is not UTF-8', async () => {
    await expect(run(Uint8Array.of(0x77, 0xff, 0x0a))).rejects.toThrow('the line at byte 0 is not UTF-8');
  });

  test('any bytes at all, by a failure of its own', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.string({ maxLength: 80, unit: 'binary' }).map(bytesOf),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        await expect(run(bytes)).rejects.toThrow(/^ERR_EXIT: (?:setting|the line)/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('field and shot record', () => {
  test.each([100, 300])('are those of the oracle in f64 after %i steps, to a millionth of the peak', async (steps) => {
    const { field, traces } = await shoot({ ...SMALL, steps });
    const expected = propagate({ ...SMALL, steps });
    const peak = peakOf(expected.traces.flat());
    expect(farthest(field, expected.field)).toBeLessThan(1e-6 * peak);
    for (const [i, trace] of traces.entries()) {
      expect(farthest(trace, expected.traces[i] ?? [])).toBeLessThan(1e-6 * peak);
    }
  });

  // The kernel keeps 224 columns together: in this grid, the first that are apart are 203 and 204 of the model.
  test.each([200, 203, 204, 207])('are those of the oracle from a source in column %i', async (column) => {
    const wide = { width: 241, depth: 20, source: [10 * column, 30], receivers: [0, 2400, 241, 30] } as const;
    const shot: Shot = { ...SMALL, ...wide, steps: 100 };
    const { field, traces } = await shoot(shot);
    const expected = propagate(shot);
    const peak = peakOf(expected.traces.flat());
    expect(farthest(field, expected.field)).toBeLessThan(1e-6 * peak);
    for (const [i, trace] of traces.entries())
      expect(farthest(trace, expected.traces[i] ?? [])).toBeLessThan(1e-6 * peak);
  });

  test('are within 0.5 % of the exact solution in a medium of one velocity', async () => {
    const shot = {
      ...EVEN,
      width: 121,
      depth: 61,
      spacing: 5,
      dt: 0.0005,
      steps: 700,
      sponge: 150,
      source: [100, 150],
    };
    const { traces } = await shoot({ ...shot, receivers: [200, 500, 4, 150] });
    for (const [i, trace] of traces.entries()) {
      const exact = [...trace].map((_, n) => analytic(shot.peak, 100 * (i + 1), 2000, (n + 1) * shot.dt));
      expect(farthest(trace, exact)).toBeLessThan(0.005 * peakOf(exact));
    }
  });

  test('have the wave arrive at distance over velocity, and nothing before it', async () => {
    const { traces } = await shoot({ ...EVEN, source: [0, 20] });
    for (const [i, trace] of traces.entries()) {
      if (i === 0) continue;
      const first = trace.findIndex((value) => Math.abs(value) > 0.01 * peakOf(trace));
      const arrival = (100 * i) / 2000;
      // The pulse rises over the 1.5 periods that it is late by.
      expect((first + 1) * EVEN.dt).toBeGreaterThan(arrival);
      expect((first + 1) * EVEN.dt).toBeLessThan(arrival + 1.5 / EVEN.peak);
    }
  });

  test('are 0 where next to nothing has come, so that no processor meets denormal numbers', async () => {
    const { field } = await shoot({ ...EVEN, steps: 12 });
    expect(peakOf(field)).toBeGreaterThan(0);
    expect([...field].filter((value) => value !== 0 && Math.abs(value) < 1e-28)).toEqual([]);
  });

  test('are symmetric to the last bit where the model is', async () => {
    const { field } = await shoot({ ...EVEN, width: 51, depth: 51, source: [250, 250], receivers: [0, 500, 2, 250] });
    const at = (x: number, z: number) => field[z * 51 + x];
    expect(peakOf(field)).toBeGreaterThan(0);
    for (let z = 0; z < 51; z++) {
      for (let x = 0; x < 51; x++) {
        expect(at(50 - x, z)).toBe(at(x, z));
        expect(at(z, x)).toBe(at(x, z));
      }
    }
  });

  test('stay the same when source and receiver change places, through layers and discs', async () => {
    const shot = { ...SMALL, dt: 0.0015, disc: [[400, 150, 80, 3000]] };
    const there = await shoot({ ...shot, source: [100, 30], receivers: [450, 450, 1, 350] });
    const back = await shoot({ ...shot, source: [450, 350], receivers: [100, 100, 1, 30] });
    const [one = new Float32Array(), other = new Float32Array()] = [there.traces[0], back.traces[0]];
    expect(peakOf(one)).toBeGreaterThan(1e-3);
    expect(farthest(one, [...other])).toBeLessThan(1e-5 * peakOf(one));
  });

  test('leave the model through the sponge, which leaves less than 1 % of what a hard edge does', async () => {
    const long = { ...EVEN, steps: 500, sponge: 60 };
    const [soft, hard] = [await shoot(long), await shoot({ ...long, sponge: 0 })];
    expect(peakOf(soft.field)).toBeLessThan(0.01 * peakOf(hard.field));
  });

  test('stay bounded at the limit of stability', async () => {
    // 2 h / (v sqrt(13.00317...)): the sum of all weights in two dimensions.
    const dt = ((2 * 10) / 2300 / Math.sqrt(2 * (205 / 72 + 2 * (8 / 5 + 1 / 5 + 8 / 315 + 1 / 560)))) * 0.9999;
    const { field } = await shoot({ ...SMALL, dt, steps: 5000, sponge: 0 });
    expect(peakOf(field)).toBeLessThan(2);
  });
});

describe('the input', () => {
  test('gives velocities behind "data" as well as by layers', async () => {
    const values = Float32Array.from({ length: 61 * 47 }, (_, at) => (at < 25 * 61 ? 1500 : 2300));
    const text = `# with a comment\r\n${settingsText({ ...SMALL, layer: [] })}data\n`;
    const output = await run(Buffer.concat([bytesOf(text), new Uint8Array(values.buffer)]));
    expect(output).toEqual(await run(settingsText(SMALL)));
  });

  test('comes back in the header, and the velocities with it', async () => {
    const { header, velocities } = await shoot({ ...SMALL, record: 4, disc: [[300, 250, 10, 4000]], dt: 0.001 });
    expect(header.map((value) => Math.fround(value))).toEqual(
      [1, 61, 47, 7, 75, 10, 0.004, 0.3, 200, 30, 0, 600, 20, 15].map(Math.fround),
    );
    const at = (x: number, z: number) => velocities[(z / 10) * 61 + x / 10];
    expect([at(0, 0), at(600, 240), at(300, 250), at(290, 250), at(300, 260), at(290, 260)]).toEqual([
      1500, 1500, 4000, 4000, 4000, 2300,
    ]);
  });

  test('records every step, or every so many', async () => {
    const [all, few] = [await shoot(SMALL), await shoot({ ...SMALL, record: 7 })];
    expect(few.traces.map((trace) => [...trace])).toEqual(
      all.traces.map((trace) => [...trace].filter((_, n) => (n + 1) % 7 === 0)),
    );
  });
});

test('steps are bounded, their shares rise to 1, and the example is done in them', async () => {
  const guest = startGuest((await builtKernel('kernels/wave')).wasm);
  guest.begin(readFileSync('kernels/wave/data/salt.txt'));
  const shares: number[] = [];
  // A full run is the example's own; the first steps show their size.
  while (shares.length < 5) shares.push(guest.step());
  expect(shares).toEqual([2, 4, 6, 8, 10].map((steps) => steps / 2600));

  const small = startGuest((await builtKernel('kernels/wave')).wasm);
  small.begin(bytesOf(settingsText({ ...SMALL, steps: 1000 })));
  const seen: number[] = [];
  while (seen.at(-1) !== 1) seen.push(small.step());
  expect(seen).toEqual([...seen].sort((one, other) => one - other));
  expect(seen.length).toBe(5);
});
