// Rows of a delivered batch, as the replicas are told of them.
import type { Interval } from '../wire/ledger.ts';
import type { Delivery } from './delivery.ts';
import type { RunEvent } from './events.ts';
import { answerOf } from './trust.ts';

/** What the replicas are told of a row. `digest` is that of its output in hex, where somebody has it at hand. */
export function deliveryOf(event: Omit<RunEvent, 'settled' | 'use'>, row: number, digest?: string): Delivery {
  const { host, owner, kind, late, before, rewriter } = event;
  const parts = event.parts?.[row] ?? null;
  const code = event.codes[row] as string;
  const fuel = event.fuels[row] ?? null;
  const output = code === '' ? (digest ?? hexAt(event.digests, row)) : '';
  const answer = answerOf(code === '' ? { output, fuel } : { code, rewriter });
  if (!parts && !event.marks) return { host, owner, kind, late, before, answer };
  const marks = event.unserved?.includes(row) ? null : event.marks?.[row];
  // Of a result with marks nothing can be said without its fuel.
  const hasClaim = marks && marks.length > 0 && output !== '' && fuel !== null;
  const run = { host, owner, kind, late, before, answer, ...(parts && { parts }) };
  if (!hasClaim) return run;
  const claim = { rewriter, marks, output, fuel };
  if (!parts) return { ...run, claim };
  // The last part ends where its own marks begin.
  const makers = [...parts.map((part) => part.host), ...marks.map(() => host)];
  return { ...run, claim: { ...claim, marks: [...parts.slice(0, -1).map(({ to }) => to), ...marks], makers } };
}

/** Which interval a row of an audit is about. */
export const intervalAt = ({ intervals }: Pick<RunEvent, 'intervals'>, row: number): Interval =>
  intervals?.[row] ?? [0, null];

export function hexAt(digests: Uint8Array, row: number): string {
  return Buffer.from(digests.buffer, digests.byteOffset + 32 * row, 32).toString('hex');
}
