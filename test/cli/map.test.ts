// `lodger map` as a user calls it: job files, results, failures, Ctrl-C.
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lodger, type Started, scratch, start } from './lodger.ts';

let shared: Awaited<ReturnType<typeof scratch>>;
let kernel: string;
let folder: string;
let made = 0;

beforeAll(async () => {
  shared = await scratch();
  kernel = join(shared.path, 'commands.wasm');
  expect(await lodger(['build', 'test/fixtures/kernels/commands.ts', '-o', kernel])).toMatchObject({ exitCode: 0 });
});

afterAll(() => shared[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = join(shared.path, `job-${made++}`);
  await mkdir(folder);
});

/** Writes a job file over lines and gives its path. */
async function job(lines: readonly string[], more: object = {}): Promise<string> {
  await writeFile(join(folder, 'in.ndjson'), lines.map((line) => `${line}\n`).join(''));
  const document = { version: 1, kernel, inputs: { lines: 'in.ndjson' }, grants: ['log', 'random'], ...more };
  const path = join(folder, 'job.json');
  await writeFile(path, JSON.stringify(document));
  return path;
}

const results = async (name = 'out.ndjson') =>
  (await readFile(join(folder, name), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Waits until a name is in the folder; the process must not end before. */
async function appears(started: Started, path: string, pattern: RegExp): Promise<void> {
  for (;;) {
    const names = await readdir(path).catch(() => []);
    if (names.some((name) => pattern.test(name))) return;
    if (started.child.exitCode !== null) throw new Error(`ended before ${pattern} appeared in ${names.join(', ')}`);
    await wait(20);
  }
}

describe('map refuses', () => {
  test.each<[string, object, string]>([
    ['an unknown name', { treads: 2 }, 'job file: "treads" must be a known option [ERR_JOB_INVALID]'],
    ['a kernel that is not there', { kernel: 'none.wasm' }, 'there is no such file or folder [ERR_FILE]'],
    [
      'a digest that is not beside it',
      { kernel: `sha256:${'0'.repeat(64)}` },
      '"kernel" must be the digest of a .wasm file in',
    ],
    [
      'an input that is not there',
      { inputs: { files: ['in.ndjson', 'none'] } },
      'none": there is no such file or folder [ERR_FILE]',
    ],
    [
      'a blob of another digest',
      { blobs: { db: { file: 'in.ndjson', digest: '0'.repeat(64) } } },
      '[ERR_BLOB_MISMATCH]',
    ],
    ['a missing grant', { grants: ['log'] }, 'which no grant covers: grant "random" [ERR_GRANT_MISSING]'],
    [
      'text before the first record',
      { inputs: { records: { file: 'in.ndjson', startsWith: 'b' } } },
      'its first line does not start with "b"',
    ],
    [
      'a file without records',
      { inputs: { records: { file: 'in.ndjson', startsWith: '>' } } },
      'no line starts with ">"',
    ],
    [
      'an input above its limit',
      { limits: { inputBytesMax: 3 } },
      'the input at byte 2 has 5 B, limits.inputBytesMax is 3 B',
    ],
  ])('%s, and leaves no results', async (_, more, message) => {
    const path = await job(['a', 'bbbb'], { results: { file: 'out.ndjson' }, ...more });
    const { exitCode, stdout, stderr } = await lodger(['map', path]);
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect((await readdir(folder)).sort()).toEqual(['in.ndjson', 'job.json']);
  });

  test('a file that is no JSON, by its name', async () => {
    const path = join(folder, 'job.json');
    await writeFile(path, '{');
    expect(await lodger(['map', path])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`"${path}" must be JSON`),
    });
  });

  test('a pinned kernel of another digest, naming the one it has', async () => {
    const path = await job(['a'], { kernel: { path: kernel, digest: '0'.repeat(64) } });
    expect(await lodger(['map', path])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/"kernel.digest" must be [0-9a-f]{64}, which is the digest of/),
    });
  });

  test('a folder that holds something already', async () => {
    await writeFile(join(folder, 'old'), '');
    const { exitCode, stderr } = await lodger(['map', await job(['a']), '--output', folder]);
    expect(stderr).toContain('the folder is not empty: remove it, or name another with --output [ERR_FILE]');
    expect(exitCode).toBe(2);
  });

  test('--blob for a name that the job file does not have', async () => {
    const { exitCode, stderr } = await lodger(['map', await job(['a']), '--blob', 'db=in.ndjson']);
    expect(stderr).toContain('option "--blob" must be a blob of the job file, not "db"');
    expect(exitCode).toBe(2);
  });
});

describe('map', () => {
  test('writes a line a task in input order, and failures among them; exit code 1 and one document', async () => {
    const path = await job(['{"n": 1.0}', 'fail no', '', 'log x', 'trap', 'b\\'], {
      results: { file: 'out.ndjson', as: 'json' },
    });
    const { exitCode, stdout, stderr } = await lodger(['map', path, '--json', '--threads', '2']);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'failed',
      tasks: 5,
      done: 3,
      failed: 2,
      codes: { ERR_EXIT: 1, ERR_TRAP: 1 },
      failures: [
        { index: 1, code: 'ERR_EXIT', message: 'no' },
        { index: 3, code: 'ERR_TRAP' },
      ],
      receipts: { bytesIn: 28, bytesOut: 17, calls: { 'log.write': 1, 'exit.fail': 1 } },
      results: join(folder, 'out.ndjson'),
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    const text = await readFile(join(folder, 'out.ndjson'), 'utf8');
    expect(text.split('\n')[0]).toBe('{"index":0,"state":"done","json":{"n": 1.0}}');
    expect(await results()).toEqual([
      { index: 0, state: 'done', json: { n: 1 } },
      { index: 1, state: 'failed', code: 'ERR_EXIT', message: 'no' },
      { index: 2, state: 'done', base64: Buffer.from('log x').toString('base64'), log: [{ level: 'warn', text: 'x' }] },
      { index: 3, state: 'failed', code: 'ERR_TRAP', message: expect.any(String) },
      { index: 4, state: 'done', base64: Buffer.from('b\\').toString('base64') },
    ]);
  });

  test('says how many log lines there are and that the results have them, and how many were dropped', async () => {
    const limits = { logBytesMax: '2B' };
    const path = await job(['log x', 'a', 'log y', 'log more'], { limits, results: { file: 'out.ndjson' } });
    const { exitCode, stderr } = await lodger(['map', path]);
    expect(stderr).toContain(
      '\nlog      2 lines of 3 tasks (warn 2); 1 more dropped by the limits; kept with the results\n',
    );
    expect(exitCode).toBe(0);
    expect((await results()).map(({ log, logLinesDropped }) => [log?.length ?? 0, logLinesDropped])).toEqual([
      [1, undefined],
      [0, undefined],
      [1, undefined],
      [0, 1],
    ]);
    const { stdout } = await lodger(['map', path, '--json']);
    expect(JSON.parse(stdout).log).toEqual({ tasks: 3, lines: 2, linesDropped: 1, levels: { warn: 2 } });
  });

  test('says that log lines are lost where nothing keeps them, and is silent where there are none', async () => {
    const lost = await lodger(['map', await job(['log x'])]);
    const told = /^log +1 line of 1 task \(warn 1\); not kept: name a folder for results with --output$/m;
    expect(lost.stderr).toMatch(told);
    expect((await lodger(['map', await job(['a'])])).stderr).not.toMatch(/^log/m);
  });

  test('writes a file a task into a folder', async () => {
    const path = await job(['a', 'fail no', 'log x'], { results: { folder: 'out' } });
    const { exitCode, stdout, stderr } = await lodger(['map', path]);
    expect(stderr).toMatch(
      /^task 1 failed: no \[ERR_EXIT\]\n(?: {2}at function \d+ \(byte 0x[\da-f]+\)\n)+tasks {4}3: 2 done, 1 failed \(ERR_EXIT 1\)\n/,
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    const names = (await readdir(join(folder, 'out'))).sort();
    expect(names).toEqual(['000000.out', '000001.failed.json', '000002.log', '000002.out']);
    const contents = await Promise.all(names.map((name) => readFile(join(folder, 'out', name), 'utf8')));
    expect(contents).toEqual(['a', '{"code":"ERR_EXIT","message":"no"}\n', 'warn: x\n', 'log x']);
  });

  test('cuts a file into records, whole ones and as many as fit, and takes a kernel by its digest', async () => {
    const { stdout } = await lodger(['inspect', kernel, '--json']);
    await writeFile(join(folder, 'k.wasm'), await readFile(kernel));
    await writeFile(join(folder, 'db'), '>a\nAA\n>b\n\n>ccccccccc\nC\n>d\nD>\n>e');
    const path = await job([], {
      kernel: `sha256:${JSON.parse(stdout).digest}`,
      inputs: { records: { file: 'db', startsWith: '>', bytesPerTask: 10 } },
      results: { file: 'out.ndjson', as: 'text' },
    });
    expect(await lodger(['map', path])).toMatchObject({ exitCode: 0 });
    expect((await results()).map(({ text }) => text)).toEqual(['>a\nAA\n>b\n\n', '>ccccccccc\nC\n', '>d\nD>\n>e']);
  });

  test('takes another input with --input and another place with --output', async () => {
    await writeFile(join(folder, 'mine'), 'x\r\ny');
    const path = await job(['a'], { results: { file: 'out.ndjson', as: 'text' } });
    const args = ['map', path, '--input', 'mine', '--output', 'there/deep'];
    expect(await lodger(args, { cwd: folder })).toMatchObject({ exitCode: 0 });
    expect((await results('there/deep/out.ndjson')).map(({ text }) => text)).toEqual(['x', 'y']);
  });

  test('of an endless task costs that task only', async () => {
    const path = await job(['a', 'loop', 'b'], {
      results: { file: 'out.ndjson', as: 'text' },
      limits: { wallMsMax: '200ms' },
    });
    expect(await lodger(['map', path])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[ERR_WALL_SPENT]'),
    });
    expect((await results()).map(({ text, code }) => text ?? code)).toEqual(['a', 'ERR_WALL_SPENT', 'b']);
  });

  test('gives each task its own random bytes, and the same ones for the same seed', async () => {
    const path = await job(['random', 'random'], { results: { file: 'out.ndjson' }, seed: 5 });
    const each = async () => {
      expect(await lodger(['map', path])).toMatchObject({ exitCode: 0 });
      return (await results()).map(({ base64 }) => base64);
    };
    const first = await each();
    expect(new Set(first).size).toBe(2);
    expect(await each()).toEqual(first);
  });
});

describe('Ctrl-C ends map with exit code 130', () => {
  test('and leaves neither a half-written file nor what it would replace changed', async () => {
    const path = await job(['a', 'loop'], { results: { file: 'out.ndjson' } });
    await writeFile(join(folder, 'out.ndjson'), 'before\n');
    const started = start(['map', path, '--json']);
    await appears(started, folder, /\.tmp$/);
    started.child.kill('SIGINT');
    const { exitCode, stdout, stderr } = await started.ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: 'lodger: interrupted [ERR_ABORTED]\n' });
    expect(JSON.parse(stdout)).toMatchObject({ state: 'refused', code: 'ERR_ABORTED' });
    expect((await readdir(folder)).sort()).toEqual(['in.ndjson', 'job.json', 'out.ndjson']);
    expect(await readFile(join(folder, 'out.ndjson'), 'utf8')).toBe('before\n');
  });

  test('and keeps the whole results of a folder', async () => {
    const started = start(['map', await job(['a', 'loop'], { results: { folder: 'out' } }), '--threads', '1']);
    await appears(started, join(folder, 'out'), /^000000\.out$/);
    started.child.kill('SIGINT');
    expect(await started.ended).toMatchObject({ exitCode: 130 });
    expect(await readdir(join(folder, 'out'))).toEqual(['000000.out']);
  });

  test('and a second one at once, leaving no temporary file', async () => {
    const started = start(['map', await job(['loop'], { results: { file: 'out.ndjson' } })]);
    await appears(started, folder, /\.tmp$/);
    started.child.kill('SIGINT');
    started.child.kill('SIGINT');
    await once(started.child, 'close');
    expect(started.child.exitCode).toBe(130);
    expect((await readdir(folder)).sort()).toEqual(['in.ndjson', 'job.json']);
  });
});
