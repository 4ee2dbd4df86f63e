// Steppers that are spoken to while they run, in a pool's threads, in a cell and in the caller's own: paused, looked into, moved, limited anew.
import {
  admit,
  createSandbox,
  type ImageNotice,
  type ImageStore,
  type Kernel,
  memoryStore,
  type Outcome,
  parsePolicy,
  type Runner,
  type StepProgress,
  verifyImages,
} from 'lodger';
import { createPool, node, nodeEngine } from 'lodger/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE } from '../../runtime/base/limits.ts';
import { peek } from '../../runtime/snapshot/difference.ts';
import { stateDigest } from '../../runtime/snapshot/manifest.ts';
import { createMarks } from '../../runtime/snapshot/marks.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { kernelOf } from '../wasm/kernel.ts';

const grants = [{ kind: 'log' as const }, { kind: 'random' as const }];
const policy = parsePolicy({
  version: 1,
  limits: { memoryBytesMax: 100 * PAGE },
  grants: [{ kind: 'log' }, { kind: 'random' }],
});
const limits = { memoryBytesMax: 60 * PAGE };
const inputOf = (steps: number) => new Uint8Array(Uint32Array.of(steps).buffer);
const LONG = 4_000_000_000;
/** What is found first at the marks of a task, by whichever runner. */
let shared: unknown;

function boom(): never {
  throw new Error('boom');
}

const RUNNERS: readonly (readonly [string, () => Promise<Runner>])[] = ENGINE_NAMES.flatMap((engine) => [
  [`a pool on ${engine}`, () => createPool({ engine, threads: 1, policy })] as const,
  [`a cell on ${engine}`, () => createPool({ engine, threads: 1, policy, isolation: 'process' })] as const,
  [
    `a sandbox on ${engine}`,
    async () => createSandbox({ engine: nodeEngine(engine), platform: node, policy }),
  ] as const,
]);

describe.each(RUNNERS)('%s', (_, open) => {
  let runner: Runner;
  let kernel: Kernel;
  let expected: Outcome;
  const task = (steps: number) => ({ kernel, input: inputOf(steps), grants, limits, seed: 3, index: 2 });

  beforeAll(async () => {
    runner = await open();
    kernel = await admit((await builtKernel('walk')).wasm);
    expected = await runner.run(task(20_000));
  });
  afterAll(() => runner.close());

  test('finds the same marks whatever other images are taken, and one interval between two of them comes to the same state alone', async () => {
    const all = new Map<string, Uint8Array>();
    const marksOf = async (more: { everyMs?: number }) => {
      const store = memoryStore();
      const marks = createMarks(100_000);
      const found = new Map<number, { image: ImageNotice; state: string }>();
      const onImage = (image: ImageNotice) => {
        const bytes = store.get(image.digest) as Uint8Array;
        all.set(image.digest, bytes);
        if (marks.meets(image.fuel))
          found.set(image.fuel, { image, state: stateDigest(peek(bytes).manifest, node.digest) });
      };
      const checkpoint = { store, markFuel: 100_000, onImage, ...more };
      expect(await runner.run(task(4_000), { checkpoint })).toMatchObject({ state: 'done' });
      return marks.kept.map((fuel) => found.get(fuel) as { image: ImageNotice; state: string });
    };
    const marks = await marksOf({});
    expect(marks.length).toBeGreaterThan(15);
    expect(marks.length).toBeLessThanOrEqual(32);
    const told = marks.map(({ image: { step, fuel }, state }) => ({ step, fuel, state }));
    const again = await marksOf({ everyMs: 1 });
    expect(again.map(({ image: { step, fuel }, state }) => ({ step, fuel, state }))).toEqual(told);
    shared ??= told;
    expect(told).toEqual(shared);

    const [from, to] = [marks[3], marks[4]] as [(typeof marks)[0], (typeof marks)[0]];
    const store = memoryStore();
    for (const [name, bytes] of all) await store.put(name, bytes);
    const stopped: ImageNotice[] = [];
    const checkpoint = { store, untilStep: to.image.step, onImage: (image: ImageNotice) => stopped.push(image) };
    const { input, index, ...terms } = task(4_000);
    const steps = runner.resume(from.image.digest, terms, { checkpoint });
    await expect(steps.outcome).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(stopped.map(({ step, fuel }) => ({ step, fuel }))).toEqual([{ step: to.image.step, fuel: to.image.fuel }]);
    const [last] = stopped as [ImageNotice];
    expect(stateDigest(peek(store.get(last.digest) as Uint8Array).manifest, node.digest)).toBe(to.state);
  });

  test('takes images while a task runs, and any of them leads to the same end', async () => {
    const store = memoryStore();
    const images: ImageNotice[] = [];
    const checkpoint = { store, everyFuel: 10_000_000, onImage: (image: ImageNotice) => images.push(image) };
    const outcome = await runner.run(task(20_000), { checkpoint });
    expect(outcome).toMatchObject({ state: 'done', log: expected.log, receipt: { fuel: expected.receipt.fuel } });
    expect(images.length).toBeGreaterThan(1);
    for (const [index, image] of images.entries()) expect(image.step).toBeGreaterThan(images[index - 1]?.step ?? 0);
    for (const { digest } of [images[0], images.at(-1)] as ImageNotice[]) {
      const again = await runner.resume(digest, { kernel, grants }, { checkpoint: { store } }).outcome;
      expect(again).toMatchObject({ state: 'done', log: expected.log, receipt: { fuel: expected.receipt.fuel } });
      expect(again.state === 'done' && expected.state === 'done' && again.output).toEqual(
        expected.state === 'done' && expected.output,
      );
    }
  });

  test('pauses a task, and goes on with it where it was', async () => {
    const store = memoryStore();
    const seen: StepProgress[] = [];
    const steps = runner.start(task(LONG), { checkpoint: { store }, onProgress: (progress) => seen.push(progress) });
    const first = (await steps.image()) as ImageNotice;
    const paused = (await steps.pause()) as ImageNotice;
    await expect(steps.outcome).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(first.step).toBeGreaterThan(0);
    expect(paused.step).toBeGreaterThanOrEqual(first.step);
    expect(seen.at(-1)).toMatchObject({ step: paused.step, fuel: paused.fuel });
    const again = runner.resume(paused.digest, { kernel, grants }, { checkpoint: { store } });
    expect((await again.image())?.step).toBeGreaterThan(paused.step);
    await again.pause();
    expect(await again.image()).toBeUndefined();
  });

  test('images wished for one after the other follow from one another, also where it goes on from one', async () => {
    const store = memoryStore();
    const steps = runner.start(task(LONG), { checkpoint: { store, everyMs: 1 } });
    const limits = { memoryBytesMax: 80 * PAGE };
    const first = await steps.image();
    const wishes = [steps.image(), steps.image(), steps.setLimits(limits), steps.image(), steps.pause()];
    const paused = (await Promise.all(wishes)).at(-1);
    const again = runner.resume(paused?.digest ?? '', { kernel, grants }, { checkpoint: { store } });
    await again.image();
    const last = (await Promise.all([again.image(), again.pause()])).at(-1);
    const terms = { kernel, grants, store, engine: nodeEngine('v8'), platform: node };
    const verdict = await verifyImages({ ...terms, from: first?.digest ?? '', to: last?.digest ?? '' });
    expect(verdict.links.length).toBeGreaterThan(5);
    expect(verdict.links.filter(({ follows }) => !follows)).toEqual([]);
  });

  test('gives a running task other limits, within the policy', async () => {
    const store = memoryStore();
    const steps = runner.start(task(LONG), { checkpoint: { store } });
    await steps.image();
    const raised = (await steps.setLimits({ memoryBytesMax: 80 * PAGE })) as ImageNotice;
    expect(raised.step).toBeGreaterThan(0);
    await expect(steps.setLimits({ memoryBytesMax: 101 * PAGE })).rejects.toMatchObject({
      code: 'ERR_POLICY_EXCEEDED',
    });
    await expect(steps.setLimits({ wallMsMax: 1 } as never)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await steps.setLimits({ fuelMax: 0 });
    expect(await steps.outcome).toMatchObject({ state: 'failed', code: 'ERR_FUEL_SPENT' });
  });

  test('ends one whose signal fires', async () => {
    const control = new AbortController();
    const steps = runner.start(task(LONG), { checkpoint: { store: memoryStore() }, signal: control.signal });
    await steps.image();
    control.abort();
    await expect(steps.outcome).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(await runner.run(task(20_000))).toMatchObject({ state: 'done' });
  });

  test('refuses images of another kernel, damaged ones, and steps of what has none', async () => {
    const store = memoryStore();
    const steps = runner.start(task(LONG), { checkpoint: { store } });
    const { digest } = (await steps.image()) as ImageNotice;
    await steps.pause();
    const other = await admit((await builtKernel('stepper')).wasm);
    const resume = async (name: string, terms: Parameters<Runner['resume']>[1]) =>
      runner.resume(name, terms, { checkpoint: { store } }).outcome;
    await expect(resume(digest, { kernel: other })).rejects.toMatchObject({ code: 'ERR_IMAGE_INVALID' });
    await expect(resume('00', { kernel, grants })).rejects.toMatchObject({ code: 'ERR_IMAGE_INVALID' });
    await expect(resume(digest, { kernel })).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING' });
    const damaged = Uint8Array.from(store.get(digest) as Uint8Array);
    damaged[200] = (damaged[200] as number) ^ 1;
    store.put(digest, damaged);
    await expect(resume(digest, { kernel, grants })).rejects.toMatchObject({ code: 'ERR_IMAGE_INVALID' });
    const echo = await admit((await builtKernel('kernels/echo')).wasm);
    const none = async () => runner.start({ kernel: echo, input: inputOf(1) }, { checkpoint: { store } }).outcome;
    await expect(none()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
  });

  test('goes on with the limits of the image, which the policy has to allow', async () => {
    const store = memoryStore();
    const steps = runner.start(task(LONG), { checkpoint: { store } });
    const { digest } = (await steps.image()) as ImageNotice;
    await steps.pause();
    const tight = createSandbox({
      platform: node,
      policy: parsePolicy({
        version: 1,
        limits: { memoryBytesMax: 50 * PAGE },
        grants: [{ kind: 'log' }, { kind: 'random' }],
      }),
    });
    for (const named of [{}, { limits: { memoryBytesMax: 40 * PAGE } }]) {
      const resume = async () => tight.resume(digest, { kernel, grants, ...named }, { checkpoint: { store } }).outcome;
      await expect(resume()).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
    }
    // Its memory is not looked at before.
    const damaged = Uint8Array.from(store.get(digest) as Uint8Array);
    damaged[damaged.length - 100]! ^= 1;
    store.put(digest, damaged);
    const again = async () => tight.resume(digest, { kernel, grants }, { checkpoint: { store } }).outcome;
    await expect(again()).rejects.toMatchObject({ code: 'ERR_POLICY_EXCEEDED' });
  });

  test('stores images one after the other, and tells of each when it and all before it are stored', async () => {
    const kept = memoryStore();
    const order: string[] = [];
    let first = true;
    const slow: ImageStore = {
      ...kept,
      put: async (digest, bytes) => {
        const wait = first ? 30 : 0;
        first = false;
        await new Promise((resolve) => setTimeout(resolve, wait));
        kept.put(digest, bytes);
        order.push(digest);
      },
    };
    const steps = runner.start(task(LONG), { checkpoint: { store: slow } });
    const [one, other] = await Promise.all([steps.image(), steps.image()]);
    expect(order.slice(0, 2)).toEqual([one?.digest, other?.digest]);
    await steps.pause();
    const again = runner.resume((other as ImageNotice).digest, { kernel, grants }, { checkpoint: { store: kept } });
    expect(await again.image()).toBeDefined();
    await again.pause();
  });

  test.each([
    ['onProgress', { onProgress: () => boom() }, {}],
    ['onImage', {}, { onImage: () => boom() }],
  ] as const)('ends a task whose caller throws in %s, with what was thrown', async (_name, options, more) => {
    const steps = runner.start(task(LONG), { ...options, checkpoint: { store: memoryStore(), everyMs: 5, ...more } });
    await expect(steps.outcome).rejects.toThrow('boom');
    expect(await runner.run(task(20))).toMatchObject({ state: 'done' });
  });

  test('takes images of the next task though the last one was aborted while its image was stored', async () => {
    const control = new AbortController();
    const put = async () => {
      control.abort();
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const store = { ...memoryStore(), put };
    const aborted = runner.run(task(LONG), { checkpoint: { store, everyMs: 1 }, signal: control.signal });
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const images: ImageNotice[] = [];
    const steps = runner.start(task(LONG), {
      checkpoint: { store: memoryStore(), everyMs: 1, onImage: (image) => images.push(image) },
    });
    while (images.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    await steps.pause();
  });

  test('a kernel that cannot be prepared is refused as often as it is given', async () => {
    const functions = [
      { type: 'ii>i', export: 'begin', code: 'i32.const 0' },
      { type: '>i', export: 'step', code: 'global.get 0' },
      { type: '>i', export: 'finish', code: 'i32.const 0' },
    ];
    const globals = [{ type: 'i', mutable: true, value: 'i32.const 0' }];
    const none = await admit(kernelOf({ memory: [0, 1], run: null, globals, functions }));
    for (let turn = 0; turn < 3; turn++) {
      await expect(runner.run({ kernel: none, input: inputOf(1) })).rejects.toMatchObject({
        code: 'ERR_KERNEL_CEILING',
      });
    }
  });

  test('refuses limits that no task may have', async () => {
    const steps = runner.start(task(LONG), { checkpoint: { store: memoryStore() } });
    await expect(steps.setLimits({ memoryBytesMax: 8 * 2 ** 30 })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
    await steps.image();
    await steps.pause();
  });

  test('ends a task whose images cannot be stored, and says so', async () => {
    const store = { ...memoryStore(), put: () => Promise.reject(new Error('the disk is full')) };
    const steps = runner.start(task(LONG), { checkpoint: { store, everyMs: 5 } });
    await expect(steps.outcome).rejects.toThrow('the disk is full');
  });
});
