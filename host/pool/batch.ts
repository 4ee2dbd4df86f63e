// A thread's side of a batch: tells the pool which task runs, skips what is not wanted any more, packs the report.
import { POOL } from '../../runtime/base/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call } from '../../runtime/sandbox/call.ts';
import { now } from '../platform/node.ts';
import { CONTROL, isWanted, NOBODY } from './control.ts';
import { type Batch, type Head, inputOf, packReport } from './message.ts';
import type { Pace } from './pace.ts';
import type { Reply } from './stay.ts';

const HEADS_MAX = POOL.kernelsKept.default;

/**
 * What this thread knows of lanes: the head of a batch, or of an earlier one of the same lane; the latest lanes are kept. `adopt` makes
 * of a head that came by message what this thread's engine runs.
 */
export function createHeads(adopt: (head: Head) => Head): (batch: Batch) => Head | undefined {
  const heads = new Map<number, Head>();
  return ({ lane, head: told }) => {
    const head = told ? adopt(told) : heads.get(lane);
    if (!head) return undefined;
    heads.delete(lane);
    heads.set(lane, head);
    if (heads.size > HEADS_MAX) heads.delete(heads.keys().next().value as number);
    return head;
  };
}

/** What a thread brings to a batch. */
export interface Thread {
  /** The outcome; `undefined` of a stepper's task that was paused. */
  run(call: Call): Outcome | undefined;
  readonly pace: Pace;
}

/** Runs every wanted task of a batch, in order. Large outputs are moved to the pool, not copied. */
export function runBatch(batch: Batch, head: Head, { run, pace }: Thread): Reply {
  const { control, inputs, job } = batch;
  const { limits, blobs, args, seed, digests, outside } = head;
  pace.begin(control);
  const outcomes: (Outcome | undefined)[] = [];
  const from = now();
  let place = 0;
  const wishes = { isWanted: () => isWanted(control, place), pace: () => pace.rest(control) };
  for (let at = 0; place < inputs.length / 2; place++) {
    const input = inputOf(batch, place, at);
    if (input.byteLength < POOL.sharedBytesMin.default) at += input.byteLength;
    // What was done until now is rested before the task begins, for which nothing counts yet.
    if (place > 0) Atomics.store(control, CONTROL.current, NOBODY.after);
    pace.rest(control);
    // The pool marks a task first and then looks whether it runs; here it is the other way round, so one of the two always sees it.
    Atomics.store(control, CONTROL.startedAt, now() | 0);
    Atomics.store(control, CONTROL.current, place);
    if (!isWanted(control, place)) {
      outcomes.push(undefined);
      continue;
    }
    const index = inputs[2 * place] as number;
    const outcome = run({ input, index, limits, blobs, args, seed, digests, outside, job: job + place, wishes });
    const wanted = isWanted(control, place);
    outcomes.push(wanted ? outcome : undefined);
    // The pool waits for the end of a task that it stopped; the rest of the batch is better off with another message.
    if (!wanted) break;
  }
  Atomics.store(control, CONTROL.current, NOBODY.after);
  return packReport(outcomes, now() - from);
}
