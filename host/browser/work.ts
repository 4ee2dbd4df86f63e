// What a kernel worker does: one task after the other, each in a fresh instance, as slowly as its owner wants.

import { TASK } from '../../runtime/base/limits.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call, Place } from '../../runtime/sandbox/call.ts';
import { conduct, type Desk, takeStored, type Wish } from '../../runtime/sandbox/conduct.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { Stepping } from '../../runtime/sandbox/stepping.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import { CONTROL, isWanted, newsOf, setShare, sleep, withdraw, wordsFor } from '../pool/control.ts';
import { createPace } from '../pool/pace.ts';
import type { Code, FromKernelWorker, TaskMessage, ToKernelWorker } from './message.ts';

export interface Work {
  hear(message: ToKernelWorker): void;
}

interface Stepped {
  readonly wishes: Wish[];
  told: number;
  settled: number;
}

/** `shared`: the words by which a task that runs hears of wishes; without it, those are heard between tasks and steps. */
export function createWork(
  place: Place<WebAssembly.Module>,
  shared: SharedArrayBuffer | undefined,
  post: (message: FromKernelWorker, transfer?: Transferable[]) => void,
): Work {
  const kernels = new Map<number, Ready<WebAssembly.Module>>();
  const blobs = new Map<number, Uint8Array>();
  const waiting: TaskMessage[] = [];
  const stepped = new Map<number, Stepped>();
  const control = wordsFor(shared);
  /** What is to be rested, where a guest cannot be made to sleep in the middle. */
  let restMs = 0;
  const pace = createPace({
    now: place.platform.now,
    sleep: shared
      ? sleep
      : (_, __, ms) => {
          restMs = ms;
        },
  });
  let busy = false;

  /** Between two tasks, or two steps: others have their turn, and rest that is due is taken. */
  const breathe = async () => {
    pace.rest(control);
    if (restMs > 0) {
      const known = newsOf(control);
      for (let left = restMs; left > 0 && newsOf(control) === known; left -= 50)
        await new Promise((resolve) => setTimeout(resolve, Math.min(left, 50)));
      restMs = 0;
      pace.begin(control);
    }
    await place.platform.turn?.();
  };

  const callOf = ({ call, place: slot, blobs: named }: TaskMessage): Call => ({
    ...call,
    blobs: Object.fromEntries(Object.entries(named).map(([name, blob]) => [name, blobs.get(blob) as Uint8Array])),
    wishes: { isWanted: () => isWanted(control, slot), pace: () => pace.rest(control) },
  });

  const runSteps = async (ready: Ready<WebAssembly.Module>, message: TaskMessage): Promise<Outcome | undefined> => {
    const { task, steps, place: slot } = message;
    const state: Stepped = { wishes: [], told: 0, settled: 0 };
    stepped.set(task, state);
    const desk: Desk = {
      schedule: steps?.schedule ?? {},
      take: takeStored,
      next: () => state.wishes.shift(),
      isClear: () => state.settled === state.told,
      tell: (notice) => {
        if (notice.images.length > 0) state.told++;
        post(
          { type: 'notice', task, notice },
          notice.images.map(({ bytes }) => bytes.buffer as ArrayBuffer),
        );
      },
    };
    try {
      const stepping = begin(place, ready, callOf(message), steps?.from);
      for (const going = conduct(stepping, desk, place.platform); ; ) {
        const { done, value } = going.next();
        if (done) return value as Outcome | undefined;
        await breathe();
        if (isWanted(control, slot)) continue;
        stepping.leave();
        return undefined;
      }
    } finally {
      stepped.delete(task);
    }
  };

  const work = async () => {
    busy = true;
    for (let message = waiting.shift(); message; message = waiting.shift()) {
      const ready = kernels.get(message.kernel);
      let outcome: Outcome | undefined;
      if (ready && isWanted(control, message.place)) {
        outcome = message.steps ? await runSteps(ready, message) : execute(place, ready, callOf(message));
      }
      post({ type: 'outcome', task: message.task, outcome }, outcome?.state === 'done' ? moved(outcome.output) : []);
      await breathe();
    }
    busy = false;
  };

  return {
    hear: (message) => {
      switch (message.type) {
        case 'begin':
        case 'port':
          return;
        case 'kernel':
          kernels.set(message.kernel, compiledOf(message.ready));
          return;
        case 'blob':
          blobs.set(message.blob, message.bytes);
          return;
        case 'forget':
          if (message.kernel !== undefined) kernels.delete(message.kernel);
          if (message.blob !== undefined) blobs.delete(message.blob);
          return;
        case 'task':
          if (!shared) Atomics.store(control, CONTROL.unwanted + message.place, 0);
          waiting.push(message);
          if (!busy) void work();
          return;
        case 'wish':
          stepped.get(message.task)?.wishes.push(message.wish);
          return;
        case 'settled': {
          const state = stepped.get(message.task);
          if (state) state.settled++;
          return;
        }
        case 'cancel':
          withdraw(control, message.place);
          return;
        case 'share':
          setShare(control, message.share);
      }
    },
  };
}

function begin(
  place: Place<WebAssembly.Module>,
  ready: Ready<WebAssembly.Module>,
  call: Call,
  from: NonNullable<TaskMessage['steps']>['from'],
): Stepping {
  if (!from) return Stepping.begin(place, ready, call);
  const store = memoryStore();
  for (const [name, bytes] of from.links) store.put(name, bytes);
  const options = { platform: place.platform, memoryBytesMax: TASK.memoryBytesMax.max };
  return Stepping.resume(place, ready, { call, open: openImage(store, from.digest, options) });
}

/** What comes as bytes was found valid by whoever sent it. */
function compiledOf(ready: Ready<Code>): Ready<WebAssembly.Module> {
  const { compiled } = ready;
  return { ...ready, compiled: compiled instanceof Uint8Array ? new WebAssembly.Module(compiled) : compiled };
}

/** Small outputs may be parts of something larger: those are copied. */
function moved({ buffer, byteLength }: Uint8Array): Transferable[] {
  return byteLength === buffer.byteLength && byteLength > 4_096 ? [buffer as ArrayBuffer] : [];
}
