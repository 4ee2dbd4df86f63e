// Finding faults on the command line: where a kernel failed, by function, file and line, and an author's tests.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linesOf } from '../../host/jobs/trace.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { lodger, scratch } from './lodger.ts';

const KERNEL = `import { fail } from 'lodger/kernel';

export function half(a: i32, by: i32): i32 {
  return a / by;
}

function deep(n: i32): i32 {
  return n < 0 ? 0 : deep(n + 1) + 1;
}

export function run(input: Uint8Array): Uint8Array {
  const kind = input[0];
  if (kind == 0x61) half(7, kind - 0x61);
  if (kind == 0x62) fail('no b');
  if (kind == 0x63) throw new Error('no c');
  if (kind == 0x64) deep(1);
  if (kind == 0x65) new Array<i32>(3)[kind];
  if (kind == 0x66) {
    unreachable();
  }
  return input;
}
`;

/** Where the stack ends depends on the weight of frames, and is the entry of the innermost call. */
const DEEP = 'deep (kernel.ts:8:27)';

let folder: Awaited<ReturnType<typeof scratch>>;
let cwd: string;
beforeAll(async () => {
  folder = await scratch();
  cwd = folder.path;
  await writeFile(join(cwd, 'kernel.ts'), KERNEL);
  expect(await lodger(['build', 'kernel.ts', '--debug', '-o', 'debug.wasm'], { cwd })).toMatchObject({ exitCode: 0 });
  await lodger(['build', 'kernel.ts'], { cwd });
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Input, what is said of it, and the places in the kernel that are named. */
const FAULTS: readonly (readonly [input: string, message: string, places: readonly string[]])[] = [
  ['a', 'trap: integer divided by zero [ERR_TRAP]', ['half (kernel.ts:4:10)', 'run (kernel.ts:13:29)']],
  ['b', 'no b [ERR_EXIT]', ['run (kernel.ts:14:21)']],
  ['c', 'no c [ERR_EXIT]', ['run (kernel.ts:15:37)']],
  ['e', 'Index out of range (~lib/array.ts:114) [ERR_EXIT]', ['run (~lib/array.ts:114:63)']],
  ['f', 'trap: unreachable executed [ERR_TRAP]', ['run (kernel.ts:19:5)']],
  ['d', 'the kernel recursed too deeply [ERR_STACK_SPENT]', [DEEP, ...Array<string>(5).fill('deep (kernel.ts:8:22)')]],
];

test.each([
  ...ENGINE_NAMES.map((engine) => [`on ${engine}`, ['--engine', engine]] as const),
  ['in a jailed process', ['--isolation', 'process']] as const,
])('a debug build says where it failed, %s', async (_, flags) => {
  await writeFile(join(cwd, 'lines'), FAULTS.map(([input]) => `${input}\n`).join(''));
  await writeFile(
    join(cwd, 'job.json'),
    JSON.stringify({ version: 1, kernel: 'debug.wasm', inputs: { lines: 'lines' } }),
  );
  const { stderr, exitCode } = await lodger(['map', 'job.json', ...flags], { cwd });
  expect(exitCode).toBe(1);
  for (const [index, [, message, places]] of FAULTS.entries()) {
    const lines = places.map((place) => `  at kernel/${place}\n`).join('');
    expect(stderr).toContain(`task ${index} failed: ${message}\n${lines}${index === 5 ? 'tasks' : 'task '}`);
  }
});

test('a release build names function and byte, a debug build in JSON file, line and column', async () => {
  const plain = await lodger(['run', 'kernel.wasm', '--input', '-'], { cwd, input: 'a' });
  expect(plain.stderr).toMatch(/\[ERR_TRAP\]\n(?: {2}at function \d+ \(byte 0x[\da-f]+\)\n)+$/);
  const { stdout } = await lodger(['run', 'debug.wasm', '--input', '-', '--json'], { cwd, input: 'a' });
  expect(JSON.parse(stdout).trace[0]).toMatchObject({ name: 'kernel/half', file: 'kernel.ts', line: 4, column: 10 });
});

test('a map that is missing costs the lines and nothing else', async () => {
  await cp(join(cwd, 'debug.wasm'), join(cwd, 'lone.wasm'));
  const lone = await lodger(['run', 'lone.wasm', '--input', '-'], { cwd, input: 'a' });
  expect(lone.stderr).toMatch(/\n {2}at kernel\/half \(byte 0x[\da-f]+\)\n/);
});

test.each([
  '{',
  '{}',
  'null',
  '{"version":3,"sources":7,"mappings":"%%"}',
  '{"version":3,"sources":[],"mappings":"AAAA"}',
])('a map such as %s names no line', async (map) => {
  const core = new Uint8Array(await readFile(join(cwd, 'debug.wasm')));
  const { start = 0 } = readModule(core).bodies[0] ?? {};
  expect(linesOf(map, core)?.(start)).toBeUndefined();
});

test('lodger test prints each test with its fuel, as text and as JSON, and fails if one does', async () => {
  await mkdir(join(cwd, 'tests'));
  const x = { name: 'x', input: { text: 'x' }, output: { base64: 'eA==' } };
  const write = (...cases: readonly object[]) =>
    writeFile(join(cwd, 'tests', 'a.json'), JSON.stringify({ version: 1, cases }));
  await write(x, { ...x, name: 'y', output: { text: 'y' } });
  const failed = await lodger(['test', '.'], { cwd });
  expect(failed.exitCode).toBe(1);
  expect(failed.stdout).toMatch(
    /^tests\/a\.json\n {2}ok {4}x +fuel \d+, new\n {2}FAIL {2}y +fuel \d+, new\n {8}v8: the output is "x", not "y"\n/,
  );
  expect(failed.stdout).toContain(`\n1 of 2 tests passed on ${ENGINE_NAMES.join(' and ')}\n`);
  await write(x);
  const { exitCode, stdout } = await lodger(['test', '.', '--engine', 'v8', '--json'], { cwd });
  const { tests, ...rest } = JSON.parse(stdout);
  expect({ exitCode, rest }).toEqual({ exitCode: 0, rest: { state: 'done', engines: ['v8'], passed: 1, failed: 0 } });
  expect(tests[0].fuelBefore).toBe(tests[0].fuel);
});
