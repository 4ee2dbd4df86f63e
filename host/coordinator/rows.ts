// Rows of a delivered batch, as the replicas are told of them.
import type { Interval } from '../wire/ledger.ts';
import type { Delivery } from './delivery.ts';
import type { RunEvent } from './events.ts';
import { answerOf } from './trust.ts';

/** What the replicas are told of a row. */
export function deliveryOf(event: Omit<RunEvent, 'settled' | 'use'>, row: number): Delivery {
  const { host, owner, kind, late, before, rewriter } = event;
  const code = event.codes[row] as string;
  const fuel = event.fuels[row] ?? null;
  const output = code === '' ? hexAt(event.digests, row) : '';
  const answer = answerOf(code === '' ? { output, fuel } : { code, rewriter });
  const marks = event.unserved?.includes(row) ? null : event.marks?.[row];
  // Of a result with marks nothing can be said without its fuel, and of anonymous hosts all is checked by whole runs.
  const hasClaim = marks && marks.length > 0 && output !== '' && fuel !== null && kind === 'known';
  return { host, owner, kind, late, before, answer, ...(hasClaim && { claim: { rewriter, marks, output, fuel } }) };
}

/** Which interval a row of an audit is about. */
export const intervalAt = ({ intervals }: Pick<RunEvent, 'intervals'>, row: number): Interval =>
  intervals?.[row] ?? [0, null];

export function hexAt(digests: Uint8Array, row: number): string {
  return Buffer.from(digests.buffer, digests.byteOffset + 32 * row, 32).toString('hex');
}
