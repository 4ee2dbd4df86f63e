// Chains of images of a real stepper, honest or forged at one place and honestly gone on with from there.
import { placeOf } from '../../host/platform/engines.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { ImageStore } from '../../runtime/job/steps.ts';
import type { Call } from '../../runtime/sandbox/call.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { Stepping } from '../../runtime/sandbox/stepping.ts';
import { type Taken, takeImage } from '../../runtime/snapshot/image.ts';
import { MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { openImage } from '../../runtime/snapshot/store.ts';
import { builtKernel } from '../kernels/built.ts';

/** What the images are of: `walk` with the grants that it needs. */
export const GRANTS = [{ kind: 'log' as const }, { kind: 'random' as const }];
const STEPS_EACH = 4;

/** How many steps it does. */
export const INPUT: Uint8Array = new Uint8Array(Uint32Array.of(200).buffer);

const call: Call = {
  input: INPUT,
  limits: fillLimits({ memoryBytesMax: 60 * PAGE, fuelMax: TASK.fuelMax.default }),
  ...{ blobs: {}, seed: 11, index: 4, digests: false },
};

export const kernelOfChain = async (): Promise<Kernel> => admit((await builtKernel('walk')).wasm);

/** Where an image is forged: one bit of one byte of its memory. */
export interface Forgery {
  readonly image: number;
  readonly byte: number;
}

/** What the task gives, from its beginning to its end. */
export async function outputOfChain(): Promise<Uint8Array> {
  const place = placeOf('v8');
  const stepping = Stepping.begin(place, await compileFor(place.engine, await kernelOfChain()), call);
  while (stepping.goesOn) stepping.advance();
  const outcome = stepping.end();
  if (outcome.state === 'failed') throw new Error(outcome.message);
  return outcome.output;
}

/** So many images, each a few steps after the one before, in a store; their digests. */
export async function chainInto(store: ImageStore, images: number, forgery?: Forgery): Promise<string[]> {
  const place = placeOf('v8');
  const ready = await compileFor(place.engine, await kernelOfChain());
  const digests: string[] = [];
  let stepping = Stepping.begin(place, ready, call);
  const keep = async ({ image, bytes }: Taken) => {
    digests.push(image.digest);
    await store.put(image.digest, bytes);
  };
  for (let number = 0; number < images; number++) {
    for (let step = 0; step < STEPS_EACH; step++) stepping.advance();
    const taken = stepping.take();
    if (number !== forgery?.image) {
      await keep(taken);
      continue;
    }
    stepping.leave();
    const digest = await forge(store, taken, { parent: digests.at(-1), byte: forgery.byte }, keep);
    const options = { platform: node, memoryBytesMax: TASK.memoryBytesMax.max };
    stepping = Stepping.resume(place, ready, { call, open: openImage(store, digest, options) });
  }
  stepping.leave();
  return digests;
}

/** An image that is right in itself, and differs in one bit from the one that was taken. */
async function forge(
  store: ImageStore,
  { image, bytes }: Taken,
  { parent, byte }: { readonly parent: string | undefined; readonly byte: number },
  keep: (taken: Taken) => Promise<void>,
): Promise<string> {
  await store.put(image.digest, bytes);
  const options = { platform: node, memoryBytesMax: TASK.memoryBytesMax.max };
  const honest = openImage(store, image.digest, options);
  await store.delete(image.digest);
  const before = parent === undefined ? undefined : openImage(store, parent, options);
  const memory = new Uint8Array(image.manifest.memoryPages * PAGE);
  honest.copy.writeInto(memory);
  memory[byte] = (memory[byte] as number) ^ 4;
  const { version: _, memory: __, memoryPages: ___, parent: ____, state, ...rest } = image.manifest;
  const moment = { ...rest, previous: before?.image, state: Buffer.from(state, 'hex') };
  const forged = takeImage(before?.copy ?? new MemoryCopy(node, TASK.memoryBytesMax.max), memory, moment);
  await keep(forged);
  return forged.image.digest;
}
