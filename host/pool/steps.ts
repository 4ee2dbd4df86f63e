// The pool's side of a stepper's task that can be spoken to: passes wishes on, and puts its images into the caller's store.
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Digest } from '../../runtime/base/platform.ts';
import type { Checkpoints, ImageNotice, StepProgress } from '../../runtime/job/steps.ts';
import { type Notice, pass, scheduleOf, type Wish } from '../../runtime/sandbox/conduct.ts';
import { linksTo } from '../../runtime/snapshot/store.ts';
import { CONTROL, tellWish } from './control.ts';
import type { StepsOrder } from './steps-thread.ts';

export interface StepsOptions {
  /** Without it no images are taken. */
  readonly checkpoint?: Checkpoints;
  readonly onProgress?: (progress: StepProgress) => void;
  /** The image that the task goes on from. */
  readonly from?: Digest;
  /** Called when an image could not be stored, or a function of the caller's threw. */
  readonly onFailed: (error: unknown) => void;
}

/** One task, on whichever thread it is. */
export interface Boarding {
  /** Called whenever the task is sent to a thread: what goes with it. A task whose thread was lost goes on from its last image. */
  board(control: Int32Array): StepsOrder;
  /** Tells the task a wish; `undefined` if it ends without an answer to it. */
  wish(wish: Wish): Promise<ImageNotice | undefined>;
  /** Whether there is an image to go on from. */
  readonly hasImage: boolean;
  /** The task has settled; resolves when its images have been stored. */
  close(): Promise<void>;
}

interface Waiting {
  readonly wish: Wish;
  readonly resolve: (notice: ImageNotice | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export function createBoarding({ checkpoint, onProgress, from, onFailed }: StepsOptions): Boarding {
  const spoken = { ...(checkpoint && { checkpoint }), ...(onProgress && { onProgress }) };
  let latest = from;
  let ours: MessagePort | undefined;
  let control: Int32Array | undefined;
  /** Wishes without an answer yet, in the order in which they are told. */
  let waiting: Waiting[] = [];
  let closed = false;

  /** Notices are settled one after the other: an image is told when it and all before it are stored. */
  let settled = Promise.resolve();

  const settle = async (notice: Notice, words: Int32Array | undefined) => {
    const { images, answers } = notice;
    const answer = answers ? waiting.shift() : undefined;
    try {
      const image = await pass(notice, spoken);
      latest = image?.digest ?? latest;
      // Those of a thread that has landed may belong to another task by now.
      if (images.length > 0 && words !== undefined && words === control) Atomics.add(words, CONTROL.settled, 1);
      answer?.resolve(image);
    } catch (error) {
      answer?.reject(error);
      onFailed(error);
    }
  };
  const hear = (notice: Notice, words: Int32Array | undefined) => {
    settled = settled.then(() => settle(notice, words));
  };
  const leave = () => {
    if (!ours) return;
    // The report may come before the last notices.
    for (let left = receiveMessageOnPort(ours); left; left = receiveMessageOnPort(ours)) hear(left.message, undefined);
    ours.close();
    ours = undefined;
    control = undefined;
  };
  /** A task that is on no thread yet hears of it when it is. */
  const tell = (wish: Wish) => {
    if (!ours || !control) return;
    ours.postMessage(wish);
    tellWish(control);
  };
  return {
    board: (words) => {
      leave();
      const { port1, port2 } = new MessageChannel();
      ours = port1;
      control = words;
      port1.on('message', (notice: Notice) => hear(notice, words));
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
      const answer = new Promise<ImageNotice | undefined>((resolve, reject) => waiting.push({ wish, resolve, reject }));
      tell(wish);
      return answer;
    },
    get hasImage() {
      return checkpoint !== undefined && latest !== undefined;
    },
    close: async () => {
      leave();
      closed = true;
      await settled;
      const late = waiting;
      waiting = [];
      for (const { resolve } of late) resolve(undefined);
    },
  };
}
