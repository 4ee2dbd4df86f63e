// Stored images that were damaged, cut, forged or never were any: each is refused with the one code, whatever was done to it.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { node } from '../../host/platform/node.ts';
import { canonical, type Plain } from '../../runtime/base/canonical.ts';
import { IMAGE } from '../../runtime/snapshot/bounds.ts';
import { decodeDifference } from '../../runtime/snapshot/difference.ts';
import { applyDifference, takeImage } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import { firstImage, memoryOf, momentAt, newCopy, OPTIONS } from './made.ts';

const memory = memoryOf(1, [0, 3]);
const first = firstImage(memory);
const second = takeImage(first.copy.fork(), memoryOf(1, [3, 9]), momentAt(1, first.image));
const FILES = [first.bytes, second.bytes];
const HEAD_BYTES = 56;

const refusal = (message = '') =>
  expect.objectContaining({ code: 'ERR_IMAGE_INVALID', message: expect.stringContaining(message) });

/** What became of a file: its image, or the refusal; anything else is thrown. */
function read(bytes: Uint8Array): 'refused' | Image {
  try {
    return decodeDifference(bytes, node).image;
  } catch (thrown) {
    expect(thrown).toEqual(refusal());
    return 'refused';
  }
}

const file = fc.constantFrom(...FILES);
/** A place in a file; half of them in the head, the manifest and the entries. */
const place = (bytes: Uint8Array) =>
  fc.oneof(fc.nat(HEAD_BYTES - 1), fc.nat(1_300), fc.nat(bytes.length - 1)).map((at) => at % bytes.length);

test.each<[string, fc.Arbitrary<readonly [Uint8Array, Uint8Array]>]>([
  [
    'one bit is flipped',
    file.chain((bytes) =>
      fc.tuple(place(bytes), fc.nat(7)).map(([at, bit]) => {
        const changed = bytes.slice();
        changed[at]! ^= 1 << bit;
        return [bytes, changed] as const;
      }),
    ),
  ],
  ['the end is cut off', file.chain((bytes) => place(bytes).map((at) => [bytes, bytes.slice(0, at)] as const))],
  [
    'something is behind the end',
    file.chain((bytes) =>
      fc
        .uint8Array({ minLength: 1, maxLength: 5_000 })
        .map((more) => [bytes, Uint8Array.of(...bytes, ...more)] as const),
    ),
  ],
  [
    'a range holds other bytes',
    file.chain((bytes) =>
      fc.tuple(place(bytes), fc.uint8Array({ minLength: 1, maxLength: 64 })).map(([at, other]) => {
        const changed = bytes.slice();
        changed.set(other.subarray(0, changed.length - at), at);
        return [bytes, changed] as const;
      }),
    ),
  ],
  [
    'it goes on as another one does',
    place(FILES[0]!).map(
      (at) => [FILES[0]!, Uint8Array.of(...FILES[0]!.slice(0, at), ...FILES[1]!.slice(at))] as const,
    ),
  ],
  ['it never was one', fc.uint8Array({ maxLength: 300 }).map((bytes) => [FILES[0]!, bytes] as const)],
])('a stored image is refused when %s', (_, changes) => {
  fc.assert(
    fc.property(changes, ([bytes, changed]) => {
      if (FILES.some((each) => Buffer.compare(each, changed) === 0)) return;
      expect(read(changed)).toBe('refused');
      expect(read(bytes)).not.toBe('refused');
    }),
    { numRuns: 1_500 },
  );
});

test('what was not changed is read', () => {
  expect(FILES.map(read)).toEqual([first.image, second.image]);
});

type Change = (parts: { manifest: Record<string, Plain>; entries: number[]; pages: Uint8Array[] }) => unknown;

const setting =
  (fields: Record<string, Plain>): Change =>
  ({ manifest }) =>
    Object.assign(manifest, fields);

/** A file whose parts were changed by somebody who then makes the seal right again. */
function forged(bytes: Uint8Array, change: Change): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [length, count] = [view.getUint32(16, true), view.getUint32(20, true)];
  const at = HEAD_BYTES + length;
  const pagesAt = at + count * 4;
  const parts = {
    manifest: JSON.parse(Buffer.from(bytes.subarray(HEAD_BYTES, at)).toString()),
    entries: Array.from({ length: count }, (_, index) => view.getUint32(at + index * 4, true)),
    pages: Array.from({ length: (bytes.length - pagesAt) / 4096 }, (_, index) =>
      bytes.slice(pagesAt + index * 4096, pagesAt + (index + 1) * 4096),
    ),
  };
  change(parts);
  const text = Buffer.from(canonical(parts.manifest));
  const entries = new Uint8Array(Uint32Array.from(parts.entries).buffer);
  const head = Buffer.from(bytes.slice(0, 24));
  head.writeUInt32LE(text.length, 16);
  head.writeUInt32LE(parts.entries.length, 20);
  const digests = parts.pages.map((page) => createHash('sha256').update(page).digest());
  const seal = createHash('sha256')
    .update(Buffer.concat([head, text, entries, ...digests]))
    .digest();
  return new Uint8Array(Buffer.concat([head, seal, text, entries, ...parts.pages]));
}

describe('what is forged with a seal that is right is refused', () => {
  test('the forger of these tests can make a file that is not', () => {
    for (const bytes of FILES)
      expect(
        Buffer.compare(
          forged(bytes, () => undefined),
          bytes,
        ),
      ).toBe(0);
  });

  test.each<[string, Change, string]>([
    ['a bit of a page', ({ pages }) => pages[0]!.fill(4, 77, 78), 'its memory is another one'],
    ['a page left out', ({ entries, pages }) => [entries.pop(), pages.pop()], 'its memory is another one'],
    ['a page that did not change', ({ entries, pages }) => [entries.push(31), pages.push(pages[0]!)], 'another one'],
    ['zeros as bytes', ({ entries, pages }) => [entries.fill(1, 0, 1), pages.unshift(new Uint8Array(4096))], 'zeros'],
    ['pages out of order', ({ entries }) => entries.reverse(), 'out of order'],
    ['a page twice', ({ entries, pages }) => [entries.push(19), pages.push(pages[0]!)], 'out of order'],
    ['a page outside the memory', ({ entries, pages }) => [entries.push(33), pages.push(pages[0]!)], 'outside'],
    ['another parent', setting({ parent: '00'.repeat(32) }), 'the image before it is another one'],
    ['no parent', setting({ parent: null }), 'a difference to nothing'],
    ['4 GiB of memory', setting({ memoryPages: 65_536 }), 'its memory is larger than 4194304'],
    ['less fuel', setting({ fuel: -1 }), '"fuel" is not what it must be'],
    ['another version', setting({ version: 9 }), 'it has version 9, and this host reads 1'],
  ])('%s', (_, change, message) => {
    const bytes = forged(second.bytes, change);
    expect(() => applyDifference(first.copy.fork(), first.image, bytes)).toThrow(refusal(message));
  });

  test('another state or more fuel, by whoever asks for the image by its digest', () => {
    for (const change of [{ state: '00' }, { fuel: 2e9 }, { share: 0.5 }]) {
      const store = memoryStore();
      store.put(first.image.digest, first.bytes);
      store.put(second.image.digest, forged(second.bytes, setting(change)));
      expect(() => openImage(store, second.image.digest, OPTIONS)).toThrow(refusal('is another one'));
    }
  });
});

describe('every bound is held', () => {
  test('a manifest of more bytes than are parsed', () => {
    const bytes = new Uint8Array(HEAD_BYTES + IMAGE.manifestBytes.default + 1);
    bytes.set(first.bytes.subarray(0, HEAD_BYTES));
    new DataView(bytes.buffer).setUint32(16, IMAGE.manifestBytes.default + 1, true);
    expect(() => decodeDifference(bytes, node)).toThrow(refusal('its manifest has 8388609 bytes'));
  });

  test('more entries than there are bytes', () => {
    const bytes = second.bytes.slice();
    new DataView(bytes.buffer).setUint32(20, 2 ** 32 - 1, true);
    expect(() => decodeDifference(bytes, node)).toThrow(refusal('it is cut short'));
  });

  test('more state than an image holds', () => {
    const state = new Uint8Array(IMAGE.stateBytes.default + 1);
    expect(() => takeImage(newCopy(), memory, momentAt(0, undefined, { state }))).toThrow(refusal('its state has'));
  });

  test('more differences than are held at once', () => {
    const store = memoryStore();
    const copy = newCopy();
    let { image, bytes } = takeImage(copy, memory, momentAt(0));
    store.put(image.digest, bytes);
    for (let step = 1; step <= IMAGE.links.default + 1; step++) {
      const state = Uint8Array.of(step & 255, step >> 8);
      ({ image, bytes } = takeImage(copy, memory, momentAt(step, image, { share: 0, state })));
      store.put(image.digest, bytes);
    }
    expect(() => openImage(store, image.digest, OPTIONS)).toThrow(refusal('it has over 10000 images before it'));
    expect(openImage(store, image.manifest.parent!, OPTIONS).image.manifest.step).toBe(IMAGE.links.default);
  });
});
