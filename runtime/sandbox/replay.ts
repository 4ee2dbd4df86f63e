// Does steps of a task again, so that a claim about them can be checked.
import type { Ready } from '../engine/engine.ts';
import type { Replay } from '../snapshot/verify.ts';
import type { Call, Place } from './call.ts';
import { Stepping } from './stepping.ts';

/** The steps after an image in a fresh instance here. `call` has the task's terms; of an image's input only the digest is needed. */
export function replayOn<Compiled>(place: Place<Compiled>, ready: Ready<Compiled>, call: Call): Replay {
  return ({ image, copy }, step) => {
    const { seed, index } = image.manifest.task;
    const fork = copy.fork();
    const stepping = Stepping.resume(place, ready, { call: { ...call, seed, index }, open: { image, copy: fork } });
    while (stepping.goesOn && stepping.step < step) stepping.advance();
    const taken = stepping.take();
    stepping.leave();
    return { image: taken.image, copy: fork };
  };
}
