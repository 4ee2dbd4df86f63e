// The runner of a tab: has kernels compiled in the I/O worker, and hands their tasks to kernel workers, which have no network.
import { LodgerError } from '../../runtime/base/errors.ts';
import { TASK } from '../../runtime/base/limits.ts';
import type { Platform } from '../../runtime/base/platform.ts';
import { check } from '../../runtime/base/schema.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { type Runner, type RunOptions, RunOptionsSchema } from '../../runtime/job/task.ts';
import type { Policy } from '../../runtime/policy/policy.ts';
import { checkInput, type Permit, permitTask } from '../../runtime/sandbox/permit.ts';
import type { Steppers } from '../lend/contracts.ts';
import { type Crew, createCrew } from './crew.ts';
import type { Code } from './message.ts';
import type { Reach } from './reach.ts';
import type { KernelPort } from './thread.ts';

/** Compiled code; or bytes, for workers in frames, which no compiled code can reach. */
export type Form = 'module' | 'bytes';

/** What makes a kernel ready for kernel workers: it counts its fuel then. Throws `ERR_KERNEL_MALFORMED` for what this browser does not take. */
export type Compile = (permit: Pick<Permit, 'kernel' | 'deterministic'>, form: Form) => Promise<Ready<Code>>;

export interface TabOptions {
  /** Opens a kernel worker. */
  readonly open: (reach: Reach) => KernelPort;
  readonly threads: number;
  /** Share of a core that each thread may have. */
  readonly share: number;
  /** Whether memory can be shared with kernel workers: only then does a task that runs hear of wishes at once. */
  readonly isolated: boolean;
  readonly platform: Platform;
  readonly engineVersion: string;
  readonly policy?: Policy;
  /** The address of a script of the page's own, which kernel workers must not reach. */
  readonly wayOut: string;
  readonly compile: Compile;
  /** What is posted of a kernel that is compiled: `module` by default. */
  readonly form?: Form;
  /** Where memory is not shared: told of a kernel whose task runs for too long without being a stepper's. */
  readonly onLong?: (kernel: Kernel) => void;
  /** Told of a kernel worker that was opened later and may run nothing. */
  readonly onError?: (error: LodgerError) => void;
}

/** A site's tasks come one by one: a tab that is lent to it has no job of its own. Steppers can be started when what they take is loaded. */
export interface TabRunner extends Pick<Runner, 'run' | 'close'> {
  steppers(): Promise<Steppers>;
  /** Resolves when the kernel workers have shown that they have no network. Rejects with `ERR_ISOLATION_MISSING`. */
  readonly ready: Promise<void>;
  setShare(share: number): void;
  setThreads(threads: number): void;
  readonly busy: number;
}

export function createTabRunner(options: TabOptions): TabRunner {
  const { platform, policy, compile, form = 'module' } = options;
  const permitter = { platform, metered: true, wallMsDefault: TASK.wallMsMax.default, ...(policy && { policy }) };
  const crew: Crew = createCrew({ ...options, compile: (permit) => compile(permit, form) });
  const steppers = async () => (await import('./start.ts')).createStarter({ permitter, crew });

  return {
    ready: crew.ready,
    run: async (task, given: RunOptions = {}) => {
      const { signal, checkpoint, onProgress } = check(RunOptionsSchema, given) as RunOptions;
      if (checkpoint ?? onProgress) return (await steppers()).run(task, given);
      const permit = permitTask(permitter, task);
      const input = checkInput(permit, task.input);
      return crew.run({ permit, input, index: task.index ?? 0, ...(signal && { signal }) });
    },
    steppers,
    setShare: crew.setShare,
    setThreads: crew.setThreads,
    get busy() {
      return crew.busy;
    },
    close: async () => crew.close(new LodgerError('ERR_CLOSED', ['tab'])),
  };
}
