// Typed kernels on the command line: JSON in, JSON out, the payload's own bytes with --raw.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { admit } from '../../runtime/index.ts';
import { lodger, scratch } from './lodger.ts';

const SOURCE = `
  class Part { id: u64; text: string = 'none'; }
  class In { parts: Part[]; xs: Float64Array; factor: f32 = 1; }
  class Out { count: i64; texts: string[]; xs: Float64Array; half: f64 = NaN; none: Part | null = null; small: Uint8Array; constructor(xs: Float64Array) { this.xs = xs; this.small = new Uint8Array(2); this.texts = []; this.count = 0; } }
  export function run(given: In): Out {
    const out = new Out(given.xs);
    for (let i = 0; i < given.parts.length; i++) { out.count += given.parts[i].id; out.texts.push(given.parts[i].text); }
    for (let i = 0; i < out.xs.length; i++) out.xs[i] *= given.factor;
    return out;
  }`;
const INPUT = { parts: [{ id: '9007199254740993' }, { id: 1, text: 'é' }], xs: [1, 'NaN', '-Infinity', -0], factor: 2 };
const OUTPUT = {
  ...{ count: '9007199254740994', texts: ['none', 'é'], xs: [2, 'NaN', '-Infinity', 0] },
  ...{ half: 'NaN', none: null, small: [0, 0] },
};

let folder: Awaited<ReturnType<typeof scratch>>;
let cwd: string;
beforeAll(async () => {
  folder = await scratch();
  cwd = folder.path;
  await writeFile(join(cwd, 'k.ts'), SOURCE);
});
afterAll(() => folder[Symbol.asyncDispose]());

test('build names the declarations that it writes, as text and as JSON', async () => {
  const { stdout, exitCode } = await lodger(['build', 'k.ts'], { cwd });
  expect(stdout).toMatch(
    /^k\.wasm: [\d.]+ KiB, sha256:[0-9a-f]{64}\nk\.wasm\.d\.ts: the types of its input and output\n$/,
  );
  expect(exitCode).toBe(0);
  const document = JSON.parse((await lodger(['build', 'k.ts', '--json'], { cwd })).stdout);
  expect(document).toMatchObject({ path: 'k.wasm', declarations: 'k.wasm.d.ts' });
  expect(await readFile(join(cwd, 'k.wasm.d.ts'), 'utf8')).toContain('export type Input = In;');
  await writeFile(join(cwd, 'bytes.ts'), 'export function run(x: Uint8Array): Uint8Array { return x; }');
  expect((await lodger(['build', 'bytes.ts'], { cwd })).stdout.split('\n')).toHaveLength(2);
});

describe('of a built kernel', () => {
  beforeEach(() => writeFile(join(cwd, 'in.json'), JSON.stringify(INPUT).replace(',0]', ',-0]')));

  test('inspect shows what goes in and out', async () => {
    const { stdout } = await lodger(['inspect', 'k.wasm'], { cwd });
    expect(stdout).toMatch(/^payload +interface In \{$/m);
    expect(stdout).toMatch(/^ +parts: Array<PartInput>;$/m);
    const { payload } = JSON.parse((await lodger(['inspect', 'k.wasm', '--json'], { cwd })).stdout);
    expect(payload).toEqual((await admit(await readFile(join(cwd, 'k.wasm')))).payload);
    expect((await lodger(['inspect', 'bytes.wasm'], { cwd })).stdout).toMatch(/^payload +bytes in, bytes out$/m);
  });

  test('run takes JSON and prints JSON, in one line', async () => {
    const { stdout, stderr, exitCode } = await lodger(['run', 'k.wasm', '--input', 'in.json'], { cwd });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual(OUTPUT);
    await lodger(['run', 'k.wasm', '--input', '-', '--output', 'out.json'], { cwd, input: JSON.stringify(INPUT) });
    expect(JSON.parse(await readFile(join(cwd, 'out.json'), 'utf8'))).toEqual(OUTPUT);
  });

  test('run --json has the value in its document', async () => {
    const { stdout } = await lodger(['run', 'k.wasm', '--input', 'in.json', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', value: OUTPUT });
    expect(JSON.parse(stdout)).not.toHaveProperty('output');
  });

  test('run --raw takes and gives the bytes themselves', async () => {
    const kernel = await admit(await readFile(join(cwd, 'k.wasm')));
    const input = kernel.encode({ parts: [{ id: 5n }], xs: [] });
    const { bytes } = await lodger(['run', 'k.wasm', '--input', '-', '--raw'], { cwd, input: Buffer.from(input) });
    expect(kernel.decode(bytes)).toMatchObject({ count: 5n, texts: ['none'] });
  });

  test.each<[string, string, string]>([
    ['no JSON', '{ "parts": ', 'option "input" must be JSON: Unexpected end of JSON input'],
    ['another type', '{ "parts": [{ "id": "x" }], "xs": [] }', 'option "input.parts[0].id" must be an integer from 0'],
    [
      'a number that lost digits',
      '{ "parts": [{ "id": 9007199254740993 }], "xs": [] }',
      'option "input.parts[0].id" must be an integer',
    ],
    ['a missing field', '{ "parts": [] }', 'option "input.xs" must be given'],
    ['an unknown field', '{ "parts": [], "xs": [], "__proto__": 1 }', 'option "input.__proto__" must be a known field'],
    ['nothing', '', 'option "input" must be JSON'],
  ])('run refuses %s with exit code 2', async (_name, input, message) => {
    const { stdout, stderr, exitCode } = await lodger(['run', 'k.wasm', '--input', '-'], { cwd, input });
    expect(stderr).toContain(`lodger: ${message}`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('run without an input says what is missing', async () => {
    const { stderr, exitCode } = await lodger(['run', 'k.wasm'], { cwd });
    expect(stderr).toBe(
      'lodger: option "--input" must be given: this kernel takes a value, as JSON [ERR_OPTION_INVALID]\n',
    );
    expect(exitCode).toBe(2);
  });

  test('map takes a line of JSON a task, and writes JSON', async () => {
    const job = {
      version: 1,
      kernel: 'k.wasm',
      inputs: { lines: 'in.ndjson' },
      results: { file: 'out.ndjson', as: 'json' },
    };
    await writeFile(join(cwd, 'job.json'), JSON.stringify(job));
    const line = JSON.stringify(INPUT);
    await writeFile(join(cwd, 'in.ndjson'), `${line}\n${line}\n`);
    expect(await lodger(['map', 'job.json'], { cwd })).toMatchObject({ exitCode: 0 });
    const results = (await readFile(join(cwd, 'out.ndjson'), 'utf8')).trim().split('\n');
    expect(results.map((each) => JSON.parse(each))).toEqual(
      [0, 1].map((index) => ({ index, state: 'done', json: OUTPUT })),
    );

    await writeFile(join(cwd, 'in.ndjson'), `${line}\n{"parts":[],"xs":["x"]}\n`);
    const { stderr, exitCode } = await lodger(['map', 'job.json'], { cwd });
    expect(stderr).toContain('in task 1, "input.xs[0]" must be a number, not a string [ERR_JOB_INVALID]');
    expect(exitCode).toBe(2);
  });
});
