// `npm run fuzz`: what it says, what it exits with, and that it can be interrupted.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { scratch } from '../cli/lodger.ts';
import { WASMTIME_MISSING } from '../contract/engines.ts';
import { ROOT } from '../project/files.ts';

const MAIN = join(ROOT, 'dist/test/fuzz/main.js');

function run(
  args: readonly string[],
  cwd: string,
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { cwd }, (_, stdout, stderr) =>
      resolve({ exitCode: child.exitCode, stdout, stderr }),
    );
  });
}

test.each([
  [['--minutes', 'soon']],
  [['--minutes', '0']],
  [['--modules', '1.5']],
  [['--seed', '-1']],
  [['--speed', '9']],
])('%j is refused with its usage', async (args) => {
  await using folder = await scratch();
  const { exitCode, stdout, stderr } = await run(args, folder.path);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain('npm run fuzz -- [--minutes N]');
});

test('a round without a difference exits with 0, tells its figures in one JSON document and leaves no folder', async () => {
  await using folder = await scratch();
  const { exitCode, stdout, stderr } = await run(['--modules', '20', '--seed', '1', '--json'], folder.path);
  if (WASMTIME_MISSING !== undefined) {
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(WASMTIME_MISSING) });
    return;
  }
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ seed: 1, modules: 20, runs: 60, differences: [] });
  expect(existsSync(join(folder.path, 'fuzz-found'))).toBe(false);
});

test.runIf(process.platform !== 'win32')('an interrupted round tells what it has done so far', async () => {
  if (WASMTIME_MISSING !== undefined) return;
  await using folder = await scratch();
  const child = spawn(process.execPath, [MAIN, '--minutes', '5'], { cwd: folder.path });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  // Its folder is made last, when it has begun to listen.
  while (!existsSync(join(folder.path, 'fuzz-found'))) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  const [exitCode] = await once(child, 'close');
  expect({ exitCode, stderr: await stderr }).toEqual({ exitCode: 130, stderr: '' });
  expect(await stdout).toMatch(/^\d+ modules from seed \d+, \d+ tasks.*no differences\n$/s);
});
