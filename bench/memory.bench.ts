// What a pool of two threads holds while map() takes 100, 1,000 and 4,000 tasks of 1 MiB: it must not grow with their number.
import { createPool } from '../host/pool/pool.ts';
import { formatSize } from '../runtime/base/units.ts';
import { kernel } from './kernels.ts';
import type { Result } from './result.ts';

const COUNTS = [100, 1_000, 4_000] as const;
const SIZE = 1 << 20;

export default async function measure(): Promise<Result> {
  const echo = await kernel('echo');
  const pool = await createPool({ threads: 2 });
  const peaks: number[] = [];
  for (const count of COUNTS) peaks.push(await peakOf(count));
  await pool.close();
  const [, thousand = 0, most = 0] = peaks;
  return {
    name: 'memory',
    times: [],
    measures: [
      {
        measure: `peak resident memory, map of ${COUNTS.join(' / ')} tasks of 1 MiB`,
        value: peaks.map(formatSize).join(' / '),
        must: '4,000 tasks within 10 % of 1,000',
        holds: most <= thousand * 1.1,
      },
    ],
  };

  async function peakOf(count: number): Promise<number> {
    let peak = 0;
    let seen = 0;
    function* inputs() {
      for (let i = 0; i < count; i++) yield new Uint8Array(SIZE);
    }
    for await (const outcome of pool.map({ kernel: echo, inputs: inputs() })) {
      if (outcome.state !== 'done') throw new Error(outcome.message);
      if (seen++ % 20 === 0) peak = Math.max(peak, process.memoryUsage.rss());
    }
    return peak;
  }
}
