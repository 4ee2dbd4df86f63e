// What stands in a tab's worker for plain kernels in the place of `runtime/sandbox/wider.ts`, `runtime/abi/outside.ts` and `runtime/abi/random.ts`:
// less than half of all JavaScript is left. Other tasks go to a worker that has everything; one that came here nevertheless fails.
import type * as Outside from '../../runtime/abi/outside.ts';
import type * as Random from '../../runtime/abi/random.ts';
import { TaskFailure } from '../../runtime/job/outcome.ts';
import type * as Wider from '../../runtime/sandbox/wider.ts';

const missing = (): never => {
  throw new TaskFailure('ERR_HOST_FAULT', 'a worker for plain kernels was given another');
};

export const openBeyond: typeof Wider.openBeyond = missing;
export const openProgram: typeof Wider.openProgram = missing;
export const programImports: typeof Wider.programImports = missing;
export const runProgram: typeof Wider.runProgram = missing;
export const writeRandom: typeof Random.writeRandom = missing;
export const OUTSIDE_MAKERS: typeof Outside.OUTSIDE_MAKERS = { files: {}, http: {} };
