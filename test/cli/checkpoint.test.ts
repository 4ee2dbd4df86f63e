// `--checkpoint` as a user calls it: broken off and gone on with, refused where it makes no sense, tidy at the end.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { folderStore } from '../../host/keep/folder-store.ts';
import { builtKernel } from '../kernels/built.ts';
import { settingsText } from '../kernels/task.ts';
import { lodger, ROOT, scratch, start } from './lodger.ts';

const WAVE = join(ROOT, 'dist/kernels/wave.wasm');
const ECHO = join(ROOT, 'dist/kernels/echo.wasm');
const shot = settingsText({
  ...{ width: 300, depth: 200, spacing: 10, steps: 4_000, dt: 0.001, record: 20, peak: 15 },
  ...{ source: [300, 40], receivers: [0, 2_900, 30, 20], layer: [0, 1500] },
});

let shared: Awaited<ReturnType<typeof scratch>>;
let folder: string;
let made = 0;

beforeAll(async () => {
  shared = await scratch();
  await writeFile(join(shared.path, 'shot.txt'), shot);
  const whole = join(shared.path, 'whole.bin');
  expect(await lodger(args('--output', whole))).toMatchObject({ exitCode: 0 });
});
afterAll(() => shared[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = join(shared.path, `run-${made++}`);
  await mkdir(folder);
});

const args = (...more: string[]) => ['run', WAVE, '--input', join(shared.path, 'shot.txt'), ...more];
const run = (...more: string[]) => lodger(args(...more), { cwd: folder });
const kept = ['--checkpoint', 'images', '--every', '20ms'];
const images = async () =>
  (await readdir(join(folder, 'images')).catch(() => [])).filter((name) => name.endsWith('.img'));

/** Starts it, and kills it when there are some images. */
async function broken(signal: NodeJS.Signals, ...more: string[]) {
  const { child, ended } = start(args('--output', 'out.bin', ...kept, ...more), { cwd: folder });
  while ((await images()).length < 3 && child.exitCode === null) await wait(5);
  child.kill(signal);
  return ended;
}

test.each([
  ['on a thread', []],
  ['in a cell', ['--isolation', 'process']],
])(
  'a stepper %s that was killed goes on from its newest image, says so, and leaves no image behind',
  async (_, how) => {
    expect((await broken('SIGKILL', ...how)).exitCode).toBeNull();
    const { exitCode, stdout, stderr } = await run('--output', 'out.bin', '--json', ...kept, ...how);
    expect(stderr).toMatch(/^lodger: goes on from step \d+ \([\d.]+ %, fuel [\d.]+ [kMG]\)\n$/);
    const { resumed, receipt } = JSON.parse(stdout);
    expect(resumed.step).toBe(Number(/step (\d+)/.exec(stderr)?.[1]));
    expect(resumed.fuel).toBeLessThan(receipt.fuel);
    expect(exitCode).toBe(0);
    expect(await readdir(folder)).toEqual(['out.bin']);
    const whole = await readFile(join(shared.path, 'whole.bin'));
    expect(Buffer.compare(await readFile(join(folder, 'out.bin')), whole)).toBe(0);
  },
);

test('Ctrl-C takes an image and says where it was left', async () => {
  const { exitCode, stderr } = await broken('SIGINT');
  expect(exitCode).toBe(130);
  const left = /left at step (\d+) /.exec(stderr)?.[1];
  expect((await run('--output', 'out.bin', ...kept)).stderr).toContain(`goes on from step ${left} `);
});

test('--keep-images leaves them, each of which follows from the one before', async () => {
  expect(await run('--output', 'out.bin', ...kept, '--keep-images')).toMatchObject({ exitCode: 0 });
  const store = folderStore(join(folder, 'images'));
  const byStep = store.digests().map((digest) => ({ digest, step: store.peek(digest).manifest.step }));
  byStep.sort((one, other) => one.step - other.step);
  expect(byStep.length).toBeGreaterThan(3);
  const [first, last] = [byStep[0], byStep.at(-1)].map((one) => join(store.path, `${one?.digest}.img`)) as [
    string,
    string,
  ];
  const verified = await lodger(['verify', first, last, '--kernel', WAVE]);
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('follows from the first') });
});

test('other limits than those of the images are refused', async () => {
  await broken('SIGKILL');
  expect(await run('--output', 'out.bin', ...kept, '--memory-max', '128MiB')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('other limits.memoryBytesMax'),
  });
  expect((await images()).length).toBeGreaterThan(0);
});

test.each<[string, string[], string]>([
  ['--every without --checkpoint', ['run', WAVE, '--every', '1s'], 'option "--every" must be given with --checkpoint'],
  ['--keep-images without it', ['run', WAVE, '--keep-images'], 'option "--keep-images" must be given with'],
  ['--every of no time', ['run', WAVE, ...kept.slice(0, 2), '--every', '0ms'], 'option "--every" must be a time from'],
  ['a kernel that is no stepper', ['run', ECHO, ...kept], 'only steppers can be gone on with'],
  ['--every of map without --checkpoint', ['map', 'none.json', '--every', '1s'], 'must be given with --checkpoint'],
])('%s is refused', async (_, given, message) => {
  const ended = await lodger(given, { cwd: folder });
  expect(ended).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
  expect(await readdir(folder)).toEqual([]);
});

/** Writes a job of `commands` over lines, one of which fails. */
async function jobOf(more: object = {}): Promise<void> {
  await writeFile(join(folder, 'commands.wasm'), (await builtKernel('commands')).wasm);
  await writeFile(join(folder, 'in.txt'), 'one\nfail no\nrandom\n');
  const document = { version: 1, kernel: 'commands.wasm', inputs: { lines: 'in.txt' }, grants: ['log', 'random'] };
  await writeFile(join(folder, 'job.json'), JSON.stringify({ ...document, results: { folder: 'out' }, ...more }));
}
const map = (...more: string[]) =>
  lodger(['map', 'job.json', '--checkpoint', 'kept', '--json', ...more], { cwd: folder });

test('a job leaves its results and not its folder, and says that nothing was taken over', async () => {
  await jobOf();
  const { exitCode, stdout } = await map();
  expect(JSON.parse(stdout)).toMatchObject({ state: 'failed', done: 2, failed: 1, kept: 0, resumed: 0 });
  expect(exitCode).toBe(1);
  expect(existsSync(join(folder, 'kept'))).toBe(false);
  expect((await readdir(join(folder, 'out'))).sort()).toEqual(['000000.out', '000001.failed.json', '000002.out']);
});

test('a job that was killed writes its one file of results whole when it is started again, and nothing else', async () => {
  await jobOf({ results: { file: 'out/lines', as: 'text' } });
  const { child, ended } = start(['map', 'job.json', '--checkpoint', 'kept'], { cwd: folder });
  while (!existsSync(join(folder, 'kept/outcomes/000002.outcome')) && child.exitCode === null) await wait(1);
  child.kill('SIGKILL');
  await ended;
  const again = await map();
  const document = JSON.parse(again.stdout);
  expect(document).toMatchObject({ done: 2, failed: 1 });
  expect((await readFile(join(folder, 'out/lines'), 'utf8')).split('\n')).toHaveLength(4);
  expect((await readdir(join(folder, 'out'))).sort()).toEqual(['lines']);
});

test('the folder of another job is refused, and stays as it is', async () => {
  await jobOf();
  await mkdir(join(folder, 'kept'));
  await writeFile(join(folder, 'kept', 'mine.txt'), '');
  const { exitCode, stderr } = await lodger(['map', 'job.json', '--checkpoint', 'kept'], { cwd: folder });
  expect(stderr).toContain('it holds "mine.txt", which is not of a job under way; name another folder');
  expect(exitCode).toBe(2);
  expect(await readdir(join(folder, 'kept'))).toEqual(['mine.txt']);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});
