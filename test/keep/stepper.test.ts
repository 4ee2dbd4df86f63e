// A stepper whose images are in a folder: left, gone on with, fallen back, and never mistaken for another task.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type FolderStore, folderStore } from '../../host/keep/folder-store.ts';
import { runStepper, type StepperOptions } from '../../host/keep/stepper.ts';
import type { Damaged } from '../../host/keep/trail.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { ImageNotice, StepProgress } from '../../runtime/job/steps.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { scratch } from '../cli/lodger.ts';
import { builtKernel } from '../kernels/built.ts';

const runner = createSandbox({ platform: node });
const STEPS = 4_000;
const FEW = 400;
let kernel: Kernel;
let expected: Outcome;
let store: FolderStore;

const inputOf = (steps: number) => new Uint8Array(Uint32Array.of(steps).buffer);
const task = () => ({
  kernel,
  input: inputOf(STEPS),
  grants: [{ kind: 'log' as const }, { kind: 'random' as const }],
  limits: { memoryBytesMax: 20 * PAGE },
  seed: 5,
});

beforeAll(async () => {
  kernel = await admit((await builtKernel('walk')).wasm);
  expected = await runner.run(task());
});
beforeEach(async ({ onTestFinished }) => {
  const made = await scratch();
  onTestFinished(() => made[Symbol.asyncDispose]());
  store = folderStore(made.path);
});

/** Runs it to its end; what was told of it. */
async function run(more: Partial<StepperOptions> = {}) {
  const told: { resumed?: ImageNotice; paused?: ImageNotice; damaged: Damaged[] } = { damaged: [] };
  const options: StepperOptions = {
    store,
    onResumed: (image) => {
      told.resumed = image;
    },
    onPaused: (image) => {
      told.paused = image;
    },
    onDamaged: (image) => told.damaged.push(image),
    ...more,
  };
  const ended = await runStepper(runner, task(), options).catch((error: { code: string }) => error.code);
  return { ended, ...told };
}

/** Leaves it when it has taken an image. */
async function leave() {
  const control = new AbortController();
  const onProgress = ({ step }: StepProgress) => step > 0 && control.abort();
  return run({ everyMs: 1, signal: control.signal, onProgress });
}

const stepsThere = () => store.digests().map((digest) => store.peek(digest).manifest.step);
const endOf = ({ ended }: Awaited<ReturnType<typeof run>>) => {
  if (typeof ended === 'string') throw new Error(ended);
  const { state, log, receipt, ...rest } = ended.outcome;
  return { state, log, fuel: receipt.fuel, output: 'output' in rest ? Buffer.from(rest.output) : rest.code };
};
const wanted = () => endOf({ ended: { outcome: expected, forget: async () => undefined }, damaged: [] });
const flip = async (digest: string) => {
  const file = join(store.path, `${digest}.img`);
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(file, bytes);
};

test('one that was left goes on from the image of that moment, and ends as one that was not', async () => {
  const left = await leave();
  expect(left).toMatchObject({ ended: 'ERR_ABORTED', paused: { step: Math.max(...stepsThere()) } });
  const again = await run();
  expect(again.resumed).toEqual(left.paused);
  expect(endOf(again)).toEqual(wanted());
  if (typeof again.ended !== 'string') await again.ended.forget();
  expect(store.digests()).toEqual([]);
});

test('where the newest image is damaged it goes on from the one before, and says so', async () => {
  const { paused } = await leave();
  const before = Math.max(...stepsThere().filter((step) => step < (paused?.step ?? 0)));
  await flip(paused?.digest ?? '');
  const again = await run();
  expect(again.damaged).toMatchObject([{ digest: paused?.digest, step: paused?.step, reason: expect.any(String) }]);
  expect(again.resumed?.step).toBe(before);
  expect(endOf(again)).toEqual(wanted());
});

test('where no image is whole it begins', async () => {
  await leave();
  for (const digest of store.digests()) await writeFile(join(store.path, `${digest}.img`), 'LODGIMG');
  const again = await run();
  expect(again.resumed).toBeUndefined();
  expect(again.damaged.length).toBeGreaterThan(0);
  expect(endOf(again)).toEqual(wanted());
});

test('other seeds, inputs, places and kernels are other tasks: they begin, and these images stay', async () => {
  const { paused } = await leave();
  const others = [{ seed: 6 }, { index: 1 }, { input: inputOf(40) }];
  for (const other of others) {
    const onResumed = () => expect.unreachable('it went on');
    await (await runStepper(runner, { ...task(), ...other }, { store, onResumed })).forget();
  }
  expect(store.digests()).toContain(paused?.digest);
  await expect(runStepper(runner, { ...task(), seed: 6 }, { store, alone: true })).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringContaining('images of another task'),
  });
});

test('images under other limits are refused, not gone on with', async () => {
  await leave();
  const limits = { memoryBytesMax: 21 * PAGE };
  await expect(runStepper(runner, { ...task(), limits }, { store })).rejects.toMatchObject({
    code: 'ERR_OPTION_INVALID',
    message: expect.stringContaining('other limits.memoryBytesMax'),
  });
});

test('no more images are kept than two ways back, unless all are wanted', async () => {
  const count = async (keepImages: boolean) => {
    let taken = 0;
    // So slow that an image is due after every step.
    const slow = {
      ...store,
      put: async (digest: string, bytes: Uint8Array) => {
        taken++;
        await store.put(digest, bytes);
        await wait(2);
      },
    };
    await runStepper(runner, { ...task(), input: inputOf(4 * FEW) }, { store: slow, everyMs: 1, keepImages });
    const whole = store.digests().filter((digest) => store.peek(digest).form === 'whole').length;
    return { taken, whole, there: store.digests().length };
  };
  const few = await count(false);
  expect(few.whole).toBe(2);
  expect(few.there).toBeLessThan(few.taken);
  for (const digest of store.digests()) await store.delete(digest);
  const all = await count(true);
  expect(all.there).toBe(all.taken);
  expect(all.whole).toBeGreaterThan(2);
});
