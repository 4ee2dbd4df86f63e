// An outcome as a site hands it over, as the outcome of a runner.
import { type FailureCode, LodgerError } from '../../runtime/base/errors.ts';
import { faultOf, LOG_LEVELS, type Outcome, type Receipt } from '../../runtime/job/outcome.ts';
import type { Received } from '../wire/outcomes.ts';

/** What the site does not tell: the kernel, and how many bytes went in. `output` is there in full. */
export interface Known {
  readonly kernel: string;
  readonly bytesIn: number;
  /** The job that it is of. */
  readonly job: string;
  readonly output: Uint8Array;
}

/** Throws `ERR_JOB_CANCELLED` for a task that was cancelled. */
export function outcomeOf(received: Received, { kernel, bytesIn, job, output }: Known): Outcome {
  const { state, fuel, engine, rewriter, tariff, wallMs, memoryBytesPeak, deterministic, runs } = received;
  if (state === 'cancelled') throw cancelled(job, received.message);
  // In one piece: put together of parts, an object of so many fields is a table, and there is one a task.
  const used: Receipt = {
    version: 1,
    kernel,
    engine,
    rewriter,
    tariff,
    wallMs,
    memoryBytesPeak,
    bytesIn,
    bytesOut: state === 'done' ? output.byteLength : 0,
    calls: {},
    deterministic,
    attempts: runs,
  };
  const receipt = fuel === null ? used : { ...used, fuel };
  const lines = (received.log?.lines ?? []).map(([level, text]) => ({ level: LOG_LEVELS[level] ?? 'info', text }));
  const log = { lines, linesDropped: received.log?.linesDropped ?? 0 };
  if (state === 'done') return { state, output, log, receipt };
  const code = received.code as FailureCode;
  return { state, code, fault: faultOf(code), message: received.message, log, receipt };
}

/** What ended a job before it was done, in the words of the site, which has none where somebody did. */
export function cancelled(job: string, reason: string): LodgerError {
  return new LodgerError('ERR_JOB_CANCELLED', [job, reason || 'somebody ended it']);
}
