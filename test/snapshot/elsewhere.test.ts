// Images that are made by somebody else than who copied the memory: the same bytes as those that are made at once.
import { expect, test } from 'vitest';
import { PAGE } from '../../runtime/base/limits.ts';
import { type Snapshot, seal, takeImage } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE } from '../../runtime/snapshot/memory-copy.ts';
import { memoryOf, momentAt, newCopy } from './made.ts';

/** Pages that fill, change, become zeros again, and memories that grow. */
const MEMORIES = [
  memoryOf(1, [1, 2, 5]),
  memoryOf(1, [1, 2, 5]),
  memoryOf(2, [2, 3, 4, 5, 31]),
  memoryOf(2, []),
  memoryOf(5, [0, 1, 2, 3, 79]),
];

test.each([0, 2])('have the same bytes, where those up to number %d were made at once', (first) => {
  const [atOnce, guest, elsewhere] = [newCopy(), newCopy(), newCopy()];
  let previous: Image | undefined;
  let origin: Snapshot['origin'];
  for (const [step, memory] of MEMORIES.entries()) {
    const moment = momentAt(step, previous, { form: step === 3 ? 'whole' : 'difference' });
    const expected = takeImage(atOnce, memory, moment);
    if (step < first) {
      guest.update(memory);
      origin = { image: expected.image, digests: guest.digests };
    } else {
      const changed = guest.copyFrom(memory);
      const snapshot: Snapshot = {
        ...{ ...moment, form: expected.form, memoryPages: memory.byteLength / PAGE, changed, base: guest.base },
        ...(origin && { origin: { image: origin.image, digests: guest.digests.slice() } }),
      };
      elsewhere.lookAt(snapshot.base as Uint8Array, memory.byteLength / IMAGE_PAGE, snapshot.origin?.digests);
      origin = undefined;
      expect(Buffer.compare(seal(elsewhere, snapshot, previous).bytes, expected.bytes)).toBe(0);
    }
    previous = expected.image;
  }
});

test('are refused where the digests are those of another memory', () => {
  const [guest, elsewhere] = [newCopy(), newCopy()];
  const { image } = takeImage(guest, memoryOf(1, [1]), momentAt(0));
  const memory = memoryOf(1, [2]);
  const changed = guest.copyFrom(memory);
  const snapshot: Snapshot = { ...momentAt(1), form: 'difference', memoryPages: 1, changed, base: guest.base };
  elsewhere.lookAt(snapshot.base as Uint8Array, memory.byteLength / IMAGE_PAGE);
  expect(() => seal(elsewhere, snapshot, image)).toThrow('the copy holds the memory of another one');
});
