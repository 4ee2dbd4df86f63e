// A thread's side of a stepper's task that can be spoken to: wishes come by a port, notices go back by it.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call, Place } from '../../runtime/sandbox/call.ts';
import { conduct, type Desk, type Schedule, type Wish } from '../../runtime/sandbox/conduct.ts';
import { Stepping } from '../../runtime/sandbox/stepping.ts';
import type { Snapshot } from '../../runtime/snapshot/image.ts';
import type { Image } from '../../runtime/snapshot/manifest.ts';
import { IMAGE_PAGE, MemoryCopy } from '../../runtime/snapshot/memory-copy.ts';
import type { OpenImage } from '../../runtime/snapshot/store.ts';
import { CONTROL } from './control.ts';
import type { Head } from './message.ts';
import { PROGRESS } from './sealing.ts';

/** The image that a task goes on from, as the pool's thread has opened it: its pages are in memory that both see, and the task's from here on. */
export interface Opened {
  readonly image: Image;
  readonly base: Uint8Array;
  readonly digests: Uint8Array;
  readonly since: OpenImage['since'];
}

/** What travels with such a task. */
export interface StepsOrder {
  readonly port: MessagePort;
  readonly schedule: Schedule;
  /** How far the pool is with its images. */
  readonly progress: Int32Array;
  readonly from?: Opened;
}

/** Runs a task from step to step; `undefined` when it was paused. */
export function runSteps(
  place: Place,
  head: Head,
  { call, order, control }: { readonly call: Call; readonly order: StepsOrder; readonly control: Int32Array },
): Outcome | undefined {
  const stepping = order.from ? resumed(place, head, call, order.from) : Stepping.begin(place, head, call);
  const steps = conduct(stepping, deskAt(order, control), place.platform);
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value as Outcome | undefined;
    }
  } finally {
    order.port.close();
  }
}

/** What the pool's thread has checked is not checked again. */
function resumed(place: Place, head: Head, call: Call, { image, base, digests, since }: Opened): Stepping {
  const copy = new MemoryCopy(place.platform, TASK.memoryBytesMax.max);
  copy.lookAt(base, image.manifest.memoryPages * (PAGE / IMAGE_PAGE), digests);
  return Stepping.resume(place, head, { call, open: { image, copy, ...(since && { since }) } });
}

function deskAt({ port, schedule, progress }: StepsOrder, control: Int32Array): Desk<Snapshot> {
  let heard = 0;
  let told = 0;
  return {
    schedule,
    take: (stepping) => {
      // The pages of the last image may still be looked at: a few ms, and only where somebody wishes for images one after the other.
      const free = () => Atomics.load(progress, PROGRESS.free);
      for (let known = free(); known !== told; known = free()) Atomics.wait(progress, PROGRESS.free, known);
      return stepping.snap();
    },
    next: () => {
      if (Atomics.load(control, CONTROL.wishes) === heard) return undefined;
      const received = receiveMessageOnPort(port);
      // A wish is posted before it is told of, so it is there.
      heard++;
      return received?.message as Wish | undefined;
    },
    isClear: () => Atomics.load(progress, PROGRESS.settled) === told,
    tell: (notice) => {
      if (notice.images.length > 0) told++;
      port.postMessage(notice);
    },
  };
}
