// Does steps of a task again, so that a claim about them can be checked.
import { LodgerError } from '../base/errors.ts';
import type { Ready } from '../engine/engine.ts';
import { faultOf } from '../job/outcome.ts';
import type { Replay } from '../snapshot/verify.ts';
import type { Call, Place } from './call.ts';
import { Stepping } from './stepping.ts';

/**
 * The steps after an image in a fresh instance here, for as long as they take. `call` has the task's terms; of an image's input only the
 * digest is needed. Throws what this host could not do.
 */
export function replayOn<Compiled>(place: Place<Compiled>, ready: Ready<Compiled>, call: Call): Replay {
  const { wallMsMax: _, ...limits } = call.limits;
  return ({ image, copy }, step) => {
    const { seed, index } = image.manifest.task;
    const fork = copy.fork();
    const open = { image, copy: fork };
    const stepping = Stepping.resume(place, ready, { call: { ...call, limits, seed, index }, open });
    try {
      while (stepping.goesOn && stepping.step < step) stepping.advance();
      const { failure } = stepping;
      if (failure === undefined) return { image: stepping.take().image, copy: fork };
      if (faultOf(failure.code) === 'host') throw new LodgerError('ERR_HOST_FAULT', [failure.message]);
      return { ended: failure.message };
    } finally {
      stepping.leave();
    }
  };
}
