// Inputs of chance for the project's kernels that compute: a few milliseconds of work each, and some that say what makes no sense.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { admit } from '../../runtime/admit/admit.ts';
import type { Subject } from './subjects.ts';
import { bytesOf, type Settings, settingsText } from './task.ts';

const built = (name: string) => `dist/kernels/${name}.wasm`;

/** So many bytes of chance. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

/** What can be wrong with a line of settings. */
const WRONGS: readonly ((line: string) => readonly string[])[] = [
  () => [],
  (line) => [line, line],
  (line) => [line.replace(/=.*/, '= -1')],
  (line) => [line.replace(/=.*/, '= 1e300')],
  (line) => [line.replace(/=.*/, '= 1x')],
  (line) => [line.replace(/=.*/, '')],
  (line) => [line, 'caf\u00e9 = 1'],
];

interface Text {
  readonly settings: Settings;
  /** Behind a line `data`. */
  readonly data?: Uint8Array;
}

function text({ settings, data }: Text, change: (lines: string[]) => readonly string[] = (lines) => lines): Uint8Array {
  const head = change(settingsText(settings).trimEnd().split('\n')).join('\n');
  return Buffer.concat([bytesOf(`${head}\n${data ? 'data\n' : ''}`), data ?? new Uint8Array()]);
}

/** A kernel that reads settings. A third of its random inputs have something wrong in them. */
function settled(name: string, usual: Text, chance: fc.Arbitrary<Text>): Subject {
  const wrong = fc.option(fc.tuple(fc.constantFrom(...WRONGS), fc.nat()), { freq: 2 });
  return {
    source: built(name),
    input: (length) => text(usual, (lines) => [...lines, `#${'-'.repeat(length)}`]),
    special: [text(usual), text(usual, ([first = '']) => [first]), Uint8Array.of(0xff, 0x0a)],
    any: fc.tuple(chance, wrong).map(([given, spoilt]) =>
      text(given, (lines) => {
        if (!spoilt) return lines;
        const [spoil, at] = spoilt;
        return lines.flatMap((line, place) => (place === at % lines.length ? spoil(line) : [line]));
      }),
    ),
  };
}

const whole = (min: number, max: number) => fc.integer({ min, max });
const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const seed = whole(0, 2 ** 31 - 1);

const VIEW = { width: 9, height: 7, centre: [-0.6, 0.05], span: 2.6, iterations: 64 };
const fractal = settled(
  'fractal',
  { settings: VIEW },
  fc
    .record({
      ...{ width: whole(1, 24), height: whole(1, 24), span: real(1e-6, 4) },
      ...{ iterations: whole(1, 30).map((groups) => 8 * groups), centre: fc.tuple(real(-2, 1), real(-1, 1)) },
    })
    .map((settings) => ({ settings })),
);

/** Matrices of random bits: NaNs and infinities among them. */
const gemm = settled(
  'gemm',
  { settings: { rows: 5, columns: 6, inner: 7, seed: 3 } },
  fc
    .tuple(whole(1, 12), whole(1, 12), whole(1, 12), fc.constantFrom(32, 64), seed, fc.boolean())
    .map(([rows, columns, inner, bits, chance, isGiven]) => {
      const settings = { rows, columns, inner, bits };
      const bytes = ((rows * inner + inner * columns) * bits) / 8;
      return isGiven ? { settings, data: noise(bytes, chance) } : { settings: { ...settings, seed: chance } };
    }),
);

const search = (length: number, blocks: number, bits: number) => ({
  samples: length * blocks,
  rate: 100,
  length,
  bits,
});
const spectra = settled(
  'spectra',
  { settings: { ...search(16, 3, 1), chirps: [-20, 20, 3] }, data: noise(12, 1) },
  fc
    .tuple(whole(2, 6), whole(1, 4), fc.constantFrom(1, 32), real(-50, 0), real(0, 50), whole(1, 5), seed)
    .map(([power, blocks, bits, from, to, chirps, chance]) => {
      const settings = { ...search(2 ** power, blocks, bits), chirps: [from, to, chirps] };
      return { settings, data: noise((settings.samples * 2 * bits) / 8, chance) };
    }),
);

const FLUID = { particles: 108, density: 0.8, temperature: 0.9, cutoff: 1.7, steps: 6, dt: 0.004, sample: 2 };
const dynamics = settled(
  'dynamics',
  { settings: FLUID },
  fc
    .record({
      ...{ particles: fc.constantFrom(32, 108), density: real(0.1, 0.3), temperature: real(0.1, 3) },
      ...{ cutoff: real(1, 1.5), steps: whole(0, 12), dt: real(1e-4, 0.02), sample: whole(1, 4) },
    })
    .map((settings) => ({ settings })),
);

const SHOT = { width: 12, depth: 10, spacing: 10, sponge: 2, steps: 12, dt: 0.001, record: 2, peak: 12 };
const LINE = { source: [40, 30], receivers: [0, 70, 3, 20] };
const wave = settled(
  'wave',
  {
    settings: {
      ...{ ...SHOT, ...LINE },
      layer: [
        [0, 1_500],
        [40, 2_600],
      ],
    },
  },
  fc
    .record({
      ...{ width: whole(8, 14), depth: whole(8, 14), sponge: whole(0, 4), steps: whole(1, 20), record: whole(1, 4) },
      ...{ dt: real(1e-4, 1.5e-3), velocity: real(1_500, 3_000), source: fc.tuple(real(0, 70), real(0, 70)) },
      survey: fc.boolean(),
    })
    .map(({ velocity, source, survey, ...shot }) => ({
      settings: {
        ...{ ...SHOT, ...LINE, ...shot, source: survey ? [0, 20] : source },
        ...(survey && { shots: [2, 20], smooth: 20 }),
        layer: [[0, velocity]],
      },
    })),
);

const kernel = await admit(new Uint8Array(readFileSync(new URL(`../../${built('portfolio')}`, import.meta.url))));
const option = (changes: object = {}) => ({ asset: 0, kind: 'call', strike: 100, years: 1, quantity: 1, ...changes });
const book = (changes: object = {}) =>
  kernel.encode({
    ...{ spots: new Float64Array([100, 50]), volatilities: new Float64Array([0.2, 0.3]) },
    ...{ correlation: new Float64Array([1, 0.5, 0.5, 1]), rate: 0.03, positions: [option()], horizon: 0.1 },
    ...{ confidence: 0.99, paths: 1_000, seed: 1, first: 0, ...changes },
  } as never);

const position = fc.record({
  ...{ asset: fc.constantFrom(0, 0, 0, 1, 1, 1, 2), strike: real(1, 200) },
  kind: fc.constantFrom('call', 'call', 'call', 'put', 'put', 'put', 'put', 'swap'),
  ...{ years: real(0.05, 3), quantity: real(-10, 10) },
});

/** Books of two assets. A few have positions in a third, or of a kind that is none; in some a byte is another. */
const portfolio: Subject = {
  source: built('portfolio'),
  input: (length) => book({ first: length }),
  special: [book(), book({ paths: 1_001 }), book().slice(0, 40)],
  any: fc
    .tuple(fc.array(position, { maxLength: 4 }), real(-0.1, 0.1), seed, fc.option(fc.tuple(fc.nat(), whole(0, 255))))
    .map(([positions, rate, chance, changed]) => {
      const bytes = book({ positions, rate, seed: chance }).slice();
      if (changed && changed[1] < 60) bytes[changed[0] % bytes.length] = changed[1];
      return bytes;
    }),
};

const digest: Subject = {
  source: built('digest'),
  input: (length) => noise(length, length),
  special: [noise(65_536, 1), noise(65_536 * 4 + 55, 2)],
  any: fc.tuple(fc.oneof(whole(0, 300), whole(0, 300_000)), seed).map(([length, chance]) => noise(length, chance)),
};

/** The project's kernels that compute, as `npm run build` makes them. */
export const COMPUTING: Readonly<Record<string, Subject>> = {
  digest,
  dynamics,
  fractal,
  gemm,
  portfolio,
  spectra,
  wave,
};
