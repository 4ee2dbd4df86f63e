// The Lennard-Jones fluid: against an oracle without cells, by what physics conserves, and what it refuses.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { builtKernel } from './built.ts';
import { integrate, readDynamics } from './dynamics-oracle.ts';
import { startGuest } from './guest.ts';
import { bytesOf, type Run, runnerOf, settingsText } from './task.ts';

let run: Run;

beforeAll(async () => {
  run = await runnerOf('dynamics');
});

const LIQUID = { particles: 500, density: 0.8442, temperature: 0.9, cutoff: 2.5, steps: 200, dt: 0.004, sample: 10 };
const fluid = async (changes: object, seed?: number) =>
  readDynamics(await run(settingsText({ ...LIQUID, ...changes }), seed));
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const farthest = (one: Float64Array, other: Float64Array, edge = Number.POSITIVE_INFINITY) =>
  one.reduce((most, value, i) => {
    const apart = Math.abs(value - (other[i] ?? Number.NaN));
    return Math.max(most, Math.min(apart, Math.abs(edge - apart)));
  }, 0);

describe('refuses, and says what is wrong:', () => {
  test.each<[string, object, string | RegExp]>([
    [
      'a number of particles that is no lattice',
      { particles: 1000 },
      'must be 4 n^3, a whole lattice: not 1000, but 864 or 1372',
    ],
    ['too many particles', { particles: 200000 }, 'setting "particles" must be from 4 to 108000'],
    ['a box that is too small for its cells', { particles: 256 }, 'the box has an edge of 6.71'],
    ['no density', { density: 0 }, 'setting "density" must be from 0.0001 to 2'],
    ['no temperature', { temperature: 0 }, 'setting "temperature" must be from 0.000001 to 100'],
    ['a cutoff inside the particle', { cutoff: 0.9 }, 'setting "cutoff" must be from 1 to 100'],
    ['time that runs back', { dt: -0.001 }, 'setting "dt" must be from 1e-9 to 1, not -0.001'],
    ['a time step that throws particles about', { dt: 0.2 }, /dt of 0\.2 is too long: in step \d+ a particle moved/],
    ['too many samples', { steps: 2000000, sample: 1 }, 'there would be 2000001 samples, at most 1000000'],
    ['equilibration beyond the end', { equilibration: 201 }, 'setting "equilibration" must be from 0 to 200'],
    [
      'chains that do not fit the lattice',
      { chain: 3, bond: [1, 400] },
      'setting "chain" must divide 20, the particles',
    ],
    ['chains without bonds', { chain: 4 }, 'setting "bond" is missing'],
    ['bonds without chains', { bond: [1, 400] }, 'setting "bond" is not known'],
    ['a bond without length', { chain: 4, bond: [0, 400] }, 'setting "bond": a length of 0.0 is not from 0.5 to 2'],
    ['a bond that pushes', { chain: 4, bond: [1, -1] }, 'setting "bond": a stiffness of -1.0 is not above 0'],
    ['a setting that is not known', { colour: 3 }, 'setting "colour" is not known'],
  ])('%s', async (_what, changes, message) => {
    await expect(fluid(changes)).rejects.toThrow(/^ERR_EXIT: /);
    await expect(fluid(changes)).rejects.toThrow(message);
  });

  test('any bytes at all, by a failure of its own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
        await expect(run(bytes)).rejects.toThrow(/^ERR_EXIT: (?:setting|the line)/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('particles', () => {
  test.each([
    ['a liquid', {}],
    ['a box of the fewest cells', { density: 1.0, cutoff: 2.6 }],
    ['a gas in more cells than its cutoff fills', { density: 0.05, temperature: 2, dt: 0.002 }],
    ['a long cutoff', { particles: 864, density: 0.7, cutoff: 3.5 }],
    ['pairs', { chain: 2, bond: [1.1, 300], dt: 0.002 }],
    ['chains as long as the box', { chain: 20, bond: [1, 400], dt: 0.001 }],
  ])('of %s move as those of the oracle without cells', async (_what, changes) => {
    const [first, last] = [await fluid({ ...changes, steps: 0 }), await fluid({ ...changes, steps: 50 })];
    const { dt, cutoff, chain, bond } = { ...LIQUID, chain: 1, bond: [0, 0], ...changes };
    const [length = 0, stiffness = 0] = bond;
    const state = {
      bonds: { chain, length, stiffness },
      edge: first.edge,
      cutoff,
      positions: first.positions.slice(),
      velocities: first.velocities.slice(),
    };
    expect(first.samples[0]?.[2]).toBeCloseTo(integrate(state, dt, 0), 11);
    const potential = integrate(state, dt, 50);
    expect(farthest(last.positions, state.positions, state.edge)).toBeLessThan(1e-10);
    expect(farthest(last.velocities, state.velocities)).toBeLessThan(1e-9);
    expect(last.samples.at(-1)?.[2]).toBeCloseTo(potential, 10);
  });

  test('keep their energy and their momentum over thousands of steps', async () => {
    const { samples, velocities, particles } = await fluid({ steps: 5000, dt: 0.002, sample: 50 });
    const totals = samples.map(([, , , total]) => total);
    expect(Math.max(...totals) - Math.min(...totals)).toBeLessThan(1e-3);
    for (let axis = 0; axis < 3; axis++) {
      const sum = velocities.slice(axis * particles, (axis + 1) * particles).reduce((all, one) => all + one, 0);
      expect(Math.abs(sum)).toBeLessThan(1e-10);
    }
    // The lattice has melted: energy went from one kind to the other.
    expect((samples.at(-1)?.[1] ?? 0) - (samples[0]?.[1] ?? 0)).toBeLessThan(-0.3);
  });

  test('of chains keep energy and momentum, and are as far apart as springs of that heat are', async () => {
    const [chain, stiffness, temperature] = [4, 400, 1];
    const bonded = {
      chain,
      bond: [1, stiffness],
      temperature,
      dt: 0.001,
      sample: 50,
      steps: 6000,
      equilibration: 3000,
    };
    const { samples, velocities, positions, particles, edge } = await fluid(bonded);
    const free = samples.filter(([time]) => time > 3.0005).map(([, , , total]) => total);
    expect(free.length).toBe(60);
    expect(Math.max(...free) - Math.min(...free)).toBeLessThan(1e-3);
    for (let axis = 0; axis < 3; axis++) {
      const sum = velocities.slice(axis * particles, (axis + 1) * particles).reduce((all, one) => all + one, 0);
      expect(Math.abs(sum)).toBeLessThan(1e-10);
    }
    const lengths: number[] = [];
    for (let i = 1; i < particles; i++) {
      if (i % chain === 0) continue;
      const ways = [0, 1, 2].map((axis) => {
        const apart = (positions[axis * particles + i] ?? 0) - (positions[axis * particles + i - 1] ?? 0);
        return apart - edge * Math.round(apart / edge);
      });
      lengths.push(Math.hypot(...ways));
    }
    const mean = meanOf(lengths);
    expect(mean).toBeGreaterThan(1);
    expect(mean).toBeLessThan(1.06);
    const variance = meanOf(lengths.map((length) => (length - mean) ** 2));
    // Lengths vary by T / k, k that of the spring and of what its ends feel beside it; of 375 bonds within four standard errors.
    const stiff = stiffness + 4 * (156 * mean ** -14 - 42 * mean ** -8);
    expect(variance / (temperature / stiff)).toBeGreaterThan(0.7);
    expect(variance / (temperature / stiff)).toBeLessThan(1.3);
  });

  test('stay in the box', async () => {
    const { positions, edge } = await fluid({ steps: 500 });
    expect(Math.min(...positions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...positions)).toBeLessThan(edge);
  });

  test('begin with velocities of Maxwell and Boltzmann, of exactly the temperature', async () => {
    const { velocities, samples } = await fluid({ particles: 4000, temperature: 1.7, steps: 0 });
    const moment = (power: number) => meanOf([...velocities].map((value) => value ** power));
    expect(samples[0]?.[4]).toBeCloseTo(1.7, 12);
    expect(moment(2)).toBeCloseTo(1.7, 3);
    // Moments of the normal distribution; 12,000 values, within four standard errors.
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / 12000) * 1.7 ** 1.5);
    expect(Math.abs(moment(4) / 1.7 ** 2 - 3)).toBeLessThan(4 * Math.sqrt(96 / 12000));
  });

  test('are held at their temperature during equilibration, and not after it', async () => {
    const { samples } = await fluid({ steps: 400, equilibration: 200 });
    const temperatures = samples.slice(1).map(([, , , , temperature]) => temperature);
    for (const temperature of temperatures.slice(0, 20)) expect(temperature).toBeCloseTo(0.9, 12);
    for (const temperature of temperatures.slice(20)) expect(temperature).not.toBeCloseTo(0.9, 6);
  });

  test('of another seed go another way, of the same seed the same to the last bit', async () => {
    const input = settingsText({ ...LIQUID, steps: 20 });
    expect(await run(input, 7)).toEqual(await run(input, 7));
    expect(await run(input, 7)).not.toEqual(await run(input, 8));
  });
});

test('the first sample is of the beginning, the rest are as far apart as asked, and the header has what was asked', async () => {
  const { samples, header, particles } = await fluid({ steps: 45, sample: 20, equilibration: 30 });
  expect(samples.map(([time]) => time)).toEqual([0, 0.08, 0.16]);
  expect(particles).toBe(500);
  expect(header).toEqual([Math.cbrt(500 / 0.8442), 0.8442, 2.5, 0.004, 0.12]);
  for (const [, kinetic, potential, total, temperature] of samples) {
    expect(kinetic + potential).toBeCloseTo(total, 12);
    expect(temperature).toBeCloseTo((2 / 3) * kinetic * (500 / 499), 12);
  }
});

test('steps are bounded, and their shares rise to 1', async () => {
  const guest = startGuest((await builtKernel('kernels/dynamics')).wasm);
  guest.begin(readFileSync('kernels/dynamics/data/argon.txt'));
  expect([guest.step(), guest.step(), guest.step()]).toEqual([2 / 3000, 4 / 3000, 6 / 3000]);

  const small = startGuest((await builtKernel('kernels/dynamics')).wasm);
  small.begin(bytesOf(settingsText(LIQUID)));
  const shares: number[] = [];
  while (shares.at(-1) !== 1) shares.push(small.step());
  expect(shares).toEqual(Array.from({ length: 13 }, (_, n) => Math.min(200, 16 * (n + 1)) / 200));

  const none = startGuest((await builtKernel('kernels/dynamics')).wasm);
  none.begin(bytesOf(settingsText({ ...LIQUID, steps: 0 })));
  expect(none.step()).toBe(1);
});
