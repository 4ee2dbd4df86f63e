// What a tab's page is shown of the tasks that run here, and of those that ended.
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { StartOptions } from '../../runtime/job/task.ts';
import type { Crew, Steppers } from '../lend/contracts.ts';
import type { TabRunner } from './runner.ts';
import type { Current, Ended } from './visit.ts';

/** Of those that ended, the latest are kept. */
const ENDED_MAX = 50;

type Whose = Pick<Current, 'account' | 'task'>;

/** The runner, watched. */
export function watchRunner(runner: TabRunner): Required<Pick<Crew, 'run' | 'steppers' | 'whose'>> & {
  read(): { readonly running: readonly Current[]; readonly ended: readonly Ended[] };
} {
  const known = new WeakMap<object, Whose>();
  const running = new Map<object, { -readonly [Name in keyof Current]: Current[Name] }>();
  const ended: Ended[] = [];
  const watch = (given: { readonly kernel: { readonly digest: string } }) => {
    const whose = known.get(given) as Whose;
    const current = { ...whose, kernel: given.kernel.digest, since: Date.now(), share: null as number | null };
    running.set(current, current);
    return current;
  };
  const end = (current: Current, outcome: Promise<Outcome>) =>
    outcome.then(
      ({ state, receipt, ...rest }) => {
        running.delete(current);
        const { kernel, task } = current;
        ended.unshift({
          ...{ kernel, task, state, code: 'code' in rest ? rest.code : '', at: Date.now() },
          ...{ fuel: receipt.fuel ?? null, wallMs: receipt.wallMs, memoryBytes: receipt.memoryBytesPeak ?? 0 },
          output: receipt.outputDigest ?? '',
        });
        ended.splice(ENDED_MAX);
      },
      () => running.delete(current),
    );
  const showing = (current: ReturnType<typeof watch>, options: StartOptions): StartOptions => ({
    ...options,
    onProgress: (progress) => {
      current.share = progress.share;
      options.onProgress?.(progress);
    },
  });
  return {
    whose: (given, account, task) => known.set(given, { account, task }),
    run: (task, options) => {
      const current = watch(task);
      const outcome = runner.run(task, options);
      end(current, outcome);
      return outcome;
    },
    steppers: async () => {
      const { start, resume } = await runner.steppers();
      const watched: Steppers = {
        start: (task, options) => {
          const current = watch(task);
          const steps = start(task, showing(current, options));
          end(current, steps.outcome);
          return steps;
        },
        // What cannot be gone on with is thrown, and nothing has begun then.
        resume: (image, terms, options) => {
          const current = watch(terms);
          try {
            const steps = resume(image, terms, showing(current, options));
            end(current, steps.outcome);
            return steps;
          } catch (error) {
            running.delete(current);
            throw error;
          }
        },
      };
      return watched;
    },
    read: () => ({ running: [...running.values()], ended: [...ended] }),
  };
}
