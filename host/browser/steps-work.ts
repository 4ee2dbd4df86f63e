// Tasks of steppers in a kernel worker: between two steps they are paused, looked into, or told other limits, and others have their turn.
import { TASK } from '../../runtime/base/limits.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call, Place } from '../../runtime/sandbox/call.ts';
import { conduct, type Desk, takeStored, type Wish } from '../../runtime/sandbox/conduct.ts';
import { Stepping } from '../../runtime/sandbox/stepping.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import type { FromKernelWorker, TaskMessage, ToKernelWorker } from './message.ts';

export interface StepsTools {
  readonly place: Place<WebAssembly.Module>;
  post(message: FromKernelWorker, transfer?: Transferable[]): void;
  /** Between two steps: others have their turn, and rest that is due is taken. */
  breathe(): Promise<void>;
  /** Whether the task with this word is wanted. */
  isWanted(slot: number): boolean;
}

export interface StepsWork {
  run(ready: Ready<WebAssembly.Module>, message: TaskMessage, call: Call): Promise<Outcome | undefined>;
  hear(message: Extract<ToKernelWorker, { type: 'wish' | 'settled' }>): void;
}

export type OpenSteps = (tools: StepsTools) => StepsWork;

interface Stepped {
  readonly wishes: Wish[];
  told: number;
  settled: number;
}

export const openSteps: OpenSteps = ({ place, post, breathe, isWanted }) => {
  const stepped = new Map<number, Stepped>();
  return {
    run: async (ready, { task, steps, place: slot }, call) => {
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
            notice.images.flatMap(({ parts }) => parts.map(({ buffer }) => buffer as ArrayBuffer)),
          );
        },
      };
      try {
        const stepping = begin(place, ready, call, steps?.from);
        for (const going = conduct(stepping, desk, place.platform); ; ) {
          const { done, value } = going.next();
          if (done) return value as Outcome | undefined;
          await breathe();
          if (isWanted(slot)) continue;
          stepping.leave();
          return undefined;
        }
      } finally {
        stepped.delete(task);
      }
    },
    hear: (message) => {
      const state = stepped.get(message.task);
      if (message.type === 'wish') state?.wishes.push(message.wish);
      else if (state) state.settled++;
    },
  };
};

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
