// Many tasks at once, of which some loop, trap or are aborted: what a pool must come through with nothing lost and nothing left.
import type { Kernel, Outcome } from 'lodger';
import type { Pool } from 'lodger/host';
import { DO, inputOf, markOf } from './guest.ts';

/** Bytes of the inputs that lie in shared memory. */
const LARGE = 100_000;

export interface Fate {
  readonly mark: number;
  readonly what: number;
  readonly aborted: boolean;
  readonly result: Outcome | { readonly state: 'rejected'; readonly code: string };
}

/** Numbers from 0 to 1, the same for a seed: mulberry32. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs `count` tasks; about `trouble` of them loop, as many trap, as many are aborted at some moment. Every fate, in order. */
export async function storm(pool: Pool, kernel: Kernel, count: number, trouble: number, seed: number): Promise<Fate[]> {
  const roll = dice(seed);
  const tasks = Array.from({ length: count }, async (_, mark): Promise<Fate> => {
    const lot = roll();
    const what = lot < trouble ? DO.loop : lot < 2 * trouble ? DO.trap : lot < 0.2 ? DO.burn : DO.echo;
    const aborted = roll() < trouble;
    const control = new AbortController();
    if (aborted) setTimeout(() => control.abort(), roll() * 500);
    const size = roll() < 0.05 ? LARGE : 5;
    const task = pool.run(
      { kernel, input: inputOf(what, mark, size), limits: { wallMsMax: 250 } },
      { signal: control.signal },
    );
    const result = await task.catch((error: { code: string }) => ({ state: 'rejected' as const, code: error.code }));
    return { mark, what, aborted, result };
  });
  return Promise.all(tasks);
}

/** What is wrong with a fate, if anything. */
export function wrong({ mark, what, aborted, result }: Fate): string | undefined {
  if (result.state === 'rejected')
    return aborted && result.code === 'ERR_ABORTED' ? undefined : `${mark} rejected with ${result.code}`;
  if (what === DO.loop)
    return result.state === 'failed' && result.code === 'ERR_WALL_SPENT'
      ? undefined
      : `${mark} should have been stopped`;
  if (what === DO.trap)
    return result.state === 'failed' && result.code === 'ERR_TRAP' ? undefined : `${mark} should have trapped`;
  return result.state === 'done' && markOf(result.output) === mark
    ? undefined
    : `${mark} is not whole: ${JSON.stringify(result)}`;
}
