// An outcome as a site hands it over, as the outcome of a runner.
import { type FailureCode, LodgerError } from '../../runtime/base/errors.ts';
import { faultOf, LOG_LEVELS, type Outcome, type Receipt } from '../../runtime/job/outcome.ts';
import type { Received } from '../wire/outcomes.ts';

/** What the site does not tell: the kernel, and how many bytes went in. `output` is there in full. */
export interface Known {
  readonly kernel: string;
  readonly bytesIn: number;
  readonly output: Uint8Array;
}

/** Throws `ERR_ABORTED` for a task that was cancelled. */
export function outcomeOf(received: Received, { kernel, bytesIn, output }: Known): Outcome {
  const { state, fuel, engine, rewriter, tariff, wallMs, memoryBytesPeak, deterministic, runs } = received;
  if (state === 'cancelled') throw new LodgerError('ERR_ABORTED');
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
