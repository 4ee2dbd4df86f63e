// The pool's side of a stepper's task that can be spoken to: passes wishes on to whoever has it, and its images to whoever keeps them.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { TASK } from '../../runtime/base/limits.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import type { ImageNotice } from '../../runtime/job/steps.ts';
import type { RunOptions } from '../../runtime/job/task.ts';
import { type Notice, pass, type Schedule, scheduleOf, type Told, type Wish } from '../../runtime/sandbox/conduct.ts';
import type { Snapshot } from '../../runtime/snapshot/image.ts';
import { linksTo, memoryStore, type OpenImage, openImage } from '../../runtime/snapshot/store.ts';
import { imaging } from '../platform/imaging.ts';
import { tellWish } from './control.ts';
import { createSealer, free, newProgress, PROGRESS } from './sealing.ts';
import type { Opened, StepsOrder } from './steps-thread.ts';

/** The image that a task goes on from. */
export interface Opening {
  readonly digest: Digest;
  /** All that it takes to open it. */
  links(): ReadonlyMap<Digest, Uint8Array>;
  /** Where it was opened in this process already; the task's from then on. */
  readonly open?: OpenImage | undefined;
}

/** Keeps the images of one task, and hears how far it is. */
export interface Keeper {
  readonly schedule: Schedule;
  /** Resolves with the last image of a notice when all are kept. Rejects with what the caller's own code throws. */
  take(notice: Notice): Promise<ImageNotice | undefined>;
  /** Whether there is an image to go on from, should the task be lost. */
  readonly hasImage: boolean;
  /** Whether it takes parts of images that are lent to it until it has kept them. */
  readonly lends: boolean;
  /** The image to go on from; `undefined` for the beginning. Throws `ERR_IMAGE_INVALID`. */
  opening(): Opening | undefined;
}

/** The way to the thread or the cell that has a task. `One` is as much as comes from there of an image. */
export interface Way<One> {
  tell(wish: Wish): void;
  /** Does what is left to be done for images. */
  seal(told: Told<One>): Promise<Notice>;
  /** A notice with images is settled, whatever became of them, so that another image may follow. */
  clear(): void;
  /** The task is there no more: hands on what came and was not heard yet. */
  leave(): void;
}

/** What goes with a task. */
export interface Ticket extends Pick<StepsOrder, 'schedule'>, Pick<Keeper, 'lends'> {
  readonly from?: Opening;
}

/** One task, wherever it is. */
export interface Boarding {
  /** Sends the task somewhere, by `open`. One that was lost goes on from its last image. Throws `ERR_IMAGE_INVALID`. */
  board<One>(open: (ticket: Ticket, hear: (told: Told<One>) => void) => Way<One>): void;
  /** Tells the task a wish; `undefined` if it ends without an answer to it. */
  wish(wish: Wish): Promise<ImageNotice | undefined>;
  /** Whether there is an image to go on from. */
  readonly hasImage: boolean;
  /** Whether it ends without an outcome by itself: behind a step that was named. */
  readonly stops: boolean;
  /** The task has settled; resolves when its images have been stored. */
  close(): Promise<void>;
}

interface Waiting {
  readonly wish: Wish;
  readonly resolve: (notice: ImageNotice | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** `onFailed` is called when an image could not be stored, or a function of the caller's threw. */
export function createBoarding(keeper: Keeper, onFailed: (error: unknown) => void): Boarding {
  let way: Pick<Way<unknown>, 'tell' | 'leave'> | undefined;
  /** Wishes without an answer yet, in the order in which they are told. */
  let waiting: Waiting[] = [];
  let closed = false;

  /** Notices are settled one after the other: an image is told when it and all before it are stored. */
  let settled = Promise.resolve();
  let unsettled = 0;

  const settle = async <One>({ images, answers }: Told<One>, sealed: Promise<Notice>, from: Way<One>) => {
    const answer = answers ? waiting.shift() : undefined;
    try {
      const image = await keeper.take(await sealed);
      answer?.resolve(image);
    } catch (error) {
      answer?.reject(error);
      onFailed(error);
    }
    if (images.length > 0) from.clear();
    unsettled--;
  };
  const leave = () => {
    const left = way;
    way = undefined;
    left?.leave();
  };
  return {
    board: <One>(open: (ticket: Ticket, hear: (told: Told<One>) => void) => Way<One>) => {
      leave();
      const from = keeper.opening();
      const opened: Way<One> = open(
        { schedule: keeper.schedule, lends: keeper.lends, ...(from && { from }) },
        (told) => {
          // Progress alone is old when what came before it is stored at last.
          if (unsettled > 0 && told.images.length === 0 && !told.answers) return;
          unsettled++;
          // At once: the task may wait for it, and storing what came before may take longer.
          const sealed = opened.seal(told);
          sealed.catch(() => undefined);
          settled = settled.then(() => settle(told, sealed, opened));
        },
      );
      way = opened;
      // A task that is nowhere yet hears of them when it is.
      for (const { wish } of waiting) opened.tell(wish);
    },
    wish: (wish) => {
      if (closed) return Promise.resolve(undefined);
      const answer = new Promise<ImageNotice | undefined>((resolve, reject) => waiting.push({ wish, resolve, reject }));
      way?.tell(wish);
      return answer;
    },
    get hasImage() {
      return keeper.hasImage;
    },
    stops: keeper.schedule.untilStep !== undefined,
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

/** Keeps images in the caller's store. `from`: the one that the task goes on from, which is the keeper's from then on. */
export function callersKeeper({ checkpoint, onProgress }: RunOptions, from?: OpenImage): Keeper {
  const spoken = { ...(checkpoint && { checkpoint }), ...(onProgress && { onProgress }) };
  let latest = from?.image.digest;
  // A task that waits long does not hold its memory: that is read again then.
  let unused = from && new WeakRef(from);
  return {
    schedule: scheduleOf(checkpoint),
    take: async (notice) => {
      const image = await pass(notice, spoken);
      latest = image?.digest ?? latest;
      return image;
    },
    get hasImage() {
      return checkpoint !== undefined && latest !== undefined;
    },
    lends: checkpoint?.store.putParts !== undefined,
    opening: () => {
      if (!checkpoint || latest === undefined) return undefined;
      const digest = latest;
      const open = unused?.deref();
      unused = undefined;
      return { digest, links: () => linksTo(checkpoint.store, digest), open };
    },
  };
}

/** What goes with a task that is sent to a thread: it is spoken to by a port of its own. Throws `ERR_IMAGE_INVALID`. */
export function boardThread(boarding: Boarding, control: Int32Array): StepsOrder {
  const { port1: ours, port2: port } = new MessageChannel();
  let order: StepsOrder | undefined;
  boarding.board<Snapshot>(({ schedule, lends, from }, hear) => {
    const progress = newProgress();
    order = { port, progress, schedule, ...(from && { from: opened(from) }) };
    ours.on('message', hear);
    ours.unref();
    return {
      tell: (wish) => {
        ours.postMessage(wish);
        tellWish(control);
      },
      seal: createSealer(progress, lends),
      clear: () => {
        Atomics.add(progress, PROGRESS.settled, 1);
        if (lends) free(progress);
      },
      leave: () => {
        // The report may come before the last notices.
        for (let left = receiveMessageOnPort(ours); left; left = receiveMessageOnPort(ours)) hear(left.message);
        ours.close();
      },
    };
  });
  return order as unknown as StepsOrder;
}

/** Its pages are checked once, here, and lent to the thread. Throws `ERR_IMAGE_INVALID`. */
function opened({ digest, links, open }: Opening): Opened {
  const read = () => {
    const store = memoryStore();
    for (const [name, bytes] of links()) store.put(name, bytes);
    return openImage(store, digest, { platform: imaging, memoryBytesMax: TASK.memoryBytesMax.max });
  };
  const { image, copy, since } = open ?? read();
  return { image, base: copy.base as Uint8Array, digests: copy.digests, since };
}
