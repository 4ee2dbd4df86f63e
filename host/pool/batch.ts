// A thread's side of a batch: tells the pool which task runs, skips what is not wanted any more, packs the report.
import Piscina from 'piscina';
import { POOL } from '../../runtime/base/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Call } from '../../runtime/sandbox/execute.ts';
import { now } from '../platform/node.ts';
import { type Batch, CONTROL, inputOf, packReport, type Report } from './message.ts';

/** Runs every wanted task of a batch with `run`, in order. The report's buffers are moved to the pool, not copied. */
export function runBatch(batch: Batch, run: (call: Call) => Outcome): Report {
  const { control, indexes, lengths, limits, blobs, seed, digests } = batch;
  const outcomes: (Outcome | undefined)[] = [];
  let at = 0;
  for (let place = 0; place < lengths.length; place++) {
    const input = inputOf(batch, place, at);
    if (input.byteLength < POOL.sharedBytesMin.default) at += input.byteLength;
    // The pool marks a task first and then looks whether it runs; here it is the other way round, so one of the two always sees it.
    Atomics.store(control, CONTROL.startedAt, now() | 0);
    Atomics.store(control, CONTROL.current, place);
    const wanted = Atomics.load(control, CONTROL.unwanted + place) === 0;
    outcomes.push(wanted ? run({ input, index: indexes[place] as number, limits, blobs, seed, digests }) : undefined);
  }
  Atomics.store(control, CONTROL.current, -1);
  const { transfer, ...report } = packReport(outcomes);
  return Piscina.move({
    get [Piscina.transferableSymbol]() {
      return transfer;
    },
    get [Piscina.valueSymbol]() {
      return report;
    },
  } as never) as unknown as Report;
}
