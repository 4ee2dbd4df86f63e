// The nearest runner: tasks run in the caller's own thread, one at a time.
import * as v from 'valibot';
import { LodgerError } from '../base/errors.ts';
import { TASK } from '../base/limits.ts';
import { isPlatform, type Platform, portable } from '../base/platform.ts';
import { check } from '../base/schema.ts';
import type { Engine, Ready } from '../engine/engine.ts';
import { createV8 } from '../engine/v8.ts';
import type { Kernel } from '../job/kernel.ts';
import type { Outcome } from '../job/outcome.ts';
import type { FilesSide, Folder, FolderPlace } from '../job/outside.ts';
import {
  type Job,
  type MapOptions,
  MapOptionsSchema,
  type Runner,
  type RunOptions,
  RunOptionsSchema,
  type Task,
} from '../job/task.ts';
import { type Policy, PolicySchema } from '../policy/policy.ts';
import type { Place } from './call.ts';
import { execute } from './execute.ts';
import { mapMerged } from './merged.ts';
import { checkInput, type Permit, permitJob, permitTask } from './permit.ts';
import { createStarter } from './start.ts';
import { compileTraced, located } from './trace.ts';

export interface SandboxOptions {
  /** What tasks may ask for at most; without it, what the project's limits allow. */
  readonly policy?: Policy;
  /** What the runtime gets from its host; the portable one works anywhere. */
  readonly platform?: Platform;
  /** The engine; the JavaScript host's own by default. */
  readonly engine?: Engine;
  /** Whether kernels count their fuel, as they do by default. Without it they run faster, and can use all the time there is. */
  readonly metered?: boolean;
  /** What opens folders of this machine for tasks that are granted some, such as `nodeFolders` of `lodger/host`. */
  readonly folders?: FolderHolder;
}

/** Holds the right to folders of a machine, and opens for a task what it was granted of them. */
export interface FolderHolder {
  /** Looks at a folder when it is granted. Throws `ERR_GRANT_UNAVAILABLE` and `ERR_FILE`. */
  folder(path: string, mode: 'read' | 'write'): FolderPlace;
  /** For one task. `look` throws when the task has to end; long reads ask it now and then. */
  open(folders: readonly Folder[], look: () => void): FilesSide;
}

const SandboxOptionsSchema = v.strictObject({
  policy: v.exactOptional(PolicySchema),
  platform: v.exactOptional(v.custom<Platform>(isPlatform, 'a platform')),
  engine: v.exactOptional(v.custom<Engine>(isEngine, 'an engine')),
  metered: v.exactOptional(v.boolean('true or false')),
  folders: v.exactOptional(v.custom<FolderHolder>(isFolderHolder, 'a holder of folders, such as nodeFolders')),
});

/**
 * A sandbox in this thread: it does nothing else while a task runs, and looks at a signal between tasks only. Use `createPool` of
 * `lodger/host` where that is too long. Without metering `limits.wallMsMax` is refused on V8, which cannot end a guest.
 */
export function createSandbox(options: SandboxOptions = {}): Runner {
  const {
    policy,
    platform = portable,
    engine = createV8('unknown'),
    metered = true,
    folders,
  } = check(SandboxOptionsSchema, options) as SandboxOptions;
  const permitter = {
    platform,
    metered,
    ...((metered || engine.stopper) && { wallMsDefault: TASK.wallMsMax.default }),
    ...(policy && { policy }),
    ...(folders && { holder: { folder: folders.folder, http: false } }),
  };
  const place: Place = {
    platform,
    engine,
    ...(folders && { doors: { files: (granted, { look }) => folders.open(granted, look) } }),
  };
  const compiled = new WeakMap<Kernel, Map<boolean, Promise<Ready>>>();
  let open = true;

  const readyOf = ({ kernel, deterministic }: Permit): Promise<Ready> => {
    const builds = compiled.get(kernel) ?? new Map<boolean, Promise<Ready>>();
    compiled.set(kernel, builds);
    const known = builds.get(deterministic) ?? compileTraced(engine, kernel, { metered, canonicalNaNs: deterministic });
    builds.set(deterministic, known);
    // What failed for want of memory may succeed the next time.
    known.catch(() => builds.delete(deterministic));
    return known;
  };
  const attempt = async (permit: Permit, input: Uint8Array, index: number, signal?: AbortSignal): Promise<Outcome> => {
    if (!open) throw new LodgerError('ERR_CLOSED', ['sandbox']);
    const ready = await readyOf(permit);
    if (signal?.aborted) throw new LodgerError('ERR_ABORTED', [], { cause: signal.reason });
    return located(ready, execute(place, ready, { ...permit, input, index }));
  };
  async function* map(job: Job, options: MapOptions): AsyncIterableIterator<Outcome> {
    const { signal, onProgress } = check(MapOptionsSchema, options);
    const permit = permitJob(permitter, job);
    let started = 0;
    let failed = 0;
    for await (const given of job.inputs) {
      const input = checkInput(permit, given);
      const outcome = await attempt(permit, input, started++, signal);
      if (outcome.state === 'failed') failed++;
      onProgress?.({ done: started - failed, failed, started });
      yield outcome;
    }
    onProgress?.({ done: started - failed, failed, started, total: started });
  }

  const starter = createStarter({ place, permitter, readyOf });
  const mustBeOpen = () => {
    if (!open) throw new LodgerError('ERR_CLOSED', ['sandbox']);
  };
  return {
    run: async (task: Task, options: RunOptions = {}) => {
      const { signal, checkpoint, onProgress } = check(RunOptionsSchema, options) as RunOptions;
      mustBeOpen();
      if (checkpoint ?? onProgress) return starter.run(task, options);
      const permit = permitTask(permitter, task);
      return attempt(permit, checkInput(permit, task.input), task.index ?? 0, signal);
    },
    start: (...given) => {
      mustBeOpen();
      return starter.start(...given);
    },
    resume: (...given) => {
      mustBeOpen();
      return starter.resume(...given);
    },
    map: mapMerged(map),
    close: async () => {
      open = false;
    },
  };
}

function isFolderHolder(value: unknown): boolean {
  const { folder, open } = Object(value) as Partial<FolderHolder>;
  return typeof folder === 'function' && typeof open === 'function';
}

/** Whether it has what an engine must have. */
export function isEngine(value: unknown): boolean {
  const { compile, instantiate, explain } = Object(value) as Partial<Engine>;
  return [compile, instantiate, explain].every((member) => typeof member === 'function');
}
