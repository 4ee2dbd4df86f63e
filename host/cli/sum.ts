// What many outcomes come to: counts, failures and receipts added up.
import { formatDuration, formatSize } from '../../runtime/base/units.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';

/** Failures that are kept with their message; the others are counted. */
const FAILURES_KEPT = 20;

export interface Failure {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

export interface Sum {
  readonly tasks: number;
  readonly done: number;
  readonly failed: number;
  /** Failures by code. */
  readonly codes: Readonly<Record<string, number>>;
  /** The first failures. */
  readonly failures: readonly Failure[];
  readonly receipts: {
    /** Of all tasks one after the other. */
    readonly wallMs: number;
    /** Absent unless every receipt has it. */
    readonly cpuMs?: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
    /** Of the largest task. */
    readonly memoryBytesPeak: number;
    readonly calls: Readonly<Record<string, number>>;
  };
}

/** Adds outcomes up, in order. */
export function createSum(): { add(outcome: Outcome): void; read(): Sum } {
  const counts = { done: 0, failed: 0 };
  const codes: Record<string, number> = {};
  const failures: Failure[] = [];
  const calls: Record<string, number> = {};
  let wallMs = 0;
  let cpuMs: number | undefined = 0;
  let bytesIn = 0;
  let bytesOut = 0;
  let memoryBytesPeak = 0;
  return {
    add: (outcome) => {
      const { receipt } = outcome;
      if (outcome.state === 'failed') {
        const { code, message } = outcome;
        codes[code] = (codes[code] ?? 0) + 1;
        if (failures.length < FAILURES_KEPT) failures.push({ index: counts.done + counts.failed, code, message });
      }
      counts[outcome.state] += 1;
      wallMs += receipt.wallMs;
      cpuMs = cpuMs === undefined || receipt.cpuMs === undefined ? undefined : cpuMs + receipt.cpuMs;
      bytesIn += receipt.bytesIn;
      bytesOut += receipt.bytesOut;
      memoryBytesPeak = Math.max(memoryBytesPeak, receipt.memoryBytesPeak ?? 0);
      for (const [name, count] of Object.entries(receipt.calls)) calls[name] = (calls[name] ?? 0) + count;
    },
    read: () => ({
      tasks: counts.done + counts.failed,
      ...counts,
      codes: { ...codes },
      failures: [...failures],
      receipts: {
        wallMs,
        ...(cpuMs === undefined ? {} : { cpuMs }),
        bytesIn,
        bytesOut,
        memoryBytesPeak,
        calls: { ...calls },
      },
    }),
  };
}

/** The sum for people, as labels and values. */
export function sumRows({ tasks, done, failed, codes, receipts }: Sum, wallMs: number): (readonly [string, string])[] {
  const cpu = receipts.cpuMs === undefined ? '' : `, CPU ${formatDuration(receipts.cpuMs)}`;
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    ['tasks', `${tasks}: ${done} done, ${failed} failed${failed > 0 ? ` (${list(codes)})` : ''}`],
    ['time', `${formatDuration(wallMs)}; all tasks one after the other ${formatDuration(receipts.wallMs)}${cpu}`],
    ['bytes', `${formatSize(receipts.bytesIn)} in, ${formatSize(receipts.bytesOut)} out`],
    ['memory', `${formatSize(receipts.memoryBytesPeak)} at the peak of the largest task`],
    ['calls', list(receipts.calls) || 'none'],
  ];
}
