// Times variants of the same work side by side: interleaved rounds, minimum and median, CPU time beside wall time.
import { Bench } from 'tinybench';
import { lookAt } from '../host/cell/watch.ts';
import { threadUs } from './thread-cpu.ts';

/** One way to do the work. `once` does `operations` of them. */
export interface Variant {
  readonly name: string;
  readonly operations: number;
  once(): void | Promise<void>;
  /** Other processes that do the work, whose CPU time counts as well. They must be the same before and after a round. */
  pids?(): readonly number[];
}

/** Times of one operation in microseconds, over all rounds. */
export interface Timed {
  readonly name: string;
  readonly wallMinUs: number;
  readonly wallMedianUs: number;
  readonly cpuMinUs: number;
  readonly cpuMedianUs: number;
}

export interface Rounds {
  readonly rounds: number;
  /** Samples of each variant in a round. */
  readonly samples: number;
  /** Only this thread's CPU time counts: it does all that the variants differ in. */
  readonly inThread?: boolean;
}

/**
 * Runs every variant once a round, in turn, so that a drift of the machine meets all of them; every second round from the last to the
 * first, so that none always has the same one before it. Two rounds come first and are not counted. A round's time is the mean of its
 * samples, so that a variant's own garbage collection is in it. CPU time is the whole process's, so the threads of a pool are in it,
 * and that of the variant's other processes, to a hundredth of a second.
 */
export async function interleave(variants: readonly Variant[], how: Rounds): Promise<Timed[]> {
  const { rounds, samples } = how;
  const seen = variants.map((variant) => ({ variant, wall: [] as number[], cpu: [] as number[] }));
  for (let round = -2; round < rounds; round++) {
    for (const { variant, wall, cpu } of round % 2 === 0 ? seen : seen.toReversed()) {
      const bench = new Bench({ iterations: samples, time: 0, warmup: false, throws: true });
      // Without `async`, tinybench calls the function once more to see what it gives, and times the next call beside that one.
      bench.add(variant.name, async () => variant.once(), { async: true });
      const before = cpuUs(variant, how);
      const [task] = await bench.run();
      const spent = cpuUs(variant, how) - before;
      if (round < 0) continue;
      const result = task?.result;
      if (!result || !('latency' in result)) throw new Error(`${variant.name} gave no times`);
      wall.push((result.latency.mean * 1000) / variant.operations);
      cpu.push(spent / (samples * variant.operations));
    }
  }
  return seen.map(({ variant, wall, cpu }) => ({
    name: variant.name,
    wallMinUs: Math.min(...wall),
    wallMedianUs: median(wall),
    cpuMinUs: Math.min(...cpu),
    cpuMedianUs: median(cpu),
  }));
}

function cpuUs({ pids }: Variant, { inThread }: Rounds): number {
  const own = inThread ? threadUs() : undefined;
  if (own !== undefined) return own;
  const { user, system } = process.cpuUsage();
  const others = (pids?.() ?? []).reduce((sum, pid) => sum + (lookAt(pid)?.cpuMs ?? 0), 0);
  return user + system + others * 1e3;
}

/** Of ratios: what is twice as fast here and half as fast there is as fast. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
