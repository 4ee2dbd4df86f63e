// The pool's side of a stepper's task that can be spoken to: passes wishes on, and puts its images into the caller's store.
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Checkpoints, ImageNotice, StepProgress } from '../../runtime/job/steps.ts';
import { type Notice, scheduleOf, type Wish } from '../../runtime/sandbox/conduct.ts';
import { linksTo } from '../../runtime/snapshot/store.ts';
import { CONTROL, tellWish } from './control.ts';
import type { StepsOrder } from './steps-thread.ts';

export interface StepsOptions {
  /** Without it no images are taken. */
  readonly checkpoint?: Checkpoints;
  readonly onProgress?: (progress: StepProgress) => void;
  /** The image that the task goes on from. */
  readonly from?: Digest;
  /** Called when an image could not be stored. */
  readonly onStoreFailed: (error: unknown) => void;
}

/** One task, on whichever thread it is. */
export interface Boarding {
  /** Called whenever the task is sent to a thread: what goes with it. A task whose thread was lost goes on from its last image. */
  board(control: Int32Array): StepsOrder;
  /** Tells the task a wish; `undefined` if it ends without an answer to it. */
  wish(wish: Wish): Promise<ImageNotice | undefined>;
  /** The task has settled. */
  close(): void;
}

export function createBoarding({ checkpoint, onProgress, from, onStoreFailed }: StepsOptions): Boarding {
  let latest = from;
  let ours: MessagePort | undefined;
  let control: Int32Array | undefined;
  /** Wishes without an answer yet, in the order in which they are told. */
  let waiting: { readonly wish: Wish; readonly resolve: (notice: ImageNotice | undefined) => void }[] = [];
  let closed = false;

  const hear = async ({ step, share, fuel, images, answers }: Notice, words: Int32Array | undefined) => {
    onProgress?.({ step, share, fuel });
    let notice: ImageNotice | undefined;
    const answer = answers ? waiting.shift() : undefined;
    try {
      for (const { digest, bytes } of images) {
        await checkpoint?.store.put(digest, bytes);
        latest = digest;
        notice = { digest, step, share, fuel };
        checkpoint?.onImage?.(notice);
      }
      if (images.length > 0 && words) Atomics.add(words, CONTROL.settled, 1);
    } catch (error) {
      onStoreFailed(error);
    }
    answer?.resolve(notice);
  };
  /** A task that is on no thread yet hears of it when it is. */
  const tell = (wish: Wish) => {
    if (!ours || !control) return;
    ours.postMessage(wish);
    tellWish(control);
  };
  const leave = () => {
    if (!ours) return;
    // The report may come before the last notices.
    for (let left = receiveMessageOnPort(ours); left; left = receiveMessageOnPort(ours))
      void hear(left.message, control);
    ours.close();
    ours = undefined;
    control = undefined;
  };
  return {
    board: (words) => {
      leave();
      const { port1, port2 } = new MessageChannel();
      ours = port1;
      control = words;
      port1.on('message', (notice: Notice) => void hear(notice, words));
      port1.unref();
      for (const { wish } of waiting) tell(wish);
      return {
        port: port2,
        schedule: scheduleOf(checkpoint),
        ...(checkpoint &&
          latest !== undefined && { from: { digest: latest, links: linksTo(checkpoint.store, latest) } }),
      };
    },
    wish: (wish) => {
      if (closed) return Promise.resolve(undefined);
      const answer = new Promise<ImageNotice | undefined>((resolve) => waiting.push({ wish, resolve }));
      tell(wish);
      return answer;
    },
    close: () => {
      leave();
      closed = true;
      const late = waiting;
      waiting = [];
      for (const { resolve } of late) resolve(undefined);
    },
  };
}
