// A job's outcomes in the order of its inputs: what the pools of threads and of cells have in common.
import { BATCH } from '../../runtime/base/limits.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import type { Job, MapOptions } from '../../runtime/job/task.ts';
import type { Room } from '../../runtime/payload/bytes.ts';
import { checkInput, checkInputs, type Permit } from '../../runtime/sandbox/permit.ts';
import { inOrder } from './ordered.ts';

/** What a pool does for a job. */
export interface Mapping extends MapOptions {
  readonly permit: Permit;
  readonly threads: number;
  readonly windowBytesMax: number;
  /** Where the bytes of values go. */
  readonly room: Room;
  /** Runs one task; `given.signal` fires when nobody waits for it any more. */
  submit(given: { readonly input: Uint8Array; readonly index: number; readonly signal: AbortSignal }): Promise<Outcome>;
  /** The job has ended, or its caller has left. */
  release?(): void;
}

/** Runs the tasks of a job with bounded memory. */
export function mapJob(inputs: Job['inputs'], mapping: Mapping): AsyncIterableIterator<Outcome> {
  const { permit, threads, windowBytesMax, room, signal, onProgress } = mapping;
  const control = new AbortController();
  const forward = () => control.abort(signal?.reason);
  if (signal?.aborted) forward();
  else signal?.addEventListener('abort', forward, { once: true });
  const progress = { done: 0, failed: 0, started: 0 };
  return inOrder<Uint8Array, Outcome>({
    // Values are encoded as they come, so that the window knows what they hold.
    inputs: permit.kernel.payload ? checkInputs(permit, inputs, room) : (inputs as Iterable<Uint8Array>),
    countMax: threads * BATCH.tasksMax.default * 2,
    bytesMax: windowBytesMax,
    weigh: (value) =>
      value instanceof Uint8Array ? value.byteLength : value?.state === 'done' ? value.output.byteLength : 0,
    begin: async (input, index) => {
      checkInput(permit, input);
      progress.started++;
      const outcome = await mapping.submit({ input, index, signal: control.signal });
      progress[outcome.state]++;
      onProgress?.({ ...progress });
      return outcome;
    },
    abandon: () => {
      signal?.removeEventListener('abort', forward);
      control.abort();
      mapping.release?.();
    },
  });
}
