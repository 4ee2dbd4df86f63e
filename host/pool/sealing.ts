// Makes images of snapshots that a thread took: digests and stored forms, in the pool's thread, while the guest goes on in its own.
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import type { Notice, Stored, Told } from '../../runtime/sandbox/conduct.ts';
import { joined } from '../../runtime/snapshot/difference.ts';
import { type Snapshot, sealing } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import { imaging } from '../platform/imaging.ts';

/** How many notices with images of a task are done with its pages, so that they may change; and how many are settled. */
export const PROGRESS = { free: 0, settled: 1 } as const;

/** Words that a task's thread and the pool share. */
export function newProgress(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Lets the task's thread, which may be waiting for it, change its pages. */
export function free(progress: Int32Array): void {
  Atomics.add(progress, PROGRESS.free, 1);
  Atomics.notify(progress, PROGRESS.free);
}

/**
 * Makes what a task's thread tells into notices, in the order in which it was told. They reject with `ERR_IMAGE_INVALID`. `lends`: images
 * have parts that are the task's own pages, which whoever stores them has to `free`; else they are copied, and free at once.
 */
export function createSealer(progress: Int32Array, lends: boolean): (told: Told<Snapshot>) => Promise<Notice> {
  const copy = new MemoryCopy(imaging, TASK.memoryBytesMax.max);
  let previous: Image | undefined;

  const seal = async (snapshot: Snapshot): Promise<Stored> => {
    const { base, memoryPages, origin } = snapshot;
    previous = origin?.image ?? previous;
    copy.lookAt(base as Uint8Array, memoryPages * (PAGE / IMAGE_PAGE), origin?.digests);
    for (const steps = sealing(copy, snapshot, previous); ; ) {
      const { done, value } = steps.next();
      if (!done) {
        await imaging.turn?.();
        continue;
      }
      previous = value.image;
      return { digest: value.image.digest, parts: lends ? value.parts : [joined(value.parts)] };
    }
  };
  const sealAll = async ({ images: snapshots, ...told }: Told<Snapshot>): Promise<Notice> => {
    const images: Stored[] = [];
    try {
      for (const snapshot of snapshots) images.push(await seal(snapshot));
    } finally {
      if (snapshots.length > 0 && !lends) free(progress);
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
