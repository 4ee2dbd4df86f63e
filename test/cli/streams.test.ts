// What the command line does when things fail around it, its streams first: a code and a message, no stack, the right exit code.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { ROOT } from './lodger.ts';

const MAIN = join(ROOT, 'dist/host/cli/main.js');
const KERNEL = 'dist/kernels/echo.wasm';

/** Runs `lodger` with a stream that takes nothing: a full disk. */
async function withFull(full: 'stdout' | 'stderr', args: readonly string[]) {
  const file = openSync('/dev/full', 'w');
  const stdio = full === 'stdout' ? (['ignore', file, 'pipe'] as const) : (['ignore', 'pipe', file] as const);
  const child = spawn(process.execPath, [MAIN, ...args], {
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

/** Throws out of any call stack of ours, once somebody listens. */
const THROWS = `data:text/javascript,process.on('newListener', (name) => {
  if (name === 'uncaughtException') setImmediate(() => { throw new Error('the sky fell') });
})`.replaceAll('\n', '');

test.each([
  [[], /^lodger: the sky fell \(this is a fault of lodger; --debug shows where\) \[ERR_HOST_FAULT\]\n$/],
  [['--debug'], /\[ERR_HOST_FAULT\]\nError: the sky fell\n +at /],
])('an error that nobody waits for has a code, and a stack only with --debug: %j', async (flags, said) => {
  const args = ['--import', THROWS, MAIN, 'run', KERNEL, '--input', '-', ...flags];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['pipe', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (part: Buffer) => {
    text += part.toString();
  });
  const [exitCode] = await once(child, 'close');
  expect(text).toMatch(said);
  expect(exitCode).toBe(1);
});
