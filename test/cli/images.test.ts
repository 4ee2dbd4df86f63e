// Images on the command line: what is in one, whether it is whole, and whether one follows from another.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderStore } from '../../host/keep/folder-store.ts';
import { IMAGE_PAGE } from '../../runtime/snapshot/memory-copy.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { chainInto, INPUT, outputOfChain } from '../sandbox/chain.ts';
import { lodger, scratch } from './lodger.ts';

const IMAGES = 6;
const FORGED = 4;
const BYTE = 0x2504d;
const GRANTS = ['--grant', 'log', '--grant', 'random'];

let folder: Awaited<ReturnType<typeof scratch>>;
let kernel: string;
let honest: string[];
let forged: string[];

beforeAll(async () => {
  folder = await scratch();
  kernel = join(folder.path, 'walk.wasm');
  await writeFile(kernel, (await builtKernel('walk')).wasm);
  honest = (await chainInto(folderStore(join(folder.path, 'honest')), IMAGES)).map((name) => fileOf('honest', name));
  const digests = await chainInto(folderStore(join(folder.path, 'forged')), IMAGES, { image: FORGED, byte: BYTE });
  forged = digests.map((name) => fileOf('forged', name));
});
afterAll(() => folder[Symbol.asyncDispose]());

const fileOf = (where: string, digest: string) => join(folder.path, where, `${digest}.img`);
const nth = (files: readonly string[], index: number) => files.at(index) as string;
const digestIn = (file: string) => file.slice(-68, -4);

/** A copy of a file in a folder of its own, with one bit flipped. */
async function rotten(file: string, at: number): Promise<string> {
  const store = folderStore(join(folder.path, 'rotten'));
  for (const other of honest) await writeFile(join(store.path, other.slice(-68)), await readFile(other));
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length + at) ^ 1, bytes.length + at);
  const path = join(store.path, file.slice(-68));
  await writeFile(path, bytes);
  return path;
}

describe('inspect of an image', () => {
  test('names its task, how far it is, its memory and its parent, and says that it is valid', async () => {
    const { exitCode, stdout, stderr } = await lodger(['inspect', nth(honest, 2), '--json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ state: 'valid', opens: true, imagesBefore: 2, digest: digestIn(nth(honest, 2)), form: 'difference' },
      ...{ step: 12, share: 0.06, task: { seed: 11, index: 4, inputBytes: 4 }, parent: digestIn(nth(honest, 1)) },
      memory: { pages: expect.any(Number), bytes: expect.any(Number) },
      host: { logLines: 1, calls: { 'log.write': 1, 'random.fill': 12 } },
      limits: { memoryBytesMax: 60 * 65_536 },
    });
    const { stdout: text } = await lodger(['inspect', nth(honest, 2)]);
    expect(text).toContain('valid     yes, with the 2 images before it');
    expect(text).toMatch(/step {6}12, 6 % done/);
  });

  test('shows globals one by one with its kernel, and refuses another kernel', async () => {
    const { stdout } = await lodger(['inspect', nth(honest, 2), '--kernel', kernel, '--json']);
    const { globals } = JSON.parse(stdout);
    expect(globals).toContainEqual({ global: expect.any(Number), type: 'i32', hex: '0000000c', value: 12 });
    const other = join(folder.path, 'stepper.wasm');
    await writeFile(other, (await builtKernel('stepper')).wasm);
    expect(await lodger(['inspect', nth(honest, 2), '--kernel', other])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('option "--kernel" must be the image\'s, sha256:'),
    });
  });

  test('shows a range of its memory as it is after all images before it', async () => {
    const range = `0x${BYTE.toString(16)}:3`;
    const dump = async (file: string) => {
      const { stdout } = await lodger(['inspect', file, '--memory', range, '--json']);
      return JSON.parse(stdout).memoryRange;
    };
    expect(await dump(nth(honest, FORGED))).toEqual({ offset: BYTE, length: 3, hex: '000000' });
    expect(await dump(nth(forged, -1))).toEqual({ offset: BYTE, length: 3, hex: '040000' });
    const { stdout } = await lodger(['inspect', nth(forged, -1), '--memory', range]);
    expect(stdout).toContain(`\n000${BYTE.toString(16)}  04 00 00 ${' '.repeat(39)} |...|\n`);
  });

  test('says of a damaged one that it is, and of one whose chain is broken that it cannot be opened', async () => {
    const bad = await rotten(nth(honest, 3), -100);
    expect(JSON.parse((await lodger(['inspect', bad, '--json'])).stdout)).toMatchObject({
      ...{ state: 'invalid', opens: false, reason: expect.stringContaining('damaged'), step: 16 },
    });
    const after = join(folder.path, 'rotten', nth(honest, 4).slice(-68));
    expect((await lodger(['inspect', after])).stdout).toContain('by itself; its memory cannot be opened: ');
    await rm(bad);
    expect((await lodger(['inspect', after])).stdout).toContain(`image ${digestIn(bad)} is missing`);
    expect(await lodger(['inspect', after, '--memory', '0:16'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no memory to show'),
    });
  });

  test('takes a whole image under any name', async () => {
    const moved = join(folder.path, 'renamed');
    await writeFile(moved, await readFile(nth(honest, 0)));
    expect(JSON.parse((await lodger(['inspect', moved, '--json'])).stdout)).toMatchObject({ state: 'valid', step: 4 });
    await rename(moved, join(folder.path, 'again'));
  });

  test.each([
    [['--memory', '0:2MiB'], 'option "--memory" must be OFFSET:LENGTH'],
    [['--memory', '4'], 'option "--memory" must be'],
    [['--memory', '4:4:4'], 'option "--memory" must be OFFSET:LENGTH'],
    [['--memory', '0xffffff00:16'], 'option "--memory" must be within'],
  ])('refuses %j', async (args, message) => {
    const ended = await lodger(['inspect', nth(honest, 0), ...args]);
    expect(ended).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('refuses the options of images for a kernel', async () => {
    const ended = await lodger(['inspect', kernel, '--memory', '0:16']);
    expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('given for an image only') });
  });
});

describe('verify', () => {
  const verify = (files: readonly string[], [from, to]: readonly [number, number], ...more: string[]) =>
    lodger(['verify', nth(files, from), nth(files, to), '--kernel', kernel, ...GRANTS, ...more]);

  test.each(ENGINE_NAMES)('on %s says that an image follows, and exits with 0', async (engine) => {
    const ended = await verify(honest, [0, -1], '--engine', engine);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ended.stdout).toBe('the second image follows from the first: 5 images checked\n');
  });

  test('finds a flipped bit in its interval and nowhere else, and exits with 1', async () => {
    const { exitCode, stdout } = await verify(forged, [0, -1]);
    const page = Math.floor(BYTE / IMAGE_PAGE);
    expect(stdout.split('\n')).toEqual([
      'the second image does not follow from the first: 1 of 5 images are wrong',
      `WRONG  steps 16 to 20, image ${digestIn(nth(forged, FORGED)).slice(0, 12)}`,
      `  page ${page} of memory, from byte ${page * IMAGE_PAGE}`,
      '',
    ]);
    expect(exitCode).toBe(1);
    for (const [from, to, code] of [
      [FORGED - 1, FORGED, 1],
      [0, FORGED - 1, 0],
      [FORGED, -1, 0],
    ] as const) {
      expect(await verify(forged, [from, to], '--json')).toMatchObject({ exitCode: code });
    }
  });

  test('checks from the input on and to the output, and finds which of them is another', async () => {
    const [input, result, other] = ['input.bin', 'result.bin', 'other.bin'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(input, INPUT);
    await writeFile(result, await outputOfChain());
    await writeFile(other, 'another output');
    const ended = await verify(honest, [0, -1], '--input', input, '--result', result);
    expect(ended).toMatchObject({ exitCode: 0, stdout: 'the work follows: 7 intervals checked\n' });
    const wrong = await lodger(['verify', nth(honest, 0), '--kernel', kernel, ...GRANTS, '--result', other]);
    expect(wrong).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('WRONG  after step 4, the output') });
  });

  test('finds a bit that rotted on the disk, and says what it could not check after it', async () => {
    const bad = await rotten(nth(honest, 3), -100);
    const there = honest.map((file) => join(bad, '..', file.slice(-68)));
    const { exitCode, stdout } = await verify(there, [0, -1]);
    expect(stdout).toContain('1 of 3 images are wrong; the 2 after it could not be checked');
    expect(stdout).toContain('damaged');
    expect(exitCode).toBe(1);
    expect(await verify(there, [0, 2])).toMatchObject({ exitCode: 0 });
  });

  test('refuses without a kernel, without grants, and images the wrong way round', async () => {
    const [from, to] = [nth(honest, 0), nth(honest, 1)];
    expect(await lodger(['verify', from, to])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('option "--kernel" must be given'),
    });
    expect(await lodger(['verify', from, to, '--kernel', kernel])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('[ERR_GRANT_MISSING]'),
    });
    expect(await lodger(['verify', to, from, '--kernel', kernel, ...GRANTS])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('[ERR_IMAGE_INVALID]'),
    });
  });
});
