// `map` for jobs whose results are merged: a level of tasks above the other, each fed by the outcomes of the one below as they come.
import { check } from '../base/schema.ts';
import { failedIn, givesValues, MERGE_ARITY, mergeInput, seedOf } from '../job/merge.ts';
import type { Failed, Outcome } from '../job/outcome.ts';
import { type Job, type MapOptions, MapOptionsSchema, type Runner } from '../job/task.ts';

/** Runs the tasks of one level: a job without a merge. */
export type MapLevel = (job: Job, options: MapOptions, level: number) => AsyncIterableIterator<Outcome>;

/** `map` of a runner that can do without merges. Progress is told of the job's own tasks. */
export function mapMerged(map: MapLevel): Runner['map'] {
  return (given, options = {}) => {
    const job = given as Job;
    // Whatever is given may be nothing at all: that is refused where terms are checked.
    if (!(Object(job) as Partial<Job>).merge) return map(job, options, 0);
    const { signal, ...rest } = check(MapOptionsSchema, options) as MapOptions;
    const leaving = new AbortController();
    const either = AbortSignal.any([leaving.signal, ...(signal ? [signal] : [])]);
    // What is not valid is refused here, as without a merge.
    const tasks = map(job, { ...rest, signal: either }, 0);
    return outcomesOf(map, job, { tasks, leaving, signal: either });
  };
}

interface Begun {
  readonly tasks: AsyncIterableIterator<Outcome>;
  readonly leaving: AbortController;
  readonly signal: AbortSignal;
}

/** A result that all others would have been merged with. */
class NotMerged extends Error {
  readonly outcome: Failed;

  constructor(outcome: Failed) {
    super(outcome.message);
    this.outcome = outcome;
  }
}

async function* outcomesOf(
  map: MapLevel,
  { merge, inputs: _, ...terms }: Job,
  { tasks, leaving, signal }: Begun,
): AsyncIterableIterator<Outcome> {
  let below = tasks;
  try {
    for (let level = 0; merge; level++) {
      const [first, second] = [await below.next(), await below.next()];
      if (first.done) return;
      if (level > 0 && second.done) {
        mustBeDone(first.value, level, 0);
        yield first.value;
        return;
      }
      const before = second.done ? [first.value] : [first.value, second.value];
      const areValues = givesValues(level === 0 ? terms.kernel : merge.kernel);
      const inputs = groups(results(below, level, before), merge.arity ?? MERGE_ARITY, areValues);
      const seed = seedOf(terms.seed ?? 0, level + 1);
      below = map({ ...terms, kernel: merge.kernel, seed, inputs }, { signal }, level + 1);
    }
  } catch (error) {
    if (!(error instanceof NotMerged)) throw error;
    yield error.outcome;
  } finally {
    leaving.abort();
    await below.return?.();
  }
}

/** Inputs of the level above. */
async function* groups(
  outputs: AsyncIterable<Uint8Array>,
  arity: number,
  areValues: boolean,
): AsyncGenerator<Uint8Array> {
  let group: Uint8Array[] = [];
  for await (const output of outputs) {
    group.push(output);
    if (group.length < arity) continue;
    yield mergeInput(group, areValues);
    group = [];
  }
  if (group.length > 0) yield mergeInput(group, areValues);
}

async function* results(
  outcomes: AsyncIterableIterator<Outcome>,
  level: number,
  before: readonly Outcome[],
): AsyncGenerator<Uint8Array> {
  let index = 0;
  for (const outcome of before) yield mustBeDone(outcome, level, index++).output;
  for await (const outcome of outcomes) yield mustBeDone(outcome, level, index++).output;
}

function mustBeDone(outcome: Outcome, level: number, index: number): Extract<Outcome, { state: 'done' }> {
  if (outcome.state === 'done') return outcome;
  throw new NotMerged({ ...outcome, message: failedIn(level, index, outcome.message) });
}
