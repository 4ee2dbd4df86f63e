// What a pool tells of itself.
import { createHistogram } from 'node:perf_hooks';
import type { LodgerError } from '../../runtime/base/errors.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';

export interface PoolStats {
  /** Messages that threads work on, each with one task or several. */
  readonly running: number;
  readonly waiting: number;
  readonly done: number;
  /** Tasks that failed or were withdrawn, by code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Threads that had to be ended, or died. */
  readonly threadRestarts: number;
  /** From submission to outcome, in ms. */
  readonly latencyMs: {
    readonly count: number;
    readonly min: number;
    readonly median: number;
    readonly p99: number;
    readonly max: number;
  };
}

export interface Tally {
  count(result: Outcome | LodgerError, latencyMs: number): void;
  read(now: Pick<PoolStats, 'running' | 'waiting' | 'threadRestarts'>): PoolStats;
}

/** Counts ends of tasks. Latencies go into a histogram of fixed size, in microseconds. */
export function createTally(): Tally {
  const histogram = createHistogram();
  const failed: Record<string, number> = {};
  let done = 0;
  return {
    count: (result, latencyMs) => {
      histogram.record(Math.max(1, Math.round(latencyMs * 1000)));
      if ('state' in result && result.state === 'done') done++;
      else failed[result.code] = (failed[result.code] ?? 0) + 1;
    },
    read: (now) => {
      const ms = (microseconds: number) => (histogram.count === 0 ? 0 : microseconds / 1000);
      return {
        ...now,
        done,
        failed: { ...failed },
        latencyMs: {
          count: histogram.count,
          min: ms(histogram.min),
          median: ms(histogram.percentile(50)),
          p99: ms(histogram.percentile(99)),
          max: ms(histogram.max),
        },
      };
    },
  };
}
