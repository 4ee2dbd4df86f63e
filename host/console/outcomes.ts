// Final outcomes of a job as they come, in input order, read from the frames that the site sends.
import type { WireDelivered } from '../wire/delivered.ts';
import { frameIn } from '../wire/frame.ts';
import { joined } from '../wire/joined.ts';
import { outcomesIn, type Received } from '../wire/outcomes.ts';
import { api } from './api.ts';

export type Shown = Received;

/** Reads on from a task until the job has ended or the signal fires. */
export async function* outcomesOf(job: string, from: number, signal: AbortSignal): AsyncGenerator<Shown> {
  const reader = (await api.outcomes(job, from, signal)).getReader();
  let kept: Uint8Array = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    kept = joined([kept, value]);
    for (let frame = frameIn(kept); frame; frame = frameIn(kept)) {
      kept = kept.subarray(frame.size);
      const message = frame.message as WireDelivered | null;
      // One that says nothing says that the site is there.
      if (message) yield* outcomesIn(message, frame.data);
    }
  }
}
