// `lodger build` about loops: what it explains, what it leaves alone, what it refuses.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lodger } from './lodger.ts';

const KERNEL = `export function run(input: Uint8Array): Uint8Array {
  const sums = new Float64Array(input.length), out = new Array<u8>();
  for (let i = 0; i < input.length; i++) sums[i] = sums[i] * 0.5;
  for (let i = 0; i < input.length; i++) sums[input[i] % 7] += <f64>input[i];
  for (let i = 0; i < input.length; i++) out.push(input[i]);
  return Uint8Array.wrap(sums.buffer);
}
`;
const PUSHES = 'it calls ~lib/array/Array<u8>#push, which may change anything';
const REMEDY = 'move the call out of the loop, or let it take and give plain values';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-lift-'));
});
afterAll(() => rm(folder, { recursive: true }));

let made = 0;
async function build(text: string, ...options: readonly string[]) {
  const source = join(folder, `k${made++}.ts`);
  await writeFile(source, text);
  const ended = await lodger(['build', source, ...options]);
  return { ...ended, source };
}

test('build --explain says of every loop over an array what became of it, by file and line', async () => {
  const { exitCode, stdout, source } = await build(KERNEL, '--explain');
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').slice(1, -1)).toEqual([
    `${source}:3: lifted: 2 accesses without a check, 2 elements at a time`,
    `${source}:4: lifted: 3 accesses without a check, 2 with their check`,
    `${source}:5: kept as written, since ${PUSHES}; ${REMEDY}`,
  ]);
});

test('build --explain --json has the same as values', async () => {
  const { stdout, source } = await build(KERNEL, '--explain', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    loops: [
      { file: source, line: 3, state: 'lifted', proven: 2, checked: 0, lanes: 2 },
      { file: source, line: 4, state: 'lifted', proven: 3, checked: 2, lanes: 1 },
      { file: source, line: 5, state: 'kept', reason: PUSHES, remedy: REMEDY },
    ],
  });
});

test.each([['--no-lift'], ['--target', 'debug']])('build %s lifts no loop', async (...options) => {
  const { stdout } = await build(KERNEL, ...options, '--explain', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ state: 'done', loops: [] });
});

describe('a loop marked @fast that cannot be lifted is refused with file and line', () => {
  test.each([
    ['a comment before the loop', KERNEL.replace(/\n(.*push)/, '\n  // @fast: the hot one\n$1'), 6],
    ['a comment before the function', `// @fast\n${KERNEL}`, 6],
    ['a decorator of the function', KERNEL.replace('export', '@fast export'), 5],
  ])('%s', async (_, text, line) => {
    const { exitCode, stderr, source } = await build(text);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${source}:${line}:3: this loop is marked @fast, but ${PUSHES}: ${REMEDY}`);
    expect(stderr).toContain('ERR_BUILD_FAILED');
    expect(stderr.match(/marked @fast/g)).toHaveLength(1);
  });

  test('and one that can is built', async () => {
    const text = KERNEL.replace(/\n.*push.*/, '').replace(/\n(.*0\.5)/, '\n  // @fast\n$1');
    expect(await build(`/** @fast */\n${text}`)).toMatchObject({ exitCode: 0 });
  });

  test('nor is an outer loop taken for a fast one', async () => {
    const text = KERNEL.replace(
      / {2}for.*0\.5;/,
      '  // @fast\n  for (let n = 0; n < 3; n++) for (let i = 0; i < 3; i++) sums[i] = 0.5;',
    );
    expect((await build(text)).stderr).toContain(':4:3: this loop is marked @fast, but it holds another loop');
  });
});
