// A thread's side of a stepper's task that can be spoken to: wishes come by a port, notices go back by it.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { TASK } from '../../runtime/base/limits.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call, Place } from '../../runtime/sandbox/call.ts';
import { conduct, type Desk, type Schedule, type Wish } from '../../runtime/sandbox/conduct.ts';
import { Stepping } from '../../runtime/sandbox/stepping.ts';
import type { Snapshot } from '../../runtime/snapshot/image.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import { CONTROL } from './control.ts';
import type { Head } from './message.ts';
import { PROGRESS } from './sealing.ts';

/** The image that a task goes on from, and all that it takes to open it. */
export interface Opening {
  readonly digest: Digest;
  readonly links: ReadonlyMap<Digest, Uint8Array>;
}

/** What travels with such a task. */
export interface StepsOrder {
  readonly port: MessagePort;
  readonly schedule: Schedule;
  /** How far the pool is with its images. */
  readonly progress: Int32Array;
  readonly from?: Opening;
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

function resumed(place: Place, head: Head, call: Call, { digest, links }: Opening): Stepping {
  const store = memoryStore();
  for (const [name, bytes] of links) store.put(name, bytes);
  const options = { platform: place.platform, memoryBytesMax: TASK.memoryBytesMax.max };
  return Stepping.resume(place, head, { call, open: openImage(store, digest, options) });
}

function deskAt({ port, schedule, progress }: StepsOrder, control: Int32Array): Desk<Snapshot> {
  let heard = 0;
  let told = 0;
  return {
    schedule,
    take: (stepping) => {
      // The pages of the last image may still be looked at: a few ms, and only where somebody wishes for images one after the other.
      const sealed = () => Atomics.load(progress, PROGRESS.sealed);
      for (let known = sealed(); known !== told; known = sealed()) Atomics.wait(progress, PROGRESS.sealed, known);
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
