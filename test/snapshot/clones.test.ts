// Linked clones: many tasks that go on from one image share what they do not change.
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { PAGE } from '../../runtime/base/limits.ts';
import { takeImage } from '../../runtime/snapshot/image.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import { memoryIn, momentAt, OPTIONS } from './made.ts';

const CLONES = 30;
const CHANGED = 25;
const PAGES = 256;
const BYTES = PAGES * PAGE;

/** 16 MiB without a page of zeros. */
const memory = new Uint8Array(BYTES);
for (let at = 0; at < BYTES; at += 64) memory[at] = (at >> 6) % 251;

/** What clone `clone` has in memory after its step: pages of its own choice are its own. */
function changedBy(clone: number): Uint8Array {
  const changed = memory.slice();
  for (let n = 0; n < CHANGED; n++)
    changed[((clone * 131 + n * 17) % (BYTES / IMAGE_PAGE)) * IMAGE_PAGE + n] = 1 + clone;
  return changed;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of all buffers of the process that are still needed. */
function bytesHeld(): number {
  // What a first collection finds unreachable may be counted until the next.
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

test('30 clones of an image of 16 MiB hold their own pages only, and each of them is right', () => {
  const { platform } = OPTIONS;
  const store = memoryStore();
  const parent = new MemoryCopy(platform, BYTES);
  const { image, bytes } = takeImage(parent, memory, momentAt(0));
  store.put(image.digest, bytes);
  const before = bytesHeld();

  let stored = 0;
  const clones = Array.from({ length: CLONES }, (_, clone) => {
    const copy = parent.fork();
    const taken = takeImage(copy, changedBy(clone), momentAt(1, image, { state: Uint8Array.of(clone) }));
    store.put(taken.image.digest, taken.bytes);
    stored += taken.bytes.byteLength;
    return { copy, digest: taken.image.digest };
  });

  const own = CLONES * CHANGED * IMAGE_PAGE;
  expect(clones.reduce((sum, { copy }) => sum + copy.ownBytes, 0)).toBe(own);
  expect(parent.ownBytes).toBe(0);
  expect(stored).toBeLessThan(own * 1.1);
  // Pages held and pages stored, and for each clone the digests of all its pages; not thirty times 16 MiB.
  const digests = (CLONES * BYTES) / 128;
  expect(bytesHeld() - before).toBeLessThan(2.2 * own + 1.5 * digests);

  for (const [clone, { copy, digest }] of clones.entries()) {
    expect(Buffer.compare(memoryIn(copy), changedBy(clone))).toBe(0);
    const opened = openImage(store, digest, { platform, memoryBytesMax: BYTES });
    expect(Buffer.compare(memoryIn(opened.copy), changedBy(clone))).toBe(0);
  }
  expect(Buffer.compare(memoryIn(parent), memory)).toBe(0);
});

test('a clone, its clone and what they were made from go on without seeing each other', () => {
  const parent = new MemoryCopy(OPTIONS.platform, 4 * PAGE);
  const start = new Uint8Array(PAGE).fill(1);
  parent.update(start);
  const child = parent.fork();
  child.update(start.map((byte, at) => (at < 5_000 ? 2 : byte)));
  const grandchild = child.fork();
  const grown = new Uint8Array(2 * PAGE).fill(3);
  grown.fill(0, 0, IMAGE_PAGE);
  expect(grandchild.update(grown)).toHaveLength(2 * 16);
  const twin = child.fork();
  expect([...child.update(start.map((_, at) => (at < 5_000 ? 4 : 1)))]).toEqual([0, 1]);
  parent.update(start.map((_, at) => (at === 9_000 ? 5 : 1)));
  expect(Buffer.compare(memoryIn(grandchild), grown)).toBe(0);
  expect(memoryIn(child).slice(4_998, 5_002)).toEqual(Uint8Array.of(4, 4, 1, 1));
  expect(memoryIn(twin).slice(4_998, 5_002)).toEqual(Uint8Array.of(2, 2, 1, 1));
  expect(memoryIn(parent)[0]).toBe(1);
  expect([memoryIn(parent)[9_000], memoryIn(child)[9_000]]).toEqual([5, 1]);
  expect(grandchild.root()).not.toBe(child.root());
});

test('a clone that has changed more than half of its pages holds all of them, once', () => {
  const { platform } = OPTIONS;
  const parent = new MemoryCopy(platform, BYTES);
  parent.update(memory);
  const copy = parent.fork();
  const changed = memory.slice();
  for (let page = 0; page < 2 * CHANGED; page++) {
    changed[page * IMAGE_PAGE]! ^= 1;
    copy.update(changed.slice());
  }
  expect(copy.ownBytes).toBe(2 * CHANGED * IMAGE_PAGE);
  changed.fill(255, 0, BYTES / 2);
  expect(copy.update(changed)).toHaveLength(BYTES / IMAGE_PAGE / 2);
  expect(copy.ownBytes).toBe((BYTES / IMAGE_PAGE / 2) * IMAGE_PAGE);
  changed.fill(254, BYTES / 2, BYTES / 2 + 1);
  copy.update(changed);
  expect(copy.ownBytes).toBe(BYTES);
  expect(Buffer.compare(memoryIn(copy), changed)).toBe(0);
  expect(Buffer.compare(memoryIn(parent), memory)).toBe(0);
  expect([...copy.update(changed)]).toEqual([]);
});
