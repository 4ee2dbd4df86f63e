// One task in this thread, from its start to its end, in an instance that is as new. Nothing is thrown out of it.
import type { Ready } from '../engine/engine.ts';
import type { Outcome } from '../job/outcome.ts';
import type { Call, Place } from './call.ts';
import { Running } from './running.ts';
import { runProgram } from './wider.ts';

/** Runs one task to its end. No instance has anything of a task before it. */
export function execute<Compiled>(place: Place<Compiled>, ready: Ready<Compiled>, call: Call): Outcome {
  const running = new Running(place, ready, call);
  running.attempt(() => {
    const { exports } = running.start();
    const { room } = running;
    if (room.program) running.give(runProgram(room, room.program, room.fuel));
    else running.give(exports.whole(call.input, call.limits.outputBytesMax));
  });
  return running.end();
}
