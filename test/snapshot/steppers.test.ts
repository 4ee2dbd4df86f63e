// A real stepper: it is imaged between its steps, moved from instance to instance and engine to engine, and its images are checked.

import { beforeAll, describe, expect, test } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import type { EngineName } from '../../runtime/job/outcome.ts';
import type { ImageStore } from '../../runtime/job/steps.ts';
import { growTo, loadState, saveState } from '../../runtime/snapshot/guest.ts';
import { takeImage } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { memoryStore, type OpenImage, openImage } from '../../runtime/snapshot/store.ts';
import { type Replay, verify } from '../../runtime/snapshot/verify.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { settingsText } from '../kernels/task.ts';
import { type Stateful, type Stepper, statefulKernel } from './instances.ts';
import { momentAt } from './made.ts';

const MEMORY_MAX = 1024 * PAGE;
const OPTIONS = { platform: node, memoryBytesMax: MEMORY_MAX } as const;
const utf8 = new TextEncoder();

const WAVE = utf8.encode(
  settingsText({
    ...{ width: 81, depth: 67, spacing: 10, sponge: 20, steps: 2_400, dt: 0.002, record: 100, peak: 15 },
    ...{ source: [200, 30], receivers: [0, 600, 7, 20] },
    layer: [
      [0, 1500],
      [250, 2300],
    ],
  }),
);
/** Sums 1 to n, a thousand a step, and allocates at each of them, so that its memory grows. */
const SUM = new Uint8Array(Uint32Array.of(40_000).buffer);

const SUBJECTS = [
  ['wave', 'kernels/wave', WAVE],
  ['stepper', 'stepper', SUM],
] as const;
const made = new Map<string, Stateful>();
const kernelOf = (name: string, engine: EngineName) => made.get(`${name} ${engine}`) as Stateful;

beforeAll(async () => {
  for (const [name, source] of SUBJECTS) {
    const { wasm } = await builtKernel(source);
    for (const engine of ENGINE_NAMES) made.set(`${name} ${engine}`, await statefulKernel(engine, wasm));
  }
});

/** A run that can be imaged: the instance, the copy of its last image, and that image. */
interface Run {
  readonly kernel: Stateful;
  readonly stepper: Stepper;
  readonly copy: MemoryCopy;
  image: Image | undefined;
  step: number;
  share: number;
}

function begin(kernel: Stateful, input: Uint8Array): Run {
  const stepper = kernel.start();
  stepper.begin(input);
  return { kernel, stepper, copy: new MemoryCopy(node, MEMORY_MAX), image: undefined, step: 0, share: 0 };
}

function advance(run: Run, steps = 1): void {
  for (let left = steps; left > 0 && run.share < 1; left--) {
    run.share = run.stepper.step();
    run.step++;
  }
}

function imageOf(run: Run): { image: Image; bytes: Uint8Array } {
  const { kernel, stepper, copy, step, share } = run;
  const state = saveState(stepper.guest, kernel.stateBytes);
  const limits = { memoryBytesMax: MEMORY_MAX };
  const taken = takeImage(copy, stepper.guest.bytes(), momentAt(step, run.image, { share, state, limits }));
  run.image = taken.image;
  return taken;
}

/** The run goes on from an image in a fresh instance. */
function restore(kernel: Stateful, { image, copy }: OpenImage): Run {
  const stepper = kernel.start();
  const { memoryPages, state, step, share } = image.manifest;
  growTo(stepper.guest, memoryPages);
  copy.writeInto(stepper.guest.bytes());
  loadState(stepper.guest, Buffer.from(state, 'hex'));
  return { kernel, stepper, copy, image, step, share };
}

function unbroken(kernel: Stateful, input: Uint8Array): { output: Uint8Array; steps: number } {
  const run = begin(kernel, input);
  advance(run, 1_000);
  const output = run.stepper.finish();
  run.stepper.guest.end();
  return { output, steps: run.step };
}

describe.each(SUBJECTS)('%s', (name, _, input) => {
  test.each(ENGINE_NAMES)('goes on in a fresh instance after every third step on %s, to the same output', (engine) => {
    const kernel = kernelOf(name, engine);
    const expected = unbroken(kernel, input);
    expect(expected.steps).toBeGreaterThan(8);
    const store = memoryStore();
    let run = begin(kernel, input);
    while (run.share < 1) {
      advance(run, 3);
      const { image, bytes } = imageOf(run);
      store.put(image.digest, bytes);
      run.stepper.guest.end();
      run = restore(kernel, openImage(store, image.digest, OPTIONS));
    }
    expect(run.step).toBe(expected.steps);
    expect(Buffer.compare(run.stepper.finish(), expected.output)).toBe(0);
  });

  test('goes from engine to engine at every image, and all images are those of a run that stays', () => {
    const stays = begin(kernelOf(name, 'v8'), input);
    const store = memoryStore();
    let moves = begin(kernelOf(name, 'v8'), input);
    for (let turn = 0; stays.share < 1; turn++) {
      advance(stays, 2);
      advance(moves, 2);
      const { image, bytes } = imageOf(moves);
      expect(image).toEqual(imageOf(stays).image);
      store.put(image.digest, bytes);
      moves.stepper.guest.end();
      const engine = ENGINE_NAMES[turn % ENGINE_NAMES.length] as EngineName;
      moves = restore(kernelOf(name, engine), openImage(store, image.digest, OPTIONS));
    }
    expect(Buffer.compare(moves.stepper.finish(), stays.stepper.finish())).toBe(0);
  });
});

/** Images after every second step. Before the image at `flipAt`, a bit of the guest's memory is flipped: a host with bad memory. */
function imaged(name: string, input: Uint8Array, flipAt?: { image: number; byte: (memory: Uint8Array) => number }) {
  const store: ImageStore = memoryStore();
  const digests: string[] = [];
  const run = begin(kernelOf(name, 'v8'), input);
  let page = -1;
  while (run.share < 1) {
    advance(run, 2);
    if (flipAt?.image === digests.length) {
      const memory = run.stepper.guest.bytes();
      const byte = flipAt.byte(memory);
      page = Math.floor(byte / IMAGE_PAGE);
      memory[byte]! ^= 1;
    }
    const { image, bytes } = imageOf(run);
    store.put(image.digest, bytes);
    digests.push(image.digest);
  }
  return { store, digests, page };
}

describe('verify', () => {
  const replayOn =
    (name: string, engine: EngineName): Replay =>
    (from, step) => {
      const run = restore(kernelOf(name, engine), { image: from.image, copy: from.copy.fork() });
      advance(run, step - run.step);
      const { image } = imageOf(run);
      run.stepper.guest.end();
      return { image, copy: run.copy };
    };
  const verdicts = async (engine: EngineName, { store, digests }: ReturnType<typeof imaged>) => {
    const found = [];
    for (const [index, digest] of digests.entries()) {
      if (index === 0) continue;
      const [from, to] = [openImage(store, digests[index - 1]!, OPTIONS), openImage(store, digest, OPTIONS)];
      found.push(await verify(from, to, { replay: replayOn('wave', engine) }));
    }
    return found;
  };

  test.each(ENGINE_NAMES)('on %s finds nothing in the images of an honest run', async (engine) => {
    for (const verdict of await verdicts(engine, imaged('wave', WAVE))) {
      expect(verdict).toEqual({ follows: true, findings: [], findingsTotal: 0 });
    }
  });

  test.each(ENGINE_NAMES)(
    'on %s finds one flipped bit of one page in the interval where it was flipped, and nowhere else',
    async (engine) => {
      // Somewhere in the middle of the field, where later steps carry it on.
      const byte = (memory: Uint8Array) => Math.floor(memory.byteLength / 2);
      const run = imaged('wave', WAVE, { image: 2, byte });
      for (const [interval, verdict] of (await verdicts(engine, run)).entries()) {
        const findings = interval === 1 ? [{ place: 'page', page: run.page }] : [];
        expect({ interval, ...verdict }).toEqual({
          ...{ interval, follows: interval !== 1 },
          ...{ findings, findingsTotal: findings.length },
        });
      }
    },
  );
});
