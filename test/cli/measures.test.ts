// What the command line measures of a task: time on every engine, and where its fuel goes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { lodger, scratch } from './lodger.ts';

const KERNEL = `import { fail } from 'lodger/kernel';

@inline
function square(a: i32): i32 {
  return a * a;
}

function sum(count: i32): i32 {
  let total = 0;
  for (let i = 0; i < count; i++) total += square(i);
  return total;
}

export function run(input: Uint8Array): Uint8Array {
  if (input[0] == 0x66) fail('no f');
  if (input[0] == 0x74) unreachable();
  memory.fill(0, 0, 0);
  input[0] = <u8>sum(10_000);
  return input;
}
`;

let folder: Awaited<ReturnType<typeof scratch>>;
let cwd: string;
beforeAll(async () => {
  folder = await scratch();
  cwd = folder.path;
  await writeFile(join(cwd, 'kernel.ts'), KERNEL);
  for (const input of ['x', 'f', 't']) await writeFile(join(cwd, input), input);
  await lodger(['build', 'kernel.ts', '--debug'], { cwd });
});
afterAll(() => folder[Symbol.asyncDispose]());

test('profile adds up to the fuel of the receipt, by function and by line', async () => {
  const run = JSON.parse((await lodger(['run', 'kernel.wasm', '--input', 'x', '--json'], { cwd })).stdout);
  const { stdout, exitCode } = await lodger(['profile', 'kernel.wasm', '--input', 'x', '--json'], { cwd });
  const { fuel, functions, lines, elsewhere, hostFuel, state } = JSON.parse(stdout);
  const sum = (list: readonly { readonly fuel: number }[]) => list.reduce((total, one) => total + one.fuel, 0);
  expect({ exitCode, state, fuel, hostFuel }).toEqual({
    exitCode: 0,
    state: 'done',
    fuel: run.receipt.fuel,
    hostFuel: 0,
  });
  expect(sum(functions)).toBe(fuel);
  expect(sum(lines) + elsewhere).toBe(fuel);
  expect(functions[0]).toMatchObject({ name: 'kernel/sum' });
  const [first, second] = lines.map(({ file, line }: { file: string; line: number }) => `${file}:${line}`);
  expect([first, second].sort()).toEqual(['kernel.ts:10', 'kernel.ts:5']);
});

test('profile prints tables with the share of each, and what it adds up to', async () => {
  const { stdout } = await lodger(['profile', 'kernel.wasm', '--input', 'x', '--top', '2'], { cwd });
  expect(stdout).toMatch(/│ kernel\/sum +│ +[\d,]+ │ +9\d\.\d % │\n/);
  expect(stdout).toMatch(/│ kernel\.ts:10 +│/);
  expect(stdout).toMatch(/│ \(\d+ more\) +│/);
  expect(stdout).toMatch(/\nfuel [\d,]+, as in the receipt\n$/);
});

test('profile of a task that fails with a message is as exact, one that traps has none', async () => {
  const failed = await lodger(['profile', 'kernel.wasm', '--input', 'f'], { cwd });
  expect(failed).toMatchObject({ exitCode: 1, stderr: 'lodger: no f [ERR_EXIT]\n' });
  expect(failed.stdout).toContain('as in the receipt\n');
  const trapped = await lodger(['profile', 'kernel.wasm', '--input', 't'], { cwd });
  expect(trapped).toMatchObject({ exitCode: 1, stdout: '' });
  expect(trapped.stderr).toContain('[ERR_TRAP]');
});

test('bench tells time, fuel and memory on every engine, metered and not', async () => {
  const { stdout, exitCode } = await lodger(['bench', 'kernel.wasm', '--input', 'x', '--rounds', '3', '--json'], {
    cwd,
  });
  const { state, fuel, timings } = JSON.parse(stdout);
  expect({ exitCode, state, fuel }).toEqual({ exitCode: 0, state: 'done', fuel: expect.any(Number) });
  const variants = ENGINE_NAMES.flatMap((engine) => [true, false].map((metered) => ({ engine, metered, rounds: 3 })));
  expect(timings).toMatchObject(variants);
  for (const { msMin, msMedian, memoryBytesPeak, fuelPerSecond } of timings) {
    expect(msMin).toBeGreaterThan(0);
    expect(msMedian).toBeGreaterThanOrEqual(msMin);
    expect(memoryBytesPeak).toBe(65_536);
    expect(fuelPerSecond).toBe(Math.round((fuel / msMin) * 1_000));
  }
});

test('bench prints a table, and measures nothing of a task that fails', async () => {
  const table = await lodger(['bench', 'kernel.wasm', '--input', 'x', '--rounds', '1', '--engine', 'v8'], { cwd });
  expect(table.stdout).toMatch(/│ v8 +│ yes +│ +[\d.]+ \w+ │ +[\d.]+ \w+ │ .* │ +[\d,]+ │ +[\d.]+ [MG] │ 64 KiB │\n/);
  const failed = await lodger(['bench', 'kernel.wasm', '--input', 'f', '--engine', 'v8'], { cwd });
  expect(failed).toMatchObject({ exitCode: 1, stdout: '', stderr: 'lodger: no f [ERR_EXIT]\n' });
});
