// Runs a WASI program from its start to its end, by itself or by `proc_exit`.
import type { Observer } from '../abi/exports.ts';
import { guestOf, type TaskRoom } from '../abi/room.ts';
import { TaskFailure } from '../job/outcome.ts';
import { whileRunning } from './calls.ts';
import { Exited, type Program } from './program.ts';

/** What it wrote to its output. Throws what ends the task: an exit code that is not 0 is a failure. */
export function runProgram(room: TaskRoom, program: Program, observer?: Observer): Uint8Array<ArrayBuffer> {
  try {
    whileRunning(room, program, () => guestOf(room).call('_start'));
  } catch (thrown) {
    if (!(thrown instanceof Exited)) throw thrown;
    if (thrown.exitCode !== 0) throw new TaskFailure('ERR_EXIT', thrown.message);
  } finally {
    program.flush(room);
  }
  observer?.observe();
  return program.takeOutput();
}
