// What a tab's page is shown of the tasks that run here, and of those that ended.
import type { Runner } from '../../runtime/job/task.ts';
import type { TabRunner } from './runner.ts';
import type { Current, Ended } from './visit.ts';

/** Of those that ended, the latest are kept. */
const ENDED_MAX = 50;

/** The runner, watched. */
export function watchRunner(runner: TabRunner): Pick<TabRunner, 'run' | 'steppers'> & {
  read(): { readonly running: readonly Current[]; readonly ended: readonly Ended[] };
} {
  const running = new Map<object, { -readonly [Name in keyof Current]: Current[Name] }>();
  const ended: Ended[] = [];
  const watch = (task: Parameters<Runner['run']>[0]) => {
    const current = {
      kernel: task.kernel.digest,
      task: task.index ?? 0,
      since: Date.now(),
      share: null as number | null,
    };
    running.set(current, current);
    return current;
  };
  const end = (current: Current, outcome: Promise<Awaited<ReturnType<Runner['run']>>>) =>
    outcome.then(
      ({ state, receipt, ...rest }) => {
        running.delete(current);
        ended.unshift({
          ...{
            kernel: current.kernel,
            task: current.task,
            state,
            code: 'code' in rest ? rest.code : '',
            at: Date.now(),
          },
          ...{ fuel: receipt.fuel ?? null, wallMs: receipt.wallMs, memoryBytes: receipt.memoryBytesPeak ?? 0 },
          output: receipt.outputDigest ?? '',
        });
        ended.splice(ENDED_MAX);
      },
      () => running.delete(current),
    );
  return {
    run: (task, options) => {
      const current = watch(task);
      const outcome = runner.run(task, options);
      end(current, outcome);
      return outcome;
    },
    steppers: async () => {
      const { start, resume } = await runner.steppers();
      const watched: Runner['start'] = (task, options) => {
        const current = watch(task);
        const onProgress: typeof options.onProgress = (progress) => {
          current.share = progress.share;
          options.onProgress?.(progress);
        };
        const steps = start(task, { ...options, onProgress });
        end(current, steps.outcome);
        return steps;
      };
      return { start: watched, resume };
    },
    read: () => ({ running: [...running.values()], ended: [...ended] }),
  };
}
