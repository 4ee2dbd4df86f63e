// What many outcomes come to: counts, failures and receipts added up.
import { formatDuration, formatFuel, formatSize } from '../../runtime/base/units.ts';
import type { Frame, Outcome } from '../../runtime/job/outcome.ts';

/** Failures that are kept with their message; the others are counted. */
const FAILURES_KEPT = 20;

export interface Failure {
  readonly index: number;
  readonly code: string;
  readonly message: string;
  /** Where the kernel was. */
  readonly trace?: readonly Frame[];
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
    /** Of all tasks; of those that were stopped in the middle, what is known of it. */
    readonly fuel: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
    /** Of the largest task. */
    readonly memoryBytesPeak: number;
    readonly calls: Readonly<Record<string, number>>;
  };
  /** Lines that kernels wrote with the grant `log`; the lines themselves are with the results. */
  readonly log: {
    /** How many tasks wrote any. */
    readonly tasks: number;
    readonly lines: number;
    /** Beyond the limits of a task, and gone. */
    readonly linesDropped: number;
    readonly levels: Readonly<Record<string, number>>;
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
  let fuel = 0;
  let bytesIn = 0;
  let bytesOut = 0;
  let memoryBytesPeak = 0;
  const log = { tasks: 0, lines: 0, linesDropped: 0 };
  const levels: Record<string, number> = {};
  return {
    add: (outcome) => {
      const { receipt } = outcome;
      const { lines, linesDropped } = outcome.log;
      if (lines.length + linesDropped > 0) log.tasks += 1;
      log.lines += lines.length;
      log.linesDropped += linesDropped;
      for (const { level } of lines) levels[level] = (levels[level] ?? 0) + 1;
      if (outcome.state === 'failed') {
        const { code, message, trace } = outcome;
        codes[code] = (codes[code] ?? 0) + 1;
        const index = counts.done + counts.failed;
        if (failures.length < FAILURES_KEPT) failures.push({ index, code, message, ...(trace && { trace }) });
      }
      counts[outcome.state] += 1;
      wallMs += receipt.wallMs;
      cpuMs = cpuMs === undefined || receipt.cpuMs === undefined ? undefined : cpuMs + receipt.cpuMs;
      fuel += receipt.fuel ?? receipt.fuelAtLeast ?? 0;
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
        fuel,
        bytesIn,
        bytesOut,
        memoryBytesPeak,
        calls: { ...calls },
      },
      log: { ...log, levels: { ...levels } },
    }),
  };
}

/** The sum for people, as labels and values. */
export function sumRows({ tasks, done, failed, codes, receipts }: Sum, wallMs: number): (readonly [string, string])[] {
  const cpu = receipts.cpuMs === undefined ? '' : `, CPU ${formatDuration(receipts.cpuMs)}`;
  return [
    ['tasks', `${tasks}: ${done} done, ${failed} failed${failed > 0 ? ` (${list(codes)})` : ''}`],
    ['time', `${formatDuration(wallMs)}; all tasks one after the other ${formatDuration(receipts.wallMs)}${cpu}`],
    ['fuel', formatFuel(receipts.fuel, receipts.cpuMs ?? receipts.wallMs)],
    ['bytes', `${formatSize(receipts.bytesIn)} in, ${formatSize(receipts.bytesOut)} out`],
    ['memory', `${formatSize(receipts.memoryBytesPeak)} at the peak of the largest task`],
    ['calls', list(receipts.calls) || 'none'],
  ];
}

/** How many log lines there are and where they went, for people; nothing where no task wrote any. `kept`: whether results are. */
export function logRows({ log }: Sum, kept: boolean): (readonly [string, string])[] {
  const { tasks, lines, linesDropped, levels } = log;
  if (tasks === 0) return [];
  const count = (value: number, noun: string) => `${value} ${value === 1 ? noun : `${noun}s`}`;
  const parts = [
    `${count(lines, 'line')} of ${count(tasks, 'task')}${lines > 0 ? ` (${list(levels)})` : ''}`,
    ...(linesDropped > 0 ? [`${linesDropped} more dropped by the limits`] : []),
    kept ? 'kept with the results' : 'not kept: name a folder for results with --output',
  ];
  return [['log', parts.join('; ')]];
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
