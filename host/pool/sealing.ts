// Makes images of snapshots that a thread took: digests and stored forms, in the pool's thread, while the guest goes on in its own.
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import type { Notice, Stored, Told } from '../../runtime/sandbox/conduct.ts';
import { type Snapshot, sealing } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { node } from '../platform/node.ts';

/** How many notices with images of a task are sealed, so that its pages may change; and how many are settled with their images stored. */
export const PROGRESS = { sealed: 0, settled: 1 } as const;

/** Words that a task's thread and the pool share. */
export function newProgress(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Makes what a task's thread tells into notices, in the order in which it was told. They reject with `ERR_IMAGE_INVALID`. */
export function createSealer(progress: Int32Array): (told: Told<Snapshot>) => Promise<Notice> {
  const copy = new MemoryCopy(node, TASK.memoryBytesMax.max);
  let previous: Image | undefined;

  const seal = async (snapshot: Snapshot): Promise<Stored> => {
    const { base, memoryPages, origin } = snapshot;
    previous = origin?.image ?? previous;
    copy.lookAt(base as Uint8Array, memoryPages * (PAGE / IMAGE_PAGE), origin?.digests);
    for (const steps = sealing(copy, snapshot, previous); ; ) {
      const { done, value } = steps.next();
      if (!done) {
        await node.turn?.();
        continue;
      }
      previous = value.image;
      return { digest: value.image.digest, bytes: value.bytes };
    }
  };
  const sealAll = async ({ images: snapshots, ...told }: Told<Snapshot>): Promise<Notice> => {
    const images: Stored[] = [];
    try {
      for (const snapshot of snapshots) images.push(await seal(snapshot));
    } finally {
      // The thread may be waiting for it, whatever became of the image.
      if (snapshots.length > 0) {
        Atomics.add(progress, PROGRESS.sealed, 1);
        Atomics.notify(progress, PROGRESS.sealed);
      }
    }
    return { ...told, images };
  };
  let before: Promise<unknown> = Promise.resolve();
  return (told) => {
    const notice = before.then(() => sealAll(told));
    before = notice.catch(() => undefined);
    return notice;
  };
}
