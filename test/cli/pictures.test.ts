// Pictures of outputs: what is in them, which outputs have none, and that no output of a guest does harm.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boundsOf, ticksOf } from '../../host/cli/view/axes.ts';
import { type Colour, createCanvas, text, textWidth } from '../../host/cli/view/canvas.ts';
import { pictureOf } from '../../host/cli/view/pictures.ts';
import { lodger, scratch } from './lodger.ts';

const ascii = (words: string) => [...new TextEncoder().encode(words)];
const u32 = (...values: number[]) => [...new Uint8Array(Uint32Array.from(values).buffer)];
const f32 = (...values: number[]) => [...new Uint8Array(Float32Array.from(values).buffer)];
const f64 = (...values: number[]) => [...new Uint8Array(Float64Array.from(values).buffer)];

/** A shot of 40 x 20 points 10 m apart: rock that is faster from the middle on, and a wave up on the left and down on the right. */
function shot({ ints = [1, 40, 20, 2, 5], floats = [10, 0.1, 0.5, 200, 100, 0, 390, 50, 20] } = {}): Uint8Array {
  const points = Array.from({ length: 800 }, (_, at) => ({ x: at % 40, z: Math.floor(at / 40) }));
  const wave = points.map(({ x, z }) => (z < 5 || z >= 15 ? 0 : x < 8 ? 1 : x >= 32 ? -1 : 0));
  const values = [...points.map(({ z }) => (z < 10 ? 1500 : 3000)), ...wave, ...[0, 1, 1, 1, 1, 0, -1, -1, -1, -1]];
  return Uint8Array.from([...ascii('lodgwave'), ...u32(...ints), ...f32(...floats), ...f32(...values)]);
}

/** Two samples of two particles in a box of 10, held until half of the time. */
function run({ ints = [1, 2, 2, 5], edge = 10, times = [0, 8] } = {}): Uint8Array {
  const samples = times.flatMap((time) => [time, 1, -2, -1, 0.7]);
  const places = [2, 8, 5, 5, 1, 9];
  return Uint8Array.from([
    ...[...ascii('lodgdyna'), ...u32(...ints), ...f64(edge, 0.5, 2.5, 0.004, 4)],
    ...f64(...samples, ...places, 0, 0, 0, 0, 0, 0),
  ]);
}

/** A tile of two by two points of a picture of four rows: one soon gone, one later, two that stay. */
function tile({ ints = [1, 2, 4, 1, 2, 64] } = {}): Uint8Array {
  return Uint8Array.from([...ascii('lodgfrac'), ...u32(...ints), ...f32(1, 40, -1, -1)]);
}

/** Eight bins of noise of power 1, and in one of them, at the second of three drifts, ten times as much. */
function findings({ ints = [1, 8, 4, 3, 1, 6], floats = [800, -1, 1, 2, 9] } = {}): Uint8Array {
  const values = [2, 10, 2, 0, 6, 0, 1, 1, 1, 1, 1, 1, 10, 1];
  return Uint8Array.from([...ascii('lodgspec'), ...u32(...ints), ...f64(...floats, 0, ...values)]);
}

/** What is at a place of a picture. */
function pixels(output: Uint8Array) {
  const { width, height, data, channels } = decode(pictureOf(output, 'x.png'));
  expect(channels).toBe(3);
  const at = (x: number, y: number) =>
    [...data.slice(3 * (y * width + x), 3 * (y * width + x) + 3)] as unknown as Colour;
  return { width, height, at };
}

describe('an output has no picture', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['that is empty', new Uint8Array(), /begins with none of lodgwave, lodgmigr, lodgdyna, lodgfrac, lodgspec/],
    ['that is text', Uint8Array.from(ascii('lodgwav\n')), /begins with none of/],
    ['that is named as what every object has', Uint8Array.from(ascii('toString')), /begins with none of/],
    [
      'that ends after its name',
      Uint8Array.from(ascii('lodgwave')),
      /begins with lodgwave, but its header does not fit/,
    ],
    ['of a fluid that ends after its name', Uint8Array.from(ascii('lodgdyna')), /begins with lodgdyna, but/],
    ['that is cut short', shot().slice(0, -1), /header does not fit/],
    ['that is too long', Uint8Array.from([...shot(), 0]), /header does not fit/],
    ['of a later version', shot({ ints: [2, 40, 20, 2, 5] }), /header does not fit/],
    ['of a size that is not its own', shot({ ints: [1, 40, 21, 2, 5] }), /header does not fit/],
    ['of a size beyond all memory', shot({ ints: [1, 2 ** 32 - 1, 2 ** 32 - 1, 2, 5] }), /header does not fit/],
    ['of a model without an extent', shot({ floats: [0, 0.1, 0.5, 200, 100, 0, 390, 50, 20] }), /header does not fit/],
    [
      'of a spacing that is no number',
      shot({ floats: [Number.NaN, 0.1, 0.5, 9, 9, 0, 9, 9, 9] }),
      /header does not fit/,
    ],
    ['of a fluid of a later version', run({ ints: [2, 2, 2, 5] }), /header does not fit/],
    ['of a fluid of another size', run({ ints: [1, 3, 2, 5] }), /header does not fit/],
    ['of a fluid in no box', run({ edge: 0 }), /header does not fit/],
    ['of a fluid whose time runs back', run({ times: [8, 0] }), /header does not fit/],
    ['of a fluid whose time is no number', run({ times: [0, Number.NaN] }), /header does not fit/],
    ['of a tile of another size', tile({ ints: [1, 2, 4, 1, 3, 64] }), /header does not fit/],
    ['of a tile of a size beyond all bounds', tile({ ints: [1, 2 ** 31, 4, 1, 2 ** 31, 64] }), /header does not fit/],
    ['of findings that name a bin that is not there', findings({ ints: [1, 8, 4, 3, 1, 8] }), /header does not fit/],
    ['of findings without a rate', findings({ floats: [0, -1, 1, 2, 9] }), /header does not fit/],
  ])('%s', (_what, output, reason) => {
    const draw = () => pictureOf(output, 'x.png');
    expect(draw).toThrow(expect.objectContaining({ code: 'ERR_FILE' }));
    expect(draw).toThrow(reason);
    expect(draw).toThrow(/^cannot draw "x.png": /);
  });

  test.each([
    ['a shot', shot, 64],
    ['a fluid', run, 64],
    ['a tile', tile, 32],
    ['findings', findings, 80],
  ])('or has one, whatever the values of %s are', (_what, make, header) => {
    const good = make();
    const changes = fc.array(fc.tuple(fc.integer({ min: 8, max: good.length - 1 }), fc.nat(255)), { maxLength: 20 });
    const wild = fc.array(fc.tuple(fc.integer({ min: header / 8, max: good.length / 8 - 1 }), fc.double()), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(changes, wild, (bytes, doubles) => {
        const output = good.slice();
        for (const [at, value] of doubles) new DataView(output.buffer).setFloat64(8 * at, value, true);
        for (const [at, value] of bytes) output[at] = value;
        try {
          expect(pictureOf(output, 'x.png').slice(1, 4)).toEqual(Uint8Array.from(ascii('PNG')));
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_FILE' });
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('the picture of a shot', () => {
  test('is red where the field is up, blue where it is down, and else the darker the faster the rock', () => {
    const { at } = pixels(shot());
    // The model is 720 pixels wide, from 92, 44 on, and half as high.
    const [up, down, slow, fast] = [at(130, 220), at(780, 220), at(300, 60), at(300, 390)];
    expect(up[0] - up[2]).toBeGreaterThan(100);
    expect(down[2] - down[0]).toBeGreaterThan(100);
    expect(slow).toEqual([255, 255, 255]);
    expect(fast).toEqual([176, 178, 184]);
  });

  test('marks the source, and shows each receiver from top to bottom beside it', () => {
    const { width, at } = pixels(shot());
    const source = at(92 + Math.round((200 / 390) * 720), 44 + Math.round((100 / 190) * 351));
    expect(source).toEqual([240, 160, 0]);
    const record = 92 + 720 + 28 + 92;
    expect(width).toBe(record + 460 + 28);
    const [left, right] = [at(record + 5, 380), at(record + 450, 380)];
    expect(left[0] - left[2]).toBeGreaterThan(100);
    expect(right[2] - right[0]).toBeGreaterThan(100);
  });
});

describe('the picture of a fluid', () => {
  test('has a line for each energy and for the temperature, at its height', () => {
    const { at } = pixels(run());
    // Energies from -2 to 1 with room of 0.18 above and below, 330 pixels from 44 on; x in the middle of 700 from 92 on.
    const heightOf = (energy: number) => 44 + Math.round(((1.18 - energy) / 3.36) * 330);
    // The line is two pixels wide: one of three rows is full.
    const rows = (energy: number) => [-1, 0, 1].map((away) => at(450, heightOf(energy) + away));
    expect(rows(1)).toContainEqual([214, 96, 32]);
    expect(rows(-1)).toContainEqual([38, 42, 51]);
    expect(rows(-2)).toContainEqual([33, 102, 172]);
    expect(at(450, heightOf(0.5))).toEqual([255, 255, 255]);
  });

  test('shades the time in which the temperature was held', () => {
    const { at } = pixels(run());
    expect(at(430, 100)).toEqual([239, 240, 243]);
    expect(at(450, 100)).toEqual([255, 255, 255]);
  });

  test('shows the particles of the front of the box, and not those behind', () => {
    const { width, height, at } = pixels(run());
    const side = height - 44 - 62;
    const left = width - 28 - side;
    expect(at(left + Math.round(0.2 * side), 44 + Math.round(0.5 * side))).not.toEqual([255, 255, 255]);
    expect(at(left + Math.round(0.8 * side), 44 + Math.round(0.5 * side))).toEqual([255, 255, 255]);
  });
});

test('the picture of a tile has a pixel a point, dark where points stay', () => {
  const { width, height, at } = pixels(tile());
  expect([width, height]).toEqual([2, 2]);
  expect([at(0, 1), at(1, 1)]).toEqual([
    [8, 10, 16],
    [8, 10, 16],
  ]);
  expect(at(0, 0)).not.toEqual(at(1, 0));
});

test('the picture of findings marks the strongest bin in its spectrum, and its drift', () => {
  const { at } = pixels(findings());
  // Bin 6 of 8 is the third from the left, from 92, 44 on; the strongest value has room of 6 % above it.
  expect(at(92 + Math.round((2 / 7) * 1_000), 44 + Math.round((0.06 / 1.12) * 300))).toEqual([214, 96, 32]);
  expect(at(92 + 500, 44 + 300 + 62 + 44 + Math.round((0.06 / 1.12) * 200))).toEqual([214, 96, 32]);
});

test.each([
  [0, 12, 6, ['0', '2', '4', '6', '8', '10', '12']],
  [0, 1.5, 4, ['0.0', '0.5', '1.0', '1.5']],
  [-0.3, 0.3, 6, ['-0.3', '-0.2', '-0.1', '0.0', '0.1', '0.2', '0.3']],
  [1.5, -6.5, 6, ['-6', '-4', '-2', '0']],
  [0, 3e7, 3, ['0', '1.0e+7', '2.0e+7', '3.0e+7']],
  [5, 5, 4, []],
  [1e16, 1e16 + 4, 1e9, expect.any(Array)],
])('an axis from %d to %d has ticks at round numbers', (from, to, wanted, labels) => {
  expect(ticksOf({ from, to }, wanted).map(({ label }) => label)).toEqual(labels);
});

test('an axis has room about its values, and ends even where they are all the same, or none', () => {
  expect(boundsOf([0, 100, Number.NaN, Number.POSITIVE_INFINITY])).toEqual({ low: -6, high: 106 });
  expect(boundsOf([5, 5])).toEqual({ low: 4.7, high: 5.3 });
  expect(boundsOf([0])).toEqual({ low: -1, high: 1 });
  expect(boundsOf([])).toEqual({ low: -1, high: 1 });
});

test('text is written in dots, from left to right and upwards', () => {
  const read = (upwards: boolean) => {
    const canvas = createCanvas(14, 14);
    text(canvas, { x: upwards ? 7 : 0, y: upwards ? 14 : 7 }, 'L', { across: 'left', upwards }, [0, 0, 0]);
    const isDark = (x: number, y: number) => canvas.pixels[3 * (y * 14 + x)] === 0;
    return Array.from({ length: 7 }, (_, y) =>
      Array.from({ length: 7 }, (_, x) => (isDark(2 * x, 2 * y) ? '#' : ' ')).join(''),
    );
  };
  expect(read(false).map((line) => line.trimEnd())).toEqual(['#', '#', '#', '#', '#', '#', '#####']);
  expect(read(true).map((line) => line.trimEnd())).toEqual(['', '', ...Array(4).fill('      #'), '#######']);
  expect(textWidth('ab')).toBe(22);
});

test('the picture of a migration has the model above and the image below, where it is strong', () => {
  const [width, depth] = [40, 30];
  const header = Buffer.alloc(64);
  header.write('lodgmigr');
  for (const [at, value] of [1, width, depth, 3].entries()) header.writeUInt32LE(value, 8 + 4 * at);
  header.writeFloatLE(10, 24);
  const values = new Float32Array(3 * width * depth).fill(1500);
  for (let at = 0; at < width * depth; at++) values[2 * width * depth + at] = Math.floor(at / width) === 20 ? 1 : 0;
  const output = Uint8Array.from(Buffer.concat([header, new Uint8Array(values.buffer)]));
  const { height, data, channels, width: across } = decode(pictureOf(output, 'x.png'));
  const reds = Array.from({ length: height }, (_, y) => {
    const at = channels * (y * across + Math.floor(across / 2));
    return (data[at] ?? 0) - (data[at + 2] ?? 0) > 100;
  });
  const [first, last] = [reds.indexOf(true), reds.lastIndexOf(true)];
  expect(first).toBeGreaterThan(height / 2);
  expect(last - first).toBeLessThan(height / 10);
  expect(() => pictureOf(output.subarray(0, -4), 'x.png')).toThrow('its header does not fit it');
});

describe('lodger run --picture', () => {
  let folder: Awaited<ReturnType<typeof scratch>>;
  const files = async () => (await readdir(folder.path)).sort();
  const echo = (...args: string[]) => lodger(['run', 'echo.wasm', ...args], { cwd: folder.path });

  beforeAll(async () => {
    folder = await scratch();
    await lodger(['build', 'kernels/echo', '-o', join(folder.path, 'echo.wasm')]);
    await writeFile(join(folder.path, 'shot'), shot());
    await writeFile(join(folder.path, 'text'), 'no form of ours');
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  test('refuses an output that has no picture, keeps the output, and leaves no picture', async () => {
    const { exitCode, stderr } = await echo('--input', 'text', '--output', 'kept', '--picture', 'none.png');
    expect(stderr).toMatch(/^lodger: cannot draw "none\.png": the output begins with none of .* \[ERR_FILE\]\n$/);
    expect(exitCode).toBe(2);
    expect(await readFile(join(folder.path, 'kept'), 'utf8')).toBe('no form of ours');
    expect(await files()).not.toContain('none.png');
  });

  test('with --json, refuses it in the one document', async () => {
    const { exitCode, stdout } = await echo('--input', 'text', '--json', '--picture', 'none.png');
    expect(JSON.parse(stdout)).toMatchObject({ state: 'refused', code: 'ERR_FILE' });
    expect(exitCode).toBe(2);
  });

  test('refuses a place that cannot be written', async () => {
    const { exitCode, stderr } = await echo('--input', 'shot', '--output', 'kept', '--picture', 'nowhere/x.png');
    expect(stderr).toContain('cannot write "nowhere/x.png": there is no such file or folder [ERR_FILE]');
    expect(exitCode).toBe(2);
  });

  test('writes the picture, and the output beside it', async () => {
    const { exitCode, stdout } = await echo('--input', 'shot', '--output', 'out', '--picture', 'a.png');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(Uint8Array.from(await readFile(join(folder.path, 'a.png')))).toEqual(pictureOf(shot(), 'a.png'));
    expect(Uint8Array.from(await readFile(join(folder.path, 'out')))).toEqual(shot());
  });

  test('with --json, names the picture in the document', async () => {
    const { stdout } = await echo('--input', 'shot', '--json', '--picture', 'b.png');
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', pictureFile: 'b.png' });
    expect(await files()).toContain('b.png');
  });

  test('is not needed for map: a picture lies beside each output that has one, unless the job wants none', async () => {
    await writeFile(join(folder.path, 'broken'), 'lodgwave, and no more');
    const job = { version: 1, kernel: 'echo.wasm', inputs: { files: ['text', 'shot', 'broken'] } };
    for (const results of [{ folder: 'all' }, { folder: 'plain', pictures: false }]) {
      await writeFile(join(folder.path, 'job.json'), JSON.stringify({ ...job, results }));
      expect(await lodger(['map', 'job.json'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
      const names = (await readdir(join(folder.path, results.folder))).sort();
      const picture = 'pictures' in results ? [] : ['000001.png'];
      expect(names).toEqual(['000000.out', '000001.out', ...picture, '000002.out']);
    }
  });
});
