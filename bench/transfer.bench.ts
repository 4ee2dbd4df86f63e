// 16 MiB to a thread and another 16 MiB back: our shared input and moved output against structured clone both ways.
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { createPool } from '../host/pool/pool.ts';
import { createShelf } from '../host/pool/share.ts';
import { kernel } from './kernels.ts';
import { type Result, ratio } from './result.ts';
import { interleave } from './rounds.ts';

const SIZE = 16 << 20;

export default async function measure(): Promise<Result> {
  const echo = await kernel('echo');
  const file = (name: string) => fileURLToPath(new URL(`./threads/${name}.js`, import.meta.url));
  const clone = new Piscina({ filename: file('cloned'), minThreads: 1, maxThreads: 1 });
  const moving = new Piscina({ filename: file('moved'), minThreads: 1, maxThreads: 1 });
  const pool = await createPool({ threads: 1 });
  const shelf = createShelf(4 * SIZE);
  const input = new Uint8Array(SIZE).fill(3);
  const variant = (name: string, run: () => Promise<Uint8Array>) => ({
    name,
    operations: 1,
    once: async () => {
      const output = await run();
      if (output.byteLength !== SIZE || output[SIZE - 1] !== 3) throw new Error(`${name} lost bytes`);
    },
  });
  const times = await interleave(
    [
      variant('structured clone both ways', () => clone.run(input)),
      variant('our way: shared input, moved output', async () => {
        const copy = shelf.own(input);
        const output = await moving.run(copy);
        shelf.giveBack(copy);
        return output;
      }),
      variant('our pool, through an echo kernel', async () => {
        const outcome = await pool.run({ kernel: echo, input });
        if (outcome.state === 'failed') throw new Error(outcome.message);
        return outcome.output;
      }),
    ],
    { rounds: 15, samples: 12 },
  );
  await Promise.all([clone.destroy(), moving.destroy(), pool.close()]);
  const ways = ['our way: shared input, moved output', 'structured clone both ways'] as const;
  const whole = ['our pool, through an echo kernel', 'structured clone both ways'] as const;
  return {
    name: 'transfer',
    times,
    measures: [
      ratio('16 MiB to a thread and back, against structured clone', times, ways, 0.3),
      { ...ratio('the same with a sandboxed echo kernel in between', times, whole, 1), must: 'reported', holds: null },
    ],
  };
}
