// An author's tests: cases and assertions, on every engine, with what they used the last time.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, type Pool, runTests, type Verdict } from 'lodger/host';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EngineName } from '../../runtime/job/outcome.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';

const KERNEL = `import { fail } from 'lodger/kernel';
export function half(a: i32, by: i32): i32 {
  return a / by;
}
export function run(input: Uint8Array): Uint8Array {
  if (input.length == 0) fail('nothing');
  if (input[0] == 0x7a) throw new Error('no z');
  return input;
}
`;
const X = { name: 'x', input: { text: 'x' }, output: { base64: 'eA==' } };

let dir: string;
let pools: (readonly [EngineName, Pool])[];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lodger-tests-'));
  await writeFile(join(dir, 'kernel.ts'), KERNEL);
  pools = await Promise.all(
    ENGINE_NAMES.map(async (engine) => [engine, await createPool({ engine, threads: 1 })] as const),
  );
});
afterAll(async () => {
  for (const [, pool] of pools) await pool.close();
  await rm(dir, { recursive: true });
});
beforeEach(async () => {
  await rm(join(dir, 'tests'), { recursive: true, force: true });
  await mkdir(join(dir, 'tests'));
});

const write = (name: string, text: string) => writeFile(join(dir, 'tests', name), text);
const cases = (...list: readonly object[]) => JSON.stringify({ version: 1, cases: list });
const run = (): Promise<readonly Verdict[]> => runTests(dir, { pools, signal: new AbortController().signal });
const faultsOf = async () =>
  (await run()).map(({ name, faults }) => [name, ...faults.filter((fault) => !fault.startsWith('wasmtime'))]);

test('cases give text, base64, files and JSON, and expect an output or a failure', async () => {
  await write('in.txt', 'x');
  await write(
    'a.json',
    cases(
      X,
      { name: 'files', input: { file: 'in.txt' }, output: { file: 'in.txt' } },
      { name: 'json', input: { json: { a: 1, b: [2] } }, output: { json: { b: [2], a: 1 } } },
      { name: 'fails', input: { text: '' }, fails: { code: 'ERR_EXIT', message: 'nothing' } },
      { name: 'fails somehow', input: { text: 'z' }, fails: {} },
      { name: 'limits', input: { text: 'x' }, limits: { fuelMax: 10 }, fails: { code: 'ERR_FUEL_SPENT' } },
    ),
  );
  expect(await faultsOf()).toEqual([['x'], ['files'], ['json'], ['fails'], ['fails somehow'], ['limits']]);
});

test('what is wrong is said with what was expected, and where a task failed with its line', async () => {
  const one = (name: string, rest: object) => ({ name, input: { text: 'x' }, ...rest });
  await write(
    'a.json',
    cases(
      one('x', { output: { text: 'x' } }),
      one('text', { output: { text: 'y' } }),
      one('bytes', { input: { base64: '/wE=' }, output: { base64: '/wI=' } }),
      one('json', { input: { json: [1] }, output: { json: [2] } }),
      one('done', { fails: { code: 'ERR_TRAP' } }),
      one('code', { input: { text: 'z' }, fails: { code: 'ERR_TRAP' } }),
      one('message', { input: { text: '' }, fails: { message: 'something' } }),
      one('throws', { input: { text: 'z' }, output: { text: 'z' } }),
      one('spent', { limits: { fuelMax: 10 }, fails: { code: 'ERR_FUEL_SPENT' } }),
    ),
  );
  const found = await faultsOf();
  expect(found.slice(0, 7)).toEqual([
    ['x'],
    ['text', 'v8: the output is "x", not "y"'],
    ['bytes', 'v8: the output has 2 bytes, not 2, or differs at byte 1'],
    ['json', 'v8: the output is "[1]", not "[2]"'],
    ['done', 'v8: it was to fail with ERR_TRAP, and is done'],
    ['code', 'v8: it was to fail with ERR_TRAP, not "no z" [ERR_EXIT]', ...places(7)],
    ['message', 'v8: it was to fail with "something", not "nothing" [ERR_EXIT]', ...places(6)],
  ]);
  expect(found[7]).toEqual(['throws', 'v8: it failed: "no z" [ERR_EXIT]', ...places(7)]);
  expect(found[8]).toEqual(['spent']);
});

/** The place in the kernel, once for each engine. */
function places(line: number) {
  return ENGINE_NAMES.map(() => expect.stringMatching(`^ {2}at kernel/run \\(kernel\\.ts:${line}:\\d+\\)$`));
}

test('each exported function of a file is a task of its own, in an instance of its own', async () => {
  await write(
    'b.ts',
    `import { half } from '../kernel';
let count = 0;
// export function notThis(n: i32): void {}
export function alone(): void { assert(count++ == 0); }
export function aloneAgain(): void { assert(count++ == 0); }
export function wrong(): void {
  assert(half(4, 2) == 3, 'half of four');
}
export function traps(): void { half(1, 0); }`,
  );
  const [alone, again, wrong, traps] = await run();
  expect(alone).toMatchObject({ file: 'tests/b.ts', name: 'alone', faults: [], fuel: expect.any(Number) });
  expect(again?.faults).toEqual([]);
  expect(wrong?.faults.slice(0, 2)).toEqual(['v8: half of four [ERR_EXIT]', '  at tests/b/wrong (tests/b.ts:7:27)']);
  expect(traps?.faults.slice(0, 2)).toEqual([
    'v8: trap: integer divided by zero [ERR_TRAP]',
    '  at kernel/half (kernel.ts:3:10)',
  ]);
});

test('what passing tests used is remembered, and compared with the next time', async () => {
  const path = join(dir, '.lodger', 'fuel.json');
  const fuelOf = (verdicts: readonly Verdict[]) => verdicts.map(({ fuel, fuelBefore }) => [fuel, fuelBefore]);
  await write('a.json', cases(X));
  await rm(path, { force: true });
  const [[fuel, before] = []] = fuelOf(await run());
  expect([typeof fuel, before]).toEqual(['number', undefined]);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ version: 1, fuel: { 'tests/a.json: x': fuel } });
  await writeFile(path, JSON.stringify({ version: 1, fuel: { 'tests/a.json: x': 7, 'tests/gone.json: y': 8 } }));
  await write('a.json', cases({ ...X, output: { text: 'wrong' } }));
  expect(fuelOf(await run())).toEqual([[fuel, 7]]);
  // A failing test changes nothing, and one that is gone is forgotten.
  expect(JSON.parse(await readFile(path, 'utf8')).fuel).toEqual({ 'tests/a.json: x': 7 });
  await writeFile(path, 'no JSON');
  expect(fuelOf(await run())).toEqual([[fuel, undefined]]);
});

test.each([
  ['a.json', '{', 'JSON'],
  ['a.json', '{"version":2,"cases":[]}', '"version" must be 1'],
  ['a.json', cases({ ...X, inputs: 1 }), '"cases.0.inputs" must be a known option'],
  ['a.json', cases({ ...X, input: { text: 'x', file: 'y' } }), 'one of { "text" }'],
  ['a.json', cases({ name: 'neither', input: { text: '' } }), 'it has either "output" or "fails"'],
  ['a.json', cases(X, X), 'two cases are called "x"'],
  ['a.json', cases({ ...X, limits: { fuelMax: -1 } }), 'case "x": "limits.fuelMax" must be'],
  ['a.json', '{"version":1,"cases":[],"__proto__":{}}', 'a known option'],
  ['a.json', cases({ ...X, grants: ['everything'] }), 'case "x": "grants.0" must be'],
  ['a.json', cases({ ...X, input: { file: 'nothing' } }), 'nothing'],
  ['b.ts', 'export function one(n: i32): void {}', 'a test is written "export function one(): void"'],
  ['b.ts', 'function one(): void {}', 'it exports no function'],
])('%s with %s is refused, with the file and the reason', async (name, text, reason) => {
  await write(name, text);
  await expect(run()).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining(reason) });
});

test.each([
  ['no folder of tests', () => rm(join(dir, 'tests'), { recursive: true })],
  ['an empty one', async () => undefined],
])('%s is refused', async (_, prepare) => {
  await prepare();
  await expect(run()).rejects.toMatchObject({ code: 'ERR_FILE' });
});
