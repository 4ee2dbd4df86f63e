// Does steps of a task again, so that a claim about them can be checked.
import { LodgerError } from '../base/errors.ts';
import { TASK } from '../base/limits.ts';
import type { Ready } from '../engine/engine.ts';
import { faultOf, type Outcome, type TaskFailure } from '../job/outcome.ts';
import { memoryStore, type OpenImage, openImage } from '../snapshot/store.ts';
import type { Ended, Replay } from '../snapshot/verify.ts';
import type { Call, Place } from './call.ts';
import { Stepping } from './stepping.ts';

/** Does parts of one task again, for as long as they take. Each throws what this host could not do. */
export interface Replays {
  /** From its beginning to a step; `index` and `seed` are those of the call. */
  readonly begin: (input: Uint8Array, step: number) => Promise<OpenImage | Ended>;
  /** From an image to a step. Of the image's input only the digest is needed. */
  readonly between: Replay;
  /** From an image to the end. */
  readonly finish: (from: OpenImage) => Outcome;
}

/** Replays in fresh instances here. `call` has the task's terms. */
export function replaysOn<Compiled>(place: Place<Compiled>, ready: Ready<Compiled>, call: Call): Replays {
  const { wallMsMax: _, ...limits } = call.limits;
  const terms = { ...call, limits };
  const resume = ({ image, copy }: OpenImage) =>
    Stepping.resume(place, ready, { call: { ...terms, ...seedOf(image.manifest.task) }, open: { image, copy } });
  return {
    begin: async (input, step) => {
      const stepping = Stepping.begin(place, ready, { ...terms, input });
      return upTo(stepping, step, async () => {
        const store = memoryStore();
        const { image, bytes } = stepping.take();
        await store.put(image.digest, bytes);
        const { platform } = place;
        return openImage(store, image.digest, { platform, memoryBytesMax: TASK.memoryBytesMax.max });
      });
    },
    between: ({ image, copy }, step) => {
      const fork = copy.fork();
      const stepping = resume({ image, copy: fork });
      return upTo(stepping, step, () => ({ image: stepping.take().image, copy: fork }));
    },
    finish: ({ image, copy }) => {
      const stepping = resume({ image, copy: copy.fork() });
      try {
        while (stepping.goesOn) stepping.advance();
        const outcome = stepping.end();
        if (outcome.state === 'failed') mustBeItsOwn(outcome);
        return outcome;
      } finally {
        stepping.leave();
      }
    },
  };
}

const seedOf = ({ seed, index }: Pick<Call, 'seed' | 'index'>) => ({ seed, index });

/** Does steps up to one, and gives what `take` makes of it there; or why it ended before. */
function upTo<Taken>(stepping: Stepping<unknown>, step: number, take: () => Taken): Taken | Ended {
  try {
    while (stepping.goesOn && stepping.step < step) stepping.advance();
    const { failure } = stepping;
    if (failure === undefined) return take();
    mustBeItsOwn(failure);
    return { ended: failure.message };
  } finally {
    stepping.leave();
  }
}

function mustBeItsOwn({ code, message }: Pick<TaskFailure, 'code' | 'message'>): void {
  if (faultOf(code) === 'host') throw new LodgerError('ERR_HOST_FAULT', [message]);
}
