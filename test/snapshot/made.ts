// Images of a task that does not exist: memories with this and that in them, and moments that follow one another.
import { node } from '../../host/platform/node.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { type Moment, type Taken, takeImage } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import type { OpenImage } from '../../runtime/snapshot/store.ts';

export const MEMORY_MAX = 64 * PAGE;
export const OPTIONS = { platform: node, memoryBytesMax: MEMORY_MAX } as const;

export const newCopy = () => new MemoryCopy(node, MEMORY_MAX);

/** What is in a manifest of an image after `step` steps. */
export function momentAt(step: number, previous?: Image, changes: Partial<Moment> = {}): Moment {
  return {
    previous,
    task: {
      kernel: 'ab'.repeat(32),
      tariff: 1,
      rewriter: 2,
      input: 'cd'.repeat(32),
      inputBytes: 3,
      seed: 42,
      index: 3,
      deterministic: true,
    },
    step,
    share: step / 100,
    fuel: step * 1_000_003,
    state: Uint8Array.of(1, 2, 3, step),
    host: {
      elapsedMs: step * 1.5,
      randomBytes: step * 64,
      log: [],
      logBytes: step * 20,
      linesDropped: 0,
      calls: step === 0 ? {} : { 'log.write': step, 'random.fill': step },
    },
    limits: { memoryBytesMax: MEMORY_MAX, fuelMax: 1_000_000_000 },
    ...changes,
  };
}

/** A memory where each of the pages named is filled with a number of its own. */
export function memoryOf(memoryPages: number, filled: readonly number[]): Uint8Array {
  const memory = new Uint8Array(memoryPages * PAGE);
  for (const page of filled) memory.fill((page % 255) + 1, page * IMAGE_PAGE, (page + 1) * IMAGE_PAGE);
  return memory;
}

/** The image's memory in a buffer of its own. */
export function memoryIn(copy: MemoryCopy, before = new Uint8Array(copy.count * IMAGE_PAGE)): Uint8Array {
  copy.writeInto(before);
  return before;
}

/** A first image, and the copy that holds it. */
export function firstImage(memory: Uint8Array, changes: Partial<Moment> = {}): Taken & OpenImage {
  const copy = newCopy();
  return { ...takeImage(copy, memory, momentAt(0, undefined, changes)), copy };
}
