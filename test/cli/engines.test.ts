// Which engine runs what, as a user says it, and what works where address space is short.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { lodger, ROOT, scratch } from './lodger.ts';

const ECHO = join(ROOT, 'dist/kernels/echo.wasm');

let folder: Awaited<ReturnType<typeof scratch>>;
beforeAll(async () => {
  folder = await scratch();
  await writeFile(join(folder.path, 'lines.txt'), 'one\ntwo\n');
});
afterAll(() => folder[Symbol.asyncDispose]());

describe.each(ENGINE_NAMES)('on %s', (engine) => {
  test('run --engine runs a task, and its receipt says so', async () => {
    const { stdout } = await lodger(['run', ECHO, '--engine', engine, '--json', '--input', '-'], { input: 'a' });
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', receipt: { engine: { name: engine } } });
  });

  test.each([
    ['a job file that names it', { engine }, []],
    ['a job file that names another, and --engine', { engine: 'v8' }, ['--engine', engine]],
  ])('%s: its tasks run there', async (_, said, args) => {
    const job = { version: 1, kernel: ECHO, inputs: { lines: 'lines.txt' }, results: { folder: 'out' }, ...said };
    await using own = await scratch();
    await writeFile(join(own.path, 'lines.txt'), 'one\ntwo\n');
    await writeFile(join(own.path, 'job.json'), JSON.stringify(job));
    const { stdout, stderr } = await lodger(['map', 'job.json', '--json', ...args], { cwd: own.path });
    const { done, receipts } = JSON.parse(stdout);
    expect({ done, stderr }).toEqual({ done: 2, stderr: expect.any(String) });
    // The sum of a job's receipts names no engine. The addon tells a thread's CPU time; this Node may not.
    expect('cpuMs' in receipts).toBe(engine === 'wasmtime' || 'threadCpuUsage' in process);
  });
});

describe.each(ENGINE_NAMES.filter((name) => name === 'wasmtime' && process.platform === 'linux'))(
  'on %s, where address space is short',
  (engine) => {
    /** Too little for the reserved pool, enough for all else. */
    const KIB = 40_000_000;
    const MAIN = join(ROOT, 'dist/host/cli/main.js');
    const short = async (command: string) => {
      const shell = `ulimit -v ${KIB}; exec "${process.execPath}" "${MAIN}" ${command}`;
      return JSON.parse((await promisify(execFile)('bash', ['-c', shell])).stdout);
    };

    test('a task runs all the same', async () => {
      const ran = await short(`run "${ECHO}" --engine ${engine} --json --input "${join(folder.path, 'lines.txt')}"`);
      const output = Buffer.from('one\ntwo\n').toString('base64');
      expect(ran).toMatchObject({ state: 'done', output, receipt: { engine: { name: engine } } });
    });

    test('lodger doctor says that instances are mapped anew, and what to do about it', async () => {
      const { findings } = await short('doctor --json');
      expect(findings).toContainEqual({
        name: `engine ${engine}`,
        needed: false,
        works: true,
        reason: expect.stringContaining('every instance mapped anew'),
        remedy: expect.stringContaining('ulimit -v'),
      });
    });
  },
);
