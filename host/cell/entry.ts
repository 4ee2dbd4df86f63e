// One task of a pool of cells, from its submission to its end.
import type { LodgerError } from '../../runtime/base/errors.ts';
import { describe, type FailureCode } from '../../runtime/base/errors.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import { faultOf } from '../../runtime/job/outcome.ts';
import type { Permit } from '../../runtime/sandbox/permit.ts';
import { newHead } from '../../runtime/sandbox/running.ts';
import type { TaskIdentity } from '../../runtime/snapshot/manifest.ts';
import type { Session } from '../grants/session.ts';
import type { Boarding } from '../pool/steps.ts';

/** What the tasks of one job have in common. */
export interface Contract {
  readonly number: number;
  readonly permit: Permit;
}

/** Tasks that died with a cell run again beside few others, and then alone, so that the one at fault is found. */
export type Stage = 'fresh' | 'again' | 'alone';

export interface Entry {
  readonly task: number;
  readonly contract: Contract;
  readonly index: number;
  readonly input: Uint8Array;
  readonly submittedAt: number;
  /** Answers what it asks of the outside, where it may ask anything. */
  readonly session?: Session;
  /** Of a stepper's task that can be spoken to. */
  readonly steps?: Boarding;
  /** Which task it is, of one that goes on from an image. */
  readonly identity?: TaskIdentity;
  attempts: number;
  stage: Stage;
  /** Why nobody wants it any more. */
  withdrawn: LodgerError | undefined;
  settled: boolean;
  settle(result: Outcome | LodgerError): void;
}

/** What becomes of a task whose cell ended with it inside. Pure. */
export function nextStage({ stage }: Pick<Entry, 'stage'>): Stage | 'failed' {
  return ({ fresh: 'again', again: 'alone', alone: 'failed' } as const)[stage];
}

/** Whether a stepper's task has lost its thread in its cell, and goes on from its last image: once, as in a pool of threads. */
export function isLost({ attempts, steps }: Entry, result: Outcome | LodgerError): boolean {
  const isHosts = 'state' in result && result.state === 'failed' && result.code === 'ERR_HOST_FAULT';
  return isHosts && attempts === 1 && steps?.hasImage === true;
}

/** The outcome of a task of which no cell can tell. */
export function failedIn(
  { contract, input, attempts, submittedAt }: Entry,
  engine: { readonly name: EngineName; readonly version: string; readonly metered: boolean },
  failure: { readonly code: FailureCode; readonly reason: string; readonly now: number },
): Outcome {
  return {
    state: 'failed',
    code: failure.code,
    fault: faultOf(failure.code),
    message: describe(failure.code, failure.reason),
    log: { lines: [], linesDropped: 0 },
    receipt: {
      ...newHead(
        { facts: contract.permit.kernel, metered: engine.metered, canonicalNaNs: contract.permit.deterministic },
        engine,
        contract.permit.outside,
      ),
      wallMs: failure.now - submittedAt,
      bytesIn: input.byteLength,
      bytesOut: 0,
      calls: {},
      attempts,
    },
  };
}
