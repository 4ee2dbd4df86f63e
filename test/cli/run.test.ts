// The commands that take one kernel, as a user calls them: exit codes, documents, messages, outputs.
import { once } from 'node:events';
import { lstat, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../host/platform/version.ts';
import { lodger, ROOT, scratch } from './lodger.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let echo: string;
let commands: string;
const GRANTS = ['--grant', 'log', '--grant', 'random'];

beforeAll(async () => {
  folder = await scratch();
  echo = join(folder.path, 'echo.wasm');
  commands = join(folder.path, 'commands.wasm');
  const built = [
    await lodger(['build', 'kernels/echo', '-o', echo]),
    await lodger(['build', 'test/fixtures/kernels/commands.ts', '-o', commands]),
  ];
  expect(built.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  await writeFile(join(folder.path, 'text.txt'), 'this is text');
});

afterAll(() => folder[Symbol.asyncDispose]());

describe('exit code 2, a message with its code and no stack for', () => {
  test.each<[string, string[], string]>([
    ['no command', [], 'a command is missing; see lodger --help [ERR_OPTION_INVALID]'],
    ['an unknown command', ['rum'], "unknown command 'rum'"],
    ['an unknown option', ['run', 'echo.wasm', '--imput', 'x'], "unknown option '--imput' (Did you mean --input?)"],
    ['a missing argument', ['map'], "missing required argument 'job'"],
    ['an argument too many', ['doctor', 'x'], 'too many arguments'],
    [
      'a kernel that is not there',
      ['run', 'none.wasm'],
      'cannot read "none.wasm": there is no such file or folder [ERR_FILE]',
    ],
    ['a kernel that is a folder', ['inspect', '.'], 'cannot read ".": it is not a regular file [ERR_FILE]'],
    ['a kernel that is none', ['inspect', 'text.txt'], '[ERR_KERNEL_MALFORMED]'],
    [
      'a missing grant',
      ['run', 'commands.wasm', '--grant', 'random'],
      'which no grant covers: grant "log" [ERR_GRANT_MISSING]',
    ],
    [
      'a grant that is none',
      ['run', 'echo.wasm', '--grant', 'blobs'],
      'write it as blobs:NAME=FILE [ERR_GRANT_INVALID]',
    ],
    ['a folder that is not there', ['run', 'echo.wasm', '--grant', 'files:/in=./none:read'], '[ERR_FILE]'],
    [
      'a blob that is not there',
      ['run', 'echo.wasm', '--grant', 'blobs:db=none'],
      'none": there is no such file or folder [ERR_FILE]',
    ],
    [
      'a size that is none',
      ['run', 'echo.wasm', '--memory-max', '64M'],
      'option "--memory-max" must be a size such as 64MiB',
    ],
    [
      'a wall that is none',
      ['run', 'echo.wasm', '--strict', 'root,moat'],
      'option "--strict" must be one of any, floor, all, or names of walls: descriptors,',
    ],
    [
      'a file after a bare --strict',
      ['run', '--strict', 'echo.wasm'],
      'lock; or stand alone, before another option or "--" [ERR_OPTION_INVALID]',
    ],
    [
      'walls around a thread',
      ['run', 'echo.wasm', '--isolation', 'thread', '--strict', 'floor'],
      'option "strict" must be left out but with isolation "process"',
    ],
    [
      'a size above the ceiling',
      ['run', 'echo.wasm', '--memory-max', '5GiB'],
      'option "--memory-max" must be at most 4 GiB',
    ],
    [
      'a time that is none',
      ['run', 'echo.wasm', '--wall-max', 'soon'],
      'option "--wall-max" must be a time such as 10s',
    ],
    [
      'a seed that is none',
      ['run', 'echo.wasm', '--seed', '-1'],
      'option "--seed" must be an integer from 0 to 9007199254740991',
    ],
    [
      'an engine that nobody knows',
      ['run', 'echo.wasm', '--engine', 'spidermonkey'],
      'option "--engine" must be one of auto, v8, wasmtime',
    ],
    ['an input that is not there', ['run', 'echo.wasm', '--input', 'none'], 'cannot read "none"'],
    [
      'an output that is a folder',
      ['run', 'echo.wasm', '--output', '.'],
      'cannot write ".": it is a folder [ERR_FILE]',
    ],
    [
      'an output in no folder',
      ['run', 'echo.wasm', '--output', 'none/out'],
      'cannot write "none/out": there is no such file or folder',
    ],
    [
      'a build target that is none',
      ['build', 'x.ts', '--target', 'fast'],
      'option "--target" must be release or debug',
    ],
    [
      'a source that does not compile',
      ['build', join(ROOT, 'test/cli/lodger.ts'), '-o', 'x.wasm'],
      '[ERR_BUILD_FAILED]',
    ],
    ['time beyond the ceiling', ['run', 'echo.wasm', '--wall-max', '200h'], '"--wall-max" must be at most 168 h 0 min'],
    [
      'threads beyond the ceiling',
      ['map', 'job.json', '--threads', '257'],
      'option "--threads" must be an integer from 1 to 256',
    ],
  ])('%s', async (_, args, message) => {
    const { exitCode, stdout, stderr } = await lodger(args, { cwd: folder.path });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^lodger: .* \[ERR_[A-Z_]+\]$/ms);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('--debug adds the stack', async () => {
    const { exitCode, stderr } = await lodger(['run', 'none.wasm', '--debug']);
    expect(stderr).toMatch(/^\s+at /m);
    expect(exitCode).toBe(2);
  });
});

describe('--json prints one document and nothing else:', () => {
  test.each<[string, string[], number, object]>([
    [
      'a wrong call',
      ['run', '--json'],
      2,
      { state: 'refused', code: 'ERR_OPTION_INVALID', message: expect.any(String) },
    ],
    ['a refused kernel', ['inspect', 'text.txt', '--json'], 2, { state: 'refused', code: 'ERR_KERNEL_MALFORMED' }],
    ['a missing grant', ['run', 'commands.wasm', '--json'], 2, { state: 'refused', code: 'ERR_GRANT_MISSING' }],
    [
      'a failed task',
      ['run', 'commands.wasm', ...GRANTS, '--json', '--input', 'fail.txt'],
      1,
      { state: 'failed', code: 'ERR_EXIT', fault: 'job', message: 'so it is', receipt: { bytesIn: 13 } },
    ],
    [
      'a task out of time',
      ['run', 'commands.wasm', ...GRANTS, '--json', '--input', 'loop.txt', '--wall-max', '50ms'],
      1,
      { state: 'failed', code: 'ERR_WALL_SPENT', message: 'wall time limit of 50 ms reached' },
    ],
    [
      'a done task',
      ['run', 'echo.wasm', '--json', '--input', 'text.txt', '--digests'],
      0,
      {
        state: 'done',
        output: Buffer.from('this is text').toString('base64'),
        receipt: { version: 1, bytesIn: 12, bytesOut: 12, inputDigest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ],
    [
      'a kernel',
      ['inspect', 'commands.wasm', '--json'],
      0,
      { state: 'admitted', shape: 'kernel', grants: ['log', 'random'] },
    ],
    [
      'this machine',
      ['doctor', '--json'],
      0,
      {
        state: 'done',
        findings: expect.arrayContaining([expect.objectContaining({ name: 'engine v8', works: true })]),
      },
    ],
  ])('%s', async (_, args, exitCode, document) => {
    await writeFile(join(folder.path, 'fail.txt'), 'fail so it is');
    await writeFile(join(folder.path, 'loop.txt'), 'loop');
    const ended = await lodger(args, { cwd: folder.path });
    expect(JSON.parse(ended.stdout)).toMatchObject(document);
    expect(ended.exitCode).toBe(exitCode);
  });
});

describe('run', () => {
  test('gives the bytes of standard input to the kernel, and its output to standard output, all of them', async () => {
    const input = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7) % 256));
    const { exitCode, bytes, stderr } = await lodger(['run', echo, '--input', '-'], { input });
    expect(bytes.equals(input)).toBe(true);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('writes --output whole, or leaves what was there', async () => {
    await using own = await scratch();
    const output = join(own.path, 'answer');
    await writeFile(output, 'before');
    const failed = await lodger(['run', commands, ...GRANTS, '--input', '-', '--output', output], { input: 'trap' });
    expect({ exitCode: failed.exitCode, content: await readFile(output, 'utf8') }).toEqual({
      exitCode: 1,
      content: 'before',
    });
    const done = await lodger(['run', commands, ...GRANTS, '--input', '-', '--output', output], { input: 'after' });
    expect({ exitCode: done.exitCode, content: await readFile(output, 'utf8') }).toEqual({
      exitCode: 0,
      content: 'after',
    });
    expect(await readdir(own.path)).toEqual(['answer']);
  });

  test('writes --output to the end of a link, and never in the place of what is no file', async () => {
    await using own = await scratch();
    const [file, link, socket] = ['file', 'link', 'socket'].map((name) => join(own.path, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(file, 'before');
    await symlink(file, link);
    expect(await lodger(['run', echo, '--input', '-', '--output', link], { input: 'after' })).toMatchObject({
      exitCode: 0,
    });
    expect([await readFile(file, 'utf8'), await readlink(link)]).toEqual(['after', file]);

    const server = createServer().listen(socket);
    await once(server, 'listening');
    const refused = await lodger(['run', echo, '--output', socket]);
    expect(refused.stderr).toContain('it is not a regular file: redirect standard output instead [ERR_FILE]');
    expect({ exitCode: refused.exitCode, left: (await lstat(socket)).isSocket() }).toEqual({ exitCode: 2, left: true });
    server.close();
  });

  test('shows log lines and failures of a guest without letting it steer the terminal or speak for lodger', async () => {
    const logged = await lodger(['run', commands, ...GRANTS, '--input', '-'], { input: 'log a\u001b[2J\nlodger: b' });
    expect(logged.stderr).toBe('warn: a\\u001b[2J\n  lodger: b\n');
    const failed = await lodger(['run', commands, ...GRANTS, '--input', '-'], { input: 'fail a\u202eb\nlodger: c' });
    expect(failed.stderr).toMatch(
      /^lodger: a\\u202eb\n {2}lodger: c \[ERR_EXIT\]\n(?: {2}at function \d+ \(byte 0x[\da-f]+\)\n)+$/,
    );
    expect(failed.exitCode).toBe(1);
  });

  test('gives the same random bytes for the same seed, and others for another', async () => {
    const args = ['run', commands, ...GRANTS, '--input', '-', '--seed'];
    const [first, again, other] = await Promise.all(
      ['7', '7', '8'].map((seed) => lodger([...args, seed], { input: 'random' })),
    );
    expect(first?.bytes).toHaveLength(16);
    expect(again?.bytes).toEqual(first?.bytes);
    expect(other?.bytes).not.toEqual(first?.bytes);
  });

  test('refuses output beyond --output-max as the failure of the task', async () => {
    const { exitCode, stdout, stderr } = await lodger(['run', echo, '--input', '-', '--output-max', '4B'], {
      input: 'hello',
    });
    expect(stderr).toContain('[ERR_OUTPUT_TOO_LARGE]');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });
});

test('inspect names digest, imports with their grants, memory and the verdict', async () => {
  const { exitCode, stdout } = await lodger(['inspect', commands]);
  expect(stdout).toMatch(/^digest +sha256:[0-9a-f]{64}$/m);
  expect(stdout).toContain('lodger:kernel/exit@0.1.0 fail (always granted)');
  expect(stdout).toContain('lodger:kernel/log@0.1.0 write (needs grant log)');
  expect(stdout).toMatch(/^grants +log, random$/m);
  expect(stdout).toMatch(/^memory +64 KiB at start/m);
  expect(stdout).toMatch(/^ceilings +moduleBytes [\d.]+ KiB of 16 MiB$/m);
  expect(stdout).toMatch(/^ +bodyBytes [\d.]+ (?:B|KiB) of 128 KiB in one function$/m);
  expect(stdout).toMatch(/^verdict +admitted$/m);
  expect(exitCode).toBe(0);
});

test('--version prints the version of the package', async () => {
  expect(await lodger(['--version'])).toMatchObject({ exitCode: 0, stdout: `${VERSION}\n`, stderr: '' });
});
