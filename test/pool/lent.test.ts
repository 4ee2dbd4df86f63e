// Images whose parts are lent to the store until they are kept: the guest's own pages, which must not change before that.
import { admit, type ImageStore, type Kernel, memoryStore } from 'lodger';
import { createPool, node, type Pool } from 'lodger/host';
import { beforeAll, expect, test } from 'vitest';
import { joined } from '../../runtime/snapshot/difference.ts';
import { openImage } from '../../runtime/snapshot/store.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';

const LONG = 4_000_000_000;
const grants = [{ kind: 'log' as const }, { kind: 'random' as const }];
const inputOf = (steps: number) => new Uint8Array(Uint32Array.of(steps).buffer);

let kernel: Kernel;
beforeAll(async () => {
  kernel = await admit((await builtKernel('walk')).wasm);
});

/** A store that keeps parts as they are after `wait`, and counts those that changed meanwhile. */
function lentStore(wait: () => Promise<unknown>) {
  const kept = memoryStore();
  let changed = 0;
  const store: ImageStore = {
    ...kept,
    put: () => {
      throw new Error('a store that takes parts was given a whole');
    },
    putParts: async (digest, parts) => {
      const before = Buffer.from(joined(parts));
      await wait();
      if (Buffer.compare(before, joined(parts)) !== 0) changed++;
      await kept.put(digest, before);
    },
  };
  return { store, changed: () => changed };
}

test.each(ENGINE_NAMES)(
  'on %s they stay as they are while they are stored, and another image waits for that',
  async (engine) => {
    const pool = await createPool({ engine, threads: 1 });
    try {
      const { store, changed } = lentStore(() => new Promise((resolve) => setTimeout(resolve, 20)));
      const images: string[] = [];
      const checkpoint = { store, everyMs: 1, onImage: ({ digest }: { digest: string }) => images.push(digest) };
      const started = pool.start({ kernel, input: inputOf(LONG), grants }, { checkpoint });
      const wished = await Promise.all([started.image(), started.image(), started.image()]);
      expect(await started.pause()).toMatchObject({ digest: images.at(-1) });
      await expect(started.outcome).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      expect(images).toEqual(expect.arrayContaining(wished.map((notice) => notice?.digest)));
      expect(changed()).toBe(0);
      for (const digest of images) {
        const { image } = openImage(store, digest, { platform: node, memoryBytesMax: 2 ** 30 });
        expect(image.digest).toBe(digest);
      }
    } finally {
      await pool.close('end');
    }
  },
);

test('a store that fails ends the task with what it threw, and the thread that waited for its pages takes the next', async () => {
  const pool: Pool = await createPool({ threads: 1 });
  try {
    const { store } = lentStore(() => Promise.reject(new Error('no room')));
    const started = pool.start({ kernel, input: inputOf(LONG), grants }, { checkpoint: { store, everyMs: 1 } });
    const wishes = [started.image(), started.image()].map((wish) => wish.catch((error: Error) => error.message));
    await expect(started.outcome).rejects.toThrow('no room');
    expect(await wishes[0]).toBe('no room');
    expect(await pool.run({ kernel, input: inputOf(100), grants })).toMatchObject({ state: 'done' });
  } finally {
    await pool.close('end');
  }
});
