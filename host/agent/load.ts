// What other programs have of the CPU, as the mean over a window: what all had, less what the agent and its cells had.
import type { CpuTimes } from './sources.ts';

interface Sample {
  readonly atMs: number;
  /** Of others, and of all there was to have, since the sample before. */
  readonly othersMs: number;
  readonly totalMs: number;
}

export interface Load {
  /** Takes a sample; `atMs` of a clock that never goes back. */
  take(times: CpuTimes | null, atMs: number): void;
  /** The share of all cores over the window, 0 to 1; null before two samples. */
  over(windowMs: number): number | null;
}

/** Samples that are kept at most. */
const SAMPLES_MAX = 4_096;

export function createLoad(): Load {
  let last: CpuTimes | undefined;
  let samples: Sample[] = [];
  return {
    take: (times, atMs) => {
      const before = last;
      last = times ?? undefined;
      if (times === null || before === undefined) return;
      const totalMs = times.totalMs - before.totalMs;
      if (totalMs <= 0) return;
      let ownMs = 0;
      // A cell that has ended takes its count with it; a new one begins at zero.
      for (const [pid, ms] of times.ownMs) ownMs += Math.max(0, ms - (before.ownMs.get(pid) ?? 0));
      samples.push({ atMs, othersMs: Math.max(0, times.busyMs - before.busyMs - ownMs), totalMs });
      if (samples.length > SAMPLES_MAX) samples = samples.slice(SAMPLES_MAX / 2);
    },
    over: (windowMs) => {
      const newest = samples.at(-1);
      if (!newest) return null;
      let [othersMs, totalMs] = [0, 0];
      for (const sample of samples.filter(({ atMs }) => atMs > newest.atMs - windowMs)) {
        othersMs += sample.othersMs;
        totalMs += sample.totalMs;
      }
      return totalMs > 0 ? Math.min(1, othersMs / totalMs) : null;
    },
  };
}
