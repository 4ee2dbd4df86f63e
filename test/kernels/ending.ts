// How a task ends, as far as two ways of running it can be compared.
import { expect } from 'vitest';
import type { LogLine, Outcome } from '../../runtime/job/outcome.ts';

/** What the stand-ins need to know of a task. */
export interface Given {
  readonly seed: number;
  readonly index: number;
  readonly blobs: Readonly<Record<string, Uint8Array>>;
}

/** How a task ends, as far as both can tell. */
export type Ending = { readonly log: readonly LogLine[] } & (
  | { readonly state: 'done'; readonly output: Uint8Array }
  | { readonly state: 'failed'; readonly code: string; readonly message: string }
);

/** Outputs by a comparison of bytes, which takes a thousandth of the time. */
export function expectSame(got: Ending, expected: Ending): void {
  if (got.state === 'done' && expected.state === 'done') {
    const same = Buffer.compare(got.output, expected.output) === 0;
    if (!same) expect(got.output).toEqual(expected.output);
    expect(got.log).toEqual(expected.log);
  } else expect(got).toEqual(expected);
}

/** How an outcome ended. */
export function endingOf(outcome: Outcome): Ending {
  const log = outcome.log.lines;
  if (outcome.state === 'done') return { state: 'done', output: outcome.output, log };
  return { state: 'failed', code: outcome.code, message: outcome.message, log };
}
