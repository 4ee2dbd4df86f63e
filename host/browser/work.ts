// What a kernel worker does: one task after the other, each in a fresh instance, as slowly as its owner wants.

import type { Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call, Place } from '../../runtime/sandbox/call.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { CONTROL, isWanted, newsOf, setShare, sleep, withdraw, wordsFor } from '../pool/control.ts';
import { createPace } from '../pool/pace.ts';
import type { Code, FromKernelWorker, TaskMessage, ToKernelWorker } from './message.ts';
import type { OpenSteps } from './steps-work.ts';

export interface Work {
  hear(message: ToKernelWorker): void;
}

export interface WorkOptions {
  post(message: FromKernelWorker, transfer?: Transferable[]): void;
  /** How steppers are paused, looked into and gone on with, in a worker that can. */
  readonly openSteps?: OpenSteps;
}

/** `shared`: the words by which a task that runs hears of wishes; without it, those are heard between tasks and steps. */
export function createWork(
  place: Place<WebAssembly.Module>,
  shared: SharedArrayBuffer | undefined,
  { post, openSteps }: WorkOptions,
): Work {
  const kernels = new Map<number, Ready<WebAssembly.Module>>();
  const blobs = new Map<number, Uint8Array>();
  const waiting: TaskMessage[] = [];
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
      pace.idle();
      for (let left = restMs; left > 0 && newsOf(control) === known; left -= 50)
        await new Promise((resolve) => setTimeout(resolve, Math.min(left, 50)));
      restMs = 0;
      pace.busy();
    }
    await place.platform.turn?.();
  };

  const callOf = ({ call, place: slot, blobs: named }: TaskMessage): Call => ({
    ...call,
    blobs: Object.fromEntries(Object.entries(named).map(([name, blob]) => [name, blobs.get(blob) as Uint8Array])),
    wishes: { isWanted: () => isWanted(control, slot), pace: () => pace.rest(control) },
  });

  const steps = openSteps?.({ place, post, breathe, isWanted: (slot) => isWanted(control, slot) });

  const work = async () => {
    busy = true;
    pace.busy();
    for (let message = waiting.shift(); message; message = waiting.shift()) {
      const ready = kernels.get(message.kernel);
      let outcome: Outcome | undefined;
      if (ready && isWanted(control, message.place)) {
        outcome = message.steps
          ? await steps?.run(ready, message, callOf(message))
          : execute(place, ready, callOf(message));
      }
      post({ type: 'outcome', task: message.task, outcome }, outcome?.state === 'done' ? moved(outcome.output) : []);
      await breathe();
    }
    busy = false;
    pace.idle();
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
        case 'settled':
          steps?.hear(message);
          return;
        case 'cancel':
          withdraw(control, message.place);
          return;
        case 'share':
          setShare(control, message.share);
      }
    },
  };
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
