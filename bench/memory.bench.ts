// What a pool of two threads holds while map() takes 100, 1,000 and 4,000 tasks of 1 MiB: it must not grow with their number.
import { createPool } from '../host/pool/pool.ts';
import { formatSize } from '../runtime/base/units.ts';
import { kernel } from './kernels.ts';
import type { Result } from './result.ts';
import { median } from './rounds.ts';

const COUNTS = [100, 1_000, 4_000] as const;
const SIZE = 1 << 20;

export default async function measure(): Promise<Result> {
  const echo = await kernel('echo');
  const pool = await createPool({ threads: 2 });
  const held: number[] = [];
  for (const count of COUNTS) held.push(await heldBy(count));
  await pool.close();
  const [, thousand = 0, most = 0] = held;
  return {
    name: 'memory',
    times: [],
    measures: [
      {
        measure: `resident memory while it runs (median), map of ${COUNTS.join(' / ')} tasks of 1 MiB`,
        value: held.map(formatSize).join(' / '),
        must: '4,000 tasks within 10 % of 1,000',
        holds: most <= thousand * 1.1,
      },
    ],
  };

  async function heldBy(count: number): Promise<number> {
    const seen: number[] = [];
    let done = 0;
    function* inputs() {
      for (let i = 0; i < count; i++) yield new Uint8Array(SIZE);
    }
    for await (const outcome of pool.map({ kernel: echo, inputs: inputs() })) {
      if (outcome.state !== 'done') throw new Error(outcome.message);
      if (done++ % 20 === 0) seen.push(process.memoryUsage.rss());
    }
    return median(seen);
  }
}
