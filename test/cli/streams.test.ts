// What the command line does where its streams cannot be written: a code and a message, no stack, and never a wrong exit code.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { ROOT } from './lodger.ts';

const KERNEL = 'dist/kernels/echo.wasm';

/** Runs `lodger` with a stream that takes nothing: a full disk. */
async function withFull(full: 'stdout' | 'stderr', args: readonly string[]) {
  const file = openSync('/dev/full', 'w');
  const stdio = full === 'stdout' ? (['ignore', file, 'pipe'] as const) : (['ignore', 'pipe', file] as const);
  const child = spawn(process.execPath, [join(ROOT, 'dist/host/cli/main.js'), ...args], {
    cwd: ROOT,
    stdio: [...stdio],
  });
  closeSync(file);
  let text = '';
  (child.stdout ?? child.stderr)?.on('data', (part: Buffer) => {
    text += part.toString();
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, text };
}

test.runIf(process.platform === 'linux').each([
  ['an output', ['run', KERNEL, '--input', 'README.md']],
  ['a document', ['run', KERNEL, '--json']],
  ['a table', ['inspect', KERNEL]],
])('%s that standard output does not take is refused with ERR_FILE', async (_, args) => {
  expect(await withFull('stdout', args)).toEqual({
    exitCode: 2,
    text: 'lodger: cannot write "standard output": the disk is full [ERR_FILE]\n',
  });
});

test.runIf(process.platform === 'linux').each([
  ['a refusal', ['run', 'none.wasm'], 2],
  ['a job that is refused', ['map', 'kernels/align/job.json', '--output', '/dev/null/x'], 2],
  ['a kernel that is inspected', ['inspect', KERNEL, '--json'], 0],
])('%s keeps its exit code where standard error takes nothing', async (_, args, exitCode) => {
  expect(await withFull('stderr', args)).toMatchObject({ exitCode });
});
