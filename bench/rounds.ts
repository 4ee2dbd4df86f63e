// Times variants of the same work side by side: interleaved rounds, minimum and median, CPU time beside wall time.
import { Bench } from 'tinybench';

/** One way to do the work. `once` does `operations` of them. */
export interface Variant {
  readonly name: string;
  readonly operations: number;
  once(): void | Promise<void>;
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
}

/**
 * Runs every variant once a round, in turn, so that a drift of the machine meets all of them. Two rounds come first and are not
 * counted. A round's time is the mean of its samples, so that a variant's own garbage collection is in it. CPU time is the whole
 * process's: the threads of a pool are in it.
 */
export async function interleave(variants: readonly Variant[], { rounds, samples }: Rounds): Promise<Timed[]> {
  const seen = variants.map((variant) => ({ variant, wall: [] as number[], cpu: [] as number[] }));
  for (let round = -2; round < rounds; round++) {
    for (const { variant, wall, cpu } of seen) {
      const bench = new Bench({ iterations: samples, time: 0, warmup: false, throws: true });
      // Without `async`, tinybench calls the function once more to see what it gives, and times the next call beside that one.
      bench.add(variant.name, async () => variant.once(), { async: true });
      const before = process.cpuUsage();
      const [task] = await bench.run();
      const { user, system } = process.cpuUsage(before);
      if (round < 0) continue;
      const result = task?.result;
      if (!result || !('latency' in result)) throw new Error(`${variant.name} gave no times`);
      wall.push((result.latency.mean * 1000) / variant.operations);
      cpu.push((user + system) / (samples * variant.operations));
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

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
