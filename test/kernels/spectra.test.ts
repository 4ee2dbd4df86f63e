// The search for drifting signals: against a plain transform, by Parseval's law, by what was planted, and what the kernel refuses.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { everywhere } from './everywhere.ts';
import { bytesOf, settingsText } from './task.ts';

const { run } = await everywhere('spectra');

const SEARCH = { samples: 256, rate: 100, length: 64, chirps: [-20, 20, 21], bits: 32 };

async function search(samples: Float32Array, changes: object = {}) {
  const head = bytesOf(`${settingsText({ ...SEARCH, samples: samples.length / 2, ...changes })}data\n`);
  return read(await run(Buffer.concat([head, new Uint8Array(samples.buffer)])));
}

function read(output: Uint8Array) {
  expect(new TextDecoder().decode(output.subarray(0, 8))).toBe('lodgspec');
  const [version, length = 0, blocks = 0, chirps = 0, chirp = 0, bin = 0] = new Uint32Array(output.buffer, 8, 6);
  const [rate, from, to, mean = 0, strength = 0] = new Float64Array(output.slice(32, 72).buffer);
  const values = new Float64Array(output.slice(80).buffer);
  const [peaks, bins, spectrum] = [values.slice(0, chirps), values.slice(chirps, 2 * chirps), values.slice(2 * chirps)];
  expect([version, spectrum.length]).toEqual([1, length]);
  return { blocks, chirp, bin, rate, from, to, mean, strength, peaks, bins, spectrum };
}

/** Noise of Lehmer's dice, and a tone that drifts. */
function signal(count: number, { frequency = 0, drift = 0, size = 0, noise = 1 }): Float32Array {
  let state = 12_345;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const normal = () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  return Float32Array.from({ length: 2 * count }, (_, at) => {
    const t = (at >> 1) / SEARCH.rate;
    const phase = 2 * Math.PI * (frequency * t + 0.5 * drift * t * t);
    return size * (at % 2 === 0 ? Math.cos(phase) : Math.sin(phase)) + noise * normal();
  });
}

/** Summed powers by the definition, per block and sample. */
function powers(samples: Float32Array, chirp: number, length: number): number[] {
  const blocks = samples.length / 2 / length;
  return Array.from({ length }, (_, bin) => {
    let power = 0;
    for (let block = 0; block < blocks; block++) {
      let [re, im] = [0, 0];
      for (let i = block * length; i < (block + 1) * length; i++) {
        const t = i / SEARCH.rate;
        const angle = -2 * Math.PI * ((bin * (i % length)) / length + 0.5 * chirp * t * t);
        const [a = 0, b = 0] = samples.subarray(2 * i);
        re += a * Math.cos(angle) - b * Math.sin(angle);
        im += a * Math.sin(angle) + b * Math.cos(angle);
      }
      power += (re * re + im * im) / (length * blocks);
    }
    return power;
  });
}

test('spectra are those of the definition, for every drift', async () => {
  const samples = signal(256, { frequency: 11, drift: 6, size: 0.5 });
  const { peaks, bins, spectrum, chirp } = await search(samples);
  for (let c = 0; c < 21; c++) {
    const expected = powers(samples, -20 + 2 * c, 64);
    expect(peaks[c]).toBeCloseTo(Math.max(...expected), 10);
    expect(bins[c]).toBe(expected.indexOf(Math.max(...expected)));
    if (c === chirp) for (const [at, power] of expected.entries()) expect(spectrum[at]).toBeCloseTo(power, 10);
  }
});

test.each([4, 8, 64, 512])('powers of %i bins have the mean of the samples (Parseval)', async (length) => {
  const samples = signal(1024, { frequency: 3, size: 1 });
  const { mean, spectrum, blocks } = await search(samples, { length, chirps: [-10, 10, 5] });
  const energy = samples.reduce((sum, value) => sum + value * value, 0) / 1024;
  expect(blocks).toBe(1024 / length);
  expect(mean).toBeCloseTo(energy, 10);
  expect(spectrum.reduce((sum, power) => sum + power, 0) / length).toBeCloseTo(energy, 10);
});

test('a tone is found at its frequency and drift, in noise that is stronger', async () => {
  // 4,096 samples of 64 a block: a bin is 1.56 Hz; the tone moves by 10 bins in all.
  const found = await search(signal(4096, { frequency: -18.75, drift: 0.4, size: 0.35 }), { chirps: [-1, 1, 21] });
  expect([found.bin, found.chirp]).toEqual([64 - 12, 14]);
  expect(found.strength).toBeGreaterThan(12);
  const noise = await search(signal(4096, {}), { chirps: [-1, 1, 21] });
  expect(noise.strength).toBeLessThan(6);
});

test('the signal of the repository is what its generator makes, and is found where it was planted', async () => {
  const input = readFileSync('kernels/spectra/data/signal.bin');
  const path = new URL('signal.mjs', import.meta.url).href;
  const { signal: make } = (await import(path)) as { signal: () => Uint8Array };
  expect(Buffer.compare(input, make())).toBe(0);
  const { bin, chirp, strength, mean } = read(await run(input));
  // -1234.5 Hz in bins of 2.38 Hz; 7.3 Hz/s between drifts of 7.2 and 7.6.
  expect(Math.abs(bin - 4096 + 1234.5 / (9765.625 / 4096))).toBeLessThan(1);
  expect([68, 69]).toContain(chirp);
  expect(strength).toBeGreaterThan(25);
  expect(mean).toBeCloseTo(2, 10);
});

test('samples of one bit are those of the signs', async () => {
  const bits = Uint8Array.of(0b10110100, 0b00101101);
  const signs = Float32Array.from({ length: 16 }, (_, at) => (((bits[at >> 3] ?? 0) >> (at & 7)) & 1) * 2 - 1);
  const given = { samples: 8, length: 8, chirps: [0, 0, 1] };
  const head = bytesOf(`${settingsText({ ...SEARCH, ...given, bits: 1 })}data\n`);
  expect(read(await run(Buffer.concat([head, bits])))).toEqual(await search(signs, given));
});

describe('refuses, and says what is wrong:', () => {
  test.each<[string, object, string]>([
    ['a length that is no power of two', { length: 48 }, 'setting "length" must be a power of two'],
    ['samples that are no whole blocks', { length: 512 }, 'setting "samples" must be a multiple of "length"'],
    ['a drift round the band', { chirps: [0, 1e6, 2] }, 'a drift may cross the band once in a transform'],
    ['no drift', { chirps: [0, 1, 0] }, 'setting "chirps": their count'],
    ['two bits', { bits: 2 }, 'setting "bits" must be 1 or 32'],
    ['samples that are not there', { samples: 512 }, 'behind "data" are 2048 bytes, not 4096'],
  ])('%s', async (_what, changes, message) => {
    await expect(search(new Float32Array(512), changes)).rejects.toThrow(message);
  });

  test('a sample that is no number', async () => {
    await expect(search(new Float32Array(512).fill(Number.NaN, 100))).rejects.toThrow(
      'sample 50 is not a finite number',
    );
  });
});
