// What is done to many pages of guests at once: by the addon, and without it, with one result.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { imaging } from '../../host/platform/imaging.ts';
import { loadAddon } from '../../host/platform/native.ts';
import { node } from '../../host/platform/node.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { type Platform, portable } from '../../runtime/base/platform.ts';
import { DIGEST_BYTES, IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';

const MEMORY_MAX = 64 * PAGE;

/** The same numbers in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function filled(buffer: ArrayBufferLike, offset: number, pages: number): Uint8Array {
  const next = numbers(pages + 1);
  const bytes = new Uint8Array(buffer, offset, pages * IMAGE_PAGE);
  for (let at = 0; at < bytes.length; at++) bytes[at] = next(256);
  return bytes;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('digests of pages', () => {
  test.each([
    ['in memory of one thread', new ArrayBuffer(12 * IMAGE_PAGE), 0],
    ['in memory that threads share', new SharedArrayBuffer(12 * IMAGE_PAGE), 0],
    ['at any address', new ArrayBuffer(13 * IMAGE_PAGE), 13],
  ])('%s are their SHA-256, however many are asked for and in which order', (_, buffer, offset) => {
    const memory = filled(buffer, offset, 12);
    for (const pages of [
      [],
      [3],
      [1, 2],
      [0, 5, 7],
      [11, 0, 3, 4],
      [8, 9, 10, 11, 1],
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    ]) {
      const digests = new Uint8Array(12 * DIGEST_BYTES).fill(9);
      const isDone = imaging.digestPages?.(memory, Uint32Array.from(pages), digests);
      for (let index = 0; index < 12; index++) {
        const found = Buffer.from(digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES)).toString('hex');
        const page = memory.subarray(index * IMAGE_PAGE, (index + 1) * IMAGE_PAGE);
        expect(found).toBe(isDone && pages.includes(index) ? sha256(page) : '09'.repeat(DIGEST_BYTES));
      }
    }
  });
});

describe.each(ENGINE_NAMES.filter((name) => name === 'wasmtime'))('the addon, which has %s', () => {
  const memory = filled(new ArrayBuffer(4 * IMAGE_PAGE), 0, 4);
  const refusal = expect.objectContaining({ code: 'ERR_HOST_FAULT' });

  test.each([
    ['beyond the memory', [4], 5],
    ['without room', [0, 1, 2, 3], 3],
    ['of the highest index', [2 ** 32 - 1], 4],
  ])('digests no page %s', (_, pages, room) => {
    const digests = new Uint8Array(room * DIGEST_BYTES);
    expect(() => loadAddon().digestPages(memory, Uint32Array.from(pages), digests)).toThrow(refusal);
    expect(digests.every((byte) => byte === 0)).toBe(true);
  });

  test('copies to no copy of another size, and without room for all indexes', () => {
    const take = (bytes: number, room: number) => () =>
      loadAddon().takeChanged(memory, new Uint8Array(bytes), new Uint32Array(room), 0);
    expect(take(3 * IMAGE_PAGE, 4)).toThrow(refusal);
    expect(take(5 * IMAGE_PAGE, 5)).toThrow(refusal);
    expect(take(4 * IMAGE_PAGE, 3)).toThrow(refusal);
    expect(take(4 * IMAGE_PAGE, 4)().count).toBe(4);
  });
});

/** Memories of guests lie at the beginning of a page, which is where they can be watched. */
const guestMemory = (pages: number) => new WebAssembly.Memory({ initial: pages, maximum: 2 * pages });

describe('what has changed in a memory that is watched', () => {
  const PAGES = 64;
  const COUNT = (PAGES * PAGE) / IMAGE_PAGE;

  test('is found whatever is written between two looks, and nothing besides', () => {
    const guest = guestMemory(PAGES);
    const next = numbers(3);
    const copy = new MemoryCopy(imaging, 2 * PAGES * PAGE);
    const plain = new MemoryCopy(node, 2 * PAGES * PAGE);
    for (let round = 0; round < 200; round++) {
      if (round % 50 === 49) guest.grow(1);
      const memory = new Uint8Array(guest.buffer);
      for (let left = [0, 1, 7, 40, 600][next(5)] as number; left > 0; left--) {
        const at = next(memory.length);
        // What is written as it was has not changed.
        memory[at] = next(2) === 0 ? (memory[at] as number) : next(256);
      }
      expect([...copy.update(memory)]).toEqual([...plain.update(memory)]);
      expect(copy.root()).toBe(plain.root());
    }
  });

  test('is found by each of several copies, whichever looked before, and after pages of one were written otherwise', () => {
    const memory = new Uint8Array(guestMemory(PAGES).buffer);
    const next = numbers(8);
    const copies = Array.from({ length: 3 }, () => new MemoryCopy(imaging, PAGES * PAGE));
    for (let round = 0; round < 60; round++) {
      for (let left = next(9); left > 0; left--) memory[next(memory.length)] = next(256);
      const copy = copies[next(3)] as MemoryCopy;
      copy.update(memory);
      const written = new Uint8Array(memory.length);
      copy.writeInto(written);
      expect(Buffer.compare(written, memory)).toBe(0);
      const page = new Uint8Array(IMAGE_PAGE).fill(round + 1);
      if (next(3) === 0) copy.write(next(COUNT), page, node.digest(page));
    }
  });
});

test('a copy finds, keeps and digests the same, by the addon or without, while its memory changes, grows and has forks', () => {
  const platforms: Platform[] = [imaging, { ...imaging, digestPages: () => false }, node, portable];
  const copies = platforms.map((platform) => new MemoryCopy(platform, MEMORY_MAX));
  const next = numbers(5);
  let memory = new Uint8Array(PAGE);
  for (let round = 0; round < 40; round++) {
    if (round % 8 === 7) {
      const grown = new Uint8Array(memory.length + PAGE * (1 + next(3)));
      grown.set(memory);
      memory = grown;
    }
    for (let left = [0, 1, 5, 200][round % 4] as number; left > 0; left--) {
      // Some pages become zeros, some are written as they were.
      const page = next(memory.length / IMAGE_PAGE);
      if (next(4) === 0) memory.fill(0, page * IMAGE_PAGE, (page + 1) * IMAGE_PAGE);
      else memory[page * IMAGE_PAGE + next(IMAGE_PAGE)] = next(3);
    }
    const changed = copies.map((copy) => [...copy.update(memory)]);
    for (const [place, copy] of copies.entries()) {
      expect(changed[place]).toEqual(changed[0]);
      expect(copy.root()).toBe(copies[0]?.root());
      const count = memory.length / IMAGE_PAGE;
      for (let index = 0; index < count; index++) expect(copy.isZero(index)).toBe(copies[0]?.isZero(index));
      const written = new Uint8Array(memory.length);
      copy.writeInto(written);
      expect(Buffer.compare(written, memory)).toBe(0);
    }
    if (round % 10 === 9) for (const [place, copy] of copies.entries()) copies[place] = copy.fork();
  }
});

test('a copy does not see what its memory becomes after it was taken', () => {
  const memory = filled(new ArrayBuffer(PAGE), 0, PAGE / IMAGE_PAGE);
  const copy = new MemoryCopy(imaging, MEMORY_MAX);
  copy.update(memory);
  const before = memory.slice();
  memory.fill(1);
  const written = new Uint8Array(PAGE);
  copy.writeInto(written);
  expect(Buffer.compare(written, before)).toBe(0);
});
