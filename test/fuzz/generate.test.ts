// The generator of kernels: everything it makes is valid, everything that is allowed comes up, and a seed is a kernel.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { ALLOWED } from './choices.ts';
import { generateKernel, type KernelOptions } from './generate.ts';

const SEEDS = 300;

test('every generated kernel is admitted, and takes what admission is to be tried with', async () => {
  const used = new Set<number>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const made = generateKernel(seed);
    // Admission ends with the engine's own validation.
    await expect(admit(made.bytes), `seed ${seed}`).resolves.toMatchObject({ shape: 'kernel' });
    for (const code of made.used) used.add(code);
  }
  expect(ALLOWED.length).toBeGreaterThan(400);
  expect(ALLOWED.filter(({ code }) => !used.has(code)).map(({ name }) => name)).toEqual([]);
});

test('a seed makes the same kernel again, and another seed another kernel', () => {
  const texts = Array.from({ length: 50 }, (_, seed) => Buffer.from(generateKernel(seed).bytes).toString('hex'));
  expect(texts.map((_, seed) => Buffer.from(generateKernel(seed).bytes).toString('hex'))).toEqual(texts);
  expect(new Set(texts).size).toBe(texts.length);
  expect(generateKernel(2 ** 50 + 1).bytes).not.toEqual(generateKernel(1).bytes);
});

test.each<[keyof KernelOptions, RegExp]>([
  ['hasBulk', /^(?:memory\.(?:copy|fill|init)|data\.drop)$/],
  ['hasSimd', /^v128|x\d+\./],
  ['canGrow', /^memory\.grow$/],
])('without %s a kernel has no such instruction', async (option, names) => {
  const codes = new Set(ALLOWED.filter(({ name }) => names.test(name)).map(({ code }) => code));
  const features = new Set<string>();
  let without = 0;
  for (let seed = 0; seed < 60; seed++) {
    const { bytes, used } = generateKernel(seed, { [option]: false });
    if (![...used].some((code) => codes.has(code))) without++;
    for (const feature of (await admit(bytes)).features) features.add(feature);
  }
  expect(without).toBe(60);
  expect(features.has('bulk-memory')).toBe(option !== 'hasBulk');
  expect(features.has('simd')).toBe(option !== 'hasSimd');
});

test('without imports a kernel asks for nothing', async () => {
  for (let seed = 0; seed < 20; seed++) {
    expect((await admit(generateKernel(seed).bytes)).imports).toHaveLength(3);
    expect((await admit(generateKernel(seed, { hasImports: false }).bytes)).imports).toEqual([]);
  }
});
