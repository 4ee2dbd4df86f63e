// Images: what is stored of a memory, how it comes back, and what may follow what.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PAGE } from '../../runtime/base/limits.ts';
import { portable } from '../../runtime/base/platform.ts';
import { applyDifference, type Moment, takeImage } from '../../runtime/snapshot/image.ts';
import { type Image, parseManifest } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import { firstImage, MEMORY_MAX, memoryIn, memoryOf, momentAt, newCopy, OPTIONS } from './made.ts';

const invalid = (message: string) =>
  expect.objectContaining({ code: 'ERR_IMAGE_INVALID', message: expect.stringContaining(message) });
/** Bytes beside the pages: head and manifest. */
const BESIDE = 1_200;

describe('storing', () => {
  test('pages of zeros are not stored, and a page of 4 KiB is once', () => {
    const { bytes } = firstImage(memoryOf(4, [0, 7, 63]));
    expect(bytes.byteLength).toBeGreaterThan(3 * IMAGE_PAGE);
    expect(bytes.byteLength).toBeLessThan(3 * IMAGE_PAGE + BESIDE);
    expect(firstImage(memoryOf(4, [])).bytes.byteLength).toBeLessThan(BESIDE);
  });

  test('a second image holds the pages that changed, by one bit or more, and no others', () => {
    const memory = memoryOf(4, [0, 7, 63]);
    const { copy, image } = firstImage(memory);
    for (const page of [7, 20, 62]) memory[page * IMAGE_PAGE + 4095]! ^= 1;
    memory.fill(0, 0, IMAGE_PAGE);
    const { bytes } = takeImage(copy, memory, momentAt(1, image));
    expect(bytes.byteLength).toBeGreaterThan(3 * IMAGE_PAGE);
    expect(bytes.byteLength).toBeLessThan(3 * IMAGE_PAGE + BESIDE);
  });

  test('an image is named by the SHA-256 of its manifest, which is canonical JSON', () => {
    const { image, bytes } = firstImage(memoryOf(1, [3]));
    const length = new DataView(bytes.buffer).getUint32(16, true);
    const text = Buffer.from(bytes.subarray(56, 56 + length)).toString();
    expect(createHash('sha256').update(text).digest('hex')).toBe(image.digest);
    expect(JSON.parse(text)).toEqual(image.manifest);
    expect(text.startsWith('{"fuel":0,"host":{"calls":{},"elapsedMs":0,"linesDropped":0,')).toBe(true);
  });

  test('equal tasks give equal images, byte for byte, on a platform that digests and compares in another way', () => {
    const memory = memoryOf(2, [1, 4]);
    const other = takeImage(new MemoryCopy(portable, MEMORY_MAX), memory, momentAt(0));
    expect(Buffer.compare(other.bytes, firstImage(memory).bytes)).toBe(0);
  });

  test('an image is not changed by what happens to what it was made of', () => {
    const { calls } = momentAt(0).host;
    const limits = { fuelMax: 5 };
    const { image } = firstImage(memoryOf(1, []), { limits, host: { ...momentAt(0).host, calls } });
    limits.fuelMax = 6;
    calls['log.write'] = 9;
    expect(image.manifest).toMatchObject({ limits: { fuelMax: 5 }, host: { calls: {} } });
  });
});

describe('opening', () => {
  /** Four images: pages change, come to be zeros and come back, and the memory grows. */
  function chain(forms: Readonly<Record<number, Moment['form']>> = {}) {
    const store = memoryStore();
    const memories = [memoryOf(1, [0, 2, 3]), memoryOf(1, [2, 5]), memoryOf(3, [2, 5, 40]), memoryOf(3, [0, 5, 47])];
    const images: Image[] = [];
    const copy = newCopy();
    for (const [step, memory] of memories.entries()) {
      const form = forms[step];
      const moment = momentAt(step, images.at(-1), form && { form });
      const { image, bytes } = takeImage(copy, memory, moment);
      images.push(image);
      store.put(image.digest, bytes);
    }
    return { store, memories, images };
  }

  test('each image of a chain comes back as it was, into a memory that held something else', () => {
    const { store, memories, images } = chain();
    for (const [step, { digest, manifest }] of images.entries()) {
      const { image, copy } = openImage(store, digest, OPTIONS);
      expect(image).toEqual({ digest, manifest });
      const memory = memories[step]!;
      expect(
        Buffer.compare(
          memoryIn(
            copy,
            memory.map((byte) => byte ^ 0xff),
          ),
          memory,
        ),
      ).toBe(0);
      expect(Buffer.compare(memoryIn(copy), memory)).toBe(0);
    }
  });

  test('with a whole image nothing before it is needed, and it is the same image', () => {
    const { store, images, memories } = chain({ 2: 'whole' });
    expect(images.map(({ digest }) => digest)).toEqual(chain().images.map(({ digest }) => digest));
    for (const { digest } of images.slice(0, 2)) store.delete(digest);
    const { copy } = openImage(store, images[3]!.digest, OPTIONS);
    expect(Buffer.compare(memoryIn(copy), memories[3]!)).toBe(0);
  });

  test('a whole image may come after the one before it, too', () => {
    const { store, images, memories } = chain({ 1: 'whole' });
    const { copy, image } = openImage(store, images[0]!.digest, OPTIONS);
    expect(applyDifference(copy, image, store.get(images[1]!.digest)!)).toEqual(images[1]);
    expect(Buffer.compare(memoryIn(copy), memories[1]!)).toBe(0);
  });

  test('after an image is opened, the next one is taken as if nothing had been between', () => {
    const { store, images, memories } = chain();
    const { copy, image } = openImage(store, images[2]!.digest, OPTIONS);
    const { bytes } = takeImage(copy, memories[3]!, momentAt(3, image));
    expect(Buffer.compare(bytes, store.get(images[3]!.digest)!)).toBe(0);
  });

  test.each<[string, (made: ReturnType<typeof chain>) => unknown, string]>([
    ['that is not there', ({ store }) => openImage(store, 'ef'.repeat(32), OPTIONS), 'is missing'],
    [
      'whose ancestor is not there',
      ({ store, images }) => {
        store.delete(images[1]!.digest);
        openImage(store, images[3]!.digest, OPTIONS);
      },
      'is missing',
    ],
    [
      'kept under the digest of another',
      ({ store, images }) => {
        store.put(images[3]!.digest, store.get(images[2]!.digest)!);
        openImage(store, images[3]!.digest, OPTIONS);
      },
      'is another one',
    ],
    [
      'with a larger memory than the task may have',
      ({ store, images }) => openImage(store, images[3]!.digest, { ...OPTIONS, memoryBytesMax: 2 * 65_536 }),
      'larger than 131072 bytes',
    ],
    [
      'as a difference to an image that is not its parent',
      ({ store, images }) => {
        const { copy, image } = openImage(store, images[0]!.digest, OPTIONS);
        applyDifference(copy, image, store.get(images[2]!.digest)!);
      },
      'the image before it is another one',
    ],
  ])('refuses an image %s', (_, open, message) => {
    expect(() => open(chain())).toThrow(invalid(message));
  });

  test('a difference that is refused leaves the copy as it was', () => {
    const { store, images, memories } = chain();
    const { copy, image } = openImage(store, images[0]!.digest, OPTIONS);
    expect(() => applyDifference(copy, image, store.get(images[3]!.digest)!)).toThrow(invalid(''));
    expect(Buffer.compare(memoryIn(copy), memories[0]!)).toBe(0);
    expect(applyDifference(copy, image, store.get(images[1]!.digest)!)).toEqual(images[1]);
  });
});

describe('an image cannot follow another', () => {
  const host = momentAt(6).host;
  test.each<[string, Partial<Moment>, string]>([
    ['of another kernel', { task: { ...momentAt(0).task, kernel: '00'.repeat(32) } }, 'of another task'],
    ['of another seed', { task: { ...momentAt(0).task, seed: 43 } }, 'of another task'],
    ['of another tariff', { task: { ...momentAt(0).task, tariff: 2 } }, 'of another task'],
    ['with fewer steps', { step: 4 }, 'its step goes back from 5 to 4'],
    ['with less fuel', { fuel: 4 }, 'its fuel goes back'],
    ['with less time', { host: { ...host, elapsedMs: 1 } }, 'its elapsedMs goes back'],
    ['with fewer random bytes', { host: { ...host, randomBytes: 0 } }, 'its randomBytes goes back'],
    ['with fewer calls', { host: { ...host, calls: { 'log.write': 9 } } }, 'its calls of random.fill go back'],
    ['with other limits after a step', { limits: { fuelMax: 5 } }, 'limits changed in the middle of steps'],
    ['with more fuel without a step', { ...momentAt(5), fuel: 5_000_016 }, 'more than the limits'],
    ['with another state without a step', { ...momentAt(5), state: Uint8Array.of(9) }, 'more than the limits'],
  ])('%s', (_, changes, message) => {
    const copy = newCopy();
    const memory = memoryOf(1, [1]);
    const { image } = takeImage(copy, memory, momentAt(5));
    expect(() => takeImage(copy, memory, { ...momentAt(6, image), ...changes, previous: image })).toThrow(
      invalid(message),
    );
  });

  test('when its copy holds the memory of neither', () => {
    const { image } = firstImage(memoryOf(1, [1]));
    const { copy } = firstImage(memoryOf(1, [2]));
    expect(() => takeImage(copy, memoryOf(1, [1]), momentAt(1, image))).toThrow(invalid('memory of another one'));
  });

  test('whose memory is smaller', () => {
    const { copy, image } = firstImage(memoryOf(2, [1]));
    expect(() => takeImage(copy, memoryOf(1, [1]), momentAt(1, image))).toThrow(invalid('does not shrink'));
  });

  test('but limits may change between two steps, in a link of their own', () => {
    const memory = memoryOf(1, [1]);
    const { copy, image } = firstImage(memory);
    const { host, limits } = momentAt(0);
    const raised = momentAt(0, image, { limits: { ...limits, fuelMax: 2e9 }, host: { ...host, elapsedMs: 7 } });
    const { bytes } = takeImage(copy, memory, raised);
    expect(bytes.byteLength).toBeLessThan(BESIDE);
    memory[9] = 1;
    const other = firstImage(memoryOf(1, [1]));
    expect(() => takeImage(other.copy, memory, { ...raised, previous: other.image })).toThrow(invalid('more than'));
    memory[9] = 0;
    for (const [changed, reason] of [
      [{ ...limits, outputBytesMax: 1 }, 'more than the limits of memory and fuel'],
      [{ ...limits, memoryBytesMax: PAGE - 1 }, 'below what is used'],
    ] as const) {
      const again = firstImage(memoryOf(1, [1]));
      const moment = { ...raised, previous: again.image, limits: changed };
      expect(() => takeImage(again.copy, memory, moment)).toThrow(invalid(reason));
    }
  });
});

describe('a manifest is refused', () => {
  const good = firstImage(memoryOf(1, [])).image.manifest;
  const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  test.each<[string, Uint8Array, string]>([
    ['of another version', bytesOf({ ...good, version: 2 }), 'it has version 2, and this host reads 1'],
    ['that is not JSON', Uint8Array.of(0x7b), 'is not JSON'],
    ['that is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'is not JSON'],
    ['that is no object', bytesOf(null), 'is not what it must be'],
    ['with a share above 1', bytesOf({ ...good, share: 1.5 }), '"share" is not what it must be'],
    ['with a step that is not whole', bytesOf({ ...good, step: 0.5 }), '"step" is not what it must be'],
    ['with more memory than 4 GiB', bytesOf({ ...good, memoryPages: 65_537 }), '"memoryPages" is not what'],
    ['with half a byte of state', bytesOf({ ...good, state: 'abc' }), '"state" is not what it must be'],
    ['with a field that is not known', bytesOf({ ...good, colour: 1 }), 'is not what it must be'],
    ['with names in another order', bytesOf(good), 'is not canonical JSON'],
  ])('%s', (_, bytes, message) => {
    expect(() => parseManifest(bytes)).toThrow(invalid(message));
  });
});
