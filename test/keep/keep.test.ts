// A job that is kept in a folder: started again it does nothing twice, and no other job gets in.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type KeepNotice, type KeepOptions, openKeep } from '../../host/keep/keep.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Job, Runner } from '../../runtime/job/task.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { scratch } from '../cli/lodger.ts';
import { builtKernel } from '../kernels/built.ts';

const sandbox = createSandbox({ platform: node });
const utf8 = new TextEncoder();
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
let plain: Kernel;
let stepper: Kernel;
let folder: string;

beforeAll(async () => {
  plain = await admit((await builtKernel('commands')).wasm);
  stepper = await admit((await builtKernel('walk')).wasm);
});
beforeEach(async ({ onTestFinished }) => {
  const made = await scratch();
  onTestFinished(() => made[Symbol.asyncDispose]());
  folder = join(made.path, 'kept');
});

const grants = [{ kind: 'log' as const }, { kind: 'random' as const }];
const texts = ['one', 'fail no', 'log x', 'random', 'trap', 'six'].map((text) => utf8.encode(text));
const plainJob = (): Job => ({ kernel: plain, grants, inputs: texts, seed: 3 });
const stepperJob = (): Job => ({
  ...{ kernel: stepper, grants, seed: 4, limits: { memoryBytesMax: 20 * PAGE } },
  inputs: [u32(900), u32(3_000), u32(50)],
});

interface Told {
  readonly ends: object[];
  readonly notices: KeepNotice[];
  readonly code?: string;
}

const endOf = ({ state, log, receipt: { fuel, fuelAtLeast }, ...rest }: Outcome) => ({
  ...{ state, log, fuel, fuelAtLeast },
  ...('output' in rest ? { output: Buffer.from(rest.output).toString('hex') } : rest),
});

/** Starts the job; `leave` says when it is broken off. */
async function started(job: Job, { runner = sandbox, leave = () => false, ...more }: Started = {}): Promise<Told> {
  const notices: KeepNotice[] = [];
  const ends: object[] = [];
  const control = new AbortController();
  const keep = await openKeep(folder, job);
  const options = { tasksMax: 1, signal: control.signal, onNotice: (one: KeepNotice) => notices.push(one), ...more };
  try {
    for await (const outcome of keep.map(runner, job, options)) {
      ends.push(endOf(outcome));
      if (leave(ends.length)) break;
    }
  } catch (error) {
    return { ends, notices, code: (error as { code: string }).code };
  }
  return { ends, notices };
}

interface Started extends KeepOptions {
  readonly runner?: Runner;
  readonly leave?: (done: number) => boolean;
}

async function unbroken(job: Job): Promise<object[]> {
  const ends: object[] = [];
  for await (const outcome of sandbox.map(job)) ends.push(endOf(outcome));
  return ends;
}

describe.each([
  ['a job of a plain kernel', plainJob],
  ['a job of a stepper', stepperJob],
])('%s', (_, job) => {
  test('broken off and started again gives what it gives unbroken, and does nothing twice', async () => {
    const first = await started(job(), { leave: (done) => done === 2 });
    expect(first.ends).toHaveLength(2);
    const again = await started(job());
    expect(again.ends).toEqual(await unbroken(job()));
    const kept = again.notices.filter(({ kind }) => kind === 'kept').map(({ index }) => index);
    expect(kept.slice(0, 2)).toEqual([0, 1]);
    const third = await started(job());
    expect(third.ends).toEqual(again.ends);
    expect(third.notices.map(({ kind }) => kind)).toEqual(again.ends.map(() => 'kept'));
  });

  test.each<[string, (job: Job) => Partial<Job>, string]>([
    ['another kernel', (one) => ({ kernel: one.kernel === plain ? stepper : plain }), 'of another job: kernel'],
    ['other limits', () => ({ limits: { memoryBytesMax: 21 * PAGE } }), 'of another job: limits'],
    ['another seed', () => ({ seed: 9 }), 'of another job: seed'],
    ['other grants', () => ({ grants: [...grants, { kind: 'clock' as const }] }), 'of another job: grants'],
    ['other inputs', () => ({ inputs: [u32(7)] }), 'its task 0 had an input'],
  ])('is not taken for one with %s', async (_what, change, reason) => {
    await started(job(), { leave: (done) => done === 1 });
    const before = await readdir(folder);
    const other = { ...job(), ...change(job()) };
    await expect(
      openKeep(folder, other).then(async (keep) => {
        for await (const __ of keep.map(sandbox, other)) expect.unreachable('an outcome');
      }),
    ).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringContaining(reason) });
    expect(await readdir(folder)).toEqual(before);
  });

  test('runs a task again whose outcome is damaged, and says so', async () => {
    await started(job());
    const file = join(folder, 'outcomes', '000001.outcome');
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    const again = await started(job());
    expect(again.ends).toEqual(await unbroken(job()));
    expect(again.notices).toContainEqual({ kind: 'lost', index: 1 });
  });
});

test('a stepper goes on from its image where its job was broken off', async () => {
  const control = new AbortController();
  const onImage: Runner = {
    ...sandbox,
    start: (task, options) =>
      sandbox.start(task, { ...options, onProgress: ({ step }) => task.index === 1 && step > 0 && control.abort() }),
  };
  const first = await started(stepperJob(), { runner: onImage, everyMs: 1, signal: control.signal });
  expect(first).toMatchObject({ code: 'ERR_ABORTED', ends: [{ state: 'done' }] });
  const paused = first.notices.find(({ kind }) => kind === 'paused');
  const again = await started(stepperJob());
  expect(again.notices).toHaveLength(2);
  expect(again.notices).toEqual(
    expect.arrayContaining([
      { kind: 'kept', index: 0 },
      { ...paused, kind: 'resumed' },
    ]),
  );
  expect(again.ends).toEqual(await unbroken(stepperJob()));
});

test('images of a task with another input are not gone on with', async () => {
  const control = new AbortController();
  const leaving: Runner = {
    ...sandbox,
    start: (task, options) => sandbox.start(task, { ...options, onProgress: () => control.abort() }),
  };
  await started(stepperJob(), { runner: leaving, everyMs: 1, signal: control.signal });
  const again = await started({ ...stepperJob(), inputs: [u32(8)] });
  expect(again).toMatchObject({ ends: [], code: 'ERR_FILE' });
});

test('what this machine failed in is not kept, so it is run again', async () => {
  const failing: Runner = {
    ...sandbox,
    run: async (task, options) => {
      const outcome = await sandbox.run(task, options);
      if (task.index !== 2) return outcome;
      const { log, receipt } = outcome;
      return { state: 'failed', code: 'ERR_HOST_MEMORY', fault: 'host', message: 'none', log, receipt };
    },
  };
  expect((await started(plainJob(), { runner: failing })).ends[2]).toMatchObject({ code: 'ERR_HOST_MEMORY' });
  const again = await started(plainJob());
  expect(again.ends).toEqual(await unbroken(plainJob()));
  expect(again.notices.map(({ index }) => index)).toEqual([0, 1, 3, 4, 5]);
});

test('a folder that holds anything else is refused and left as it is, and one that is removed is gone', async () => {
  const keep = await openKeep(folder, plainJob());
  await keep.setResults('/somewhere');
  expect((await openKeep(folder, plainJob())).results).toBe('/somewhere');
  await keep.remove();
  await expect(readdir(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  const parent = join(folder, '..');
  await writeFile(join(parent, 'thesis.txt'), 'mine');
  await expect(openKeep(parent, plainJob())).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringContaining('it holds "thesis.txt"'),
  });
  expect(await readdir(parent)).toEqual(['thesis.txt']);
});
