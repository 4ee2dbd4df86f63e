// What `bench` and `profile` take: a kernel with one input, its limits, grants and seed.
import type { Command } from 'commander';
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Task } from '../../runtime/job/task.ts';
import { readWhole } from '../jobs/files.ts';
import { loadKernel } from '../jobs/load.ts';
import { inputOf, takesJson } from '../jobs/values.ts';
import { loadGrants, several, sizeLimit, timeLimit, wholeNumber } from './options.ts';

export interface TaskFlags {
  readonly input?: string;
  readonly grant: readonly string[];
  readonly memoryMax?: number;
  readonly wallMax?: number;
  readonly seed?: number;
}

/** The options of such a command. */
export function taskOptions(command: Command): Command {
  return command
    .argument('<kernel>', 'a .wasm file')
    .option('--input <file>', 'the input (default: no bytes); JSON for a typed kernel')
    .option('--grant <spec>', 'log, random, clock or blobs:NAME=FILE; may be given several times', several, [])
    .option('--memory-max <size>', 'memory the kernel may have, as 64MiB', sizeLimit('memoryBytesMax', '--memory-max'))
    .option('--wall-max <time>', 'time it may take, as 10s', timeLimit('wallMsMax', '--wall-max'))
    .option('--seed <n>', 'seed of its random bytes', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER));
}

/** The task. Throws what reading and admitting throw. */
export async function loadTask(
  path: string,
  { input: file, grant, memoryMax, wallMax, seed }: TaskFlags,
): Promise<Task> {
  const kernel = await loadKernel(path);
  if (takesJson(kernel) && file === undefined)
    throw new LodgerError('ERR_OPTION_INVALID', ['--input', 'given: this kernel takes a value, as JSON']);
  const written = file === undefined ? new Uint8Array() : await readWhole(file, TASK.inputBytesMax.default);
  const { grants, blobs } = await loadGrants(grant);
  return {
    kernel,
    input: inputOf(kernel, written),
    grants,
    blobs,
    limits: {
      ...(memoryMax !== undefined && { memoryBytesMax: memoryMax }),
      ...(wallMax !== undefined && { wallMsMax: wallMax }),
    },
    ...(seed !== undefined && { seed }),
  };
}
