// Tasks that are aborted at random moments: before they begin, while they run, and about when they end.
import process from 'node:process';
import type { Kernel } from 'lodger';
import { createPool } from 'lodger/host';
import type { EngineName } from '../../runtime/job/outcome.ts';
import { DO, inputOf, markOf } from './guest.ts';
import { dice } from './storm.ts';

/** What the process used of one core in so many milliseconds from now. */
export async function cpuShareOver(ms: number): Promise<number> {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / ms;
}

/** Aborts `count` tasks, endless ones and ones that take a few ms. What went wrong, in words; nothing if all is well. */
export async function cancels(
  kernel: Kernel,
  { engine, count, seed }: { readonly engine: EngineName; readonly count: number; readonly seed: number },
): Promise<string[]> {
  const roll = dice(seed);
  const pool = await createPool({ engine, threads: 2 });
  const faults: string[] = [];
  const one = async (mark: number) => {
    const what = roll() < 0.5 ? DO.loop : DO.burn;
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), roll() * 12);
    try {
      const outcome = await pool.run({ kernel, input: inputOf(what, mark) }, { signal: control.signal });
      const whole = outcome.state === 'done' && markOf(outcome.output) === mark && outcome.receipt.bytesOut === 5;
      if (what === DO.loop || !whole) faults.push(`task ${mark} gave ${JSON.stringify(outcome)}`);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'ERR_ABORTED' || !control.signal.aborted) faults.push(`task ${mark} was rejected: ${error}`);
    } finally {
      clearTimeout(timer);
    }
  };
  for (let mark = 0; mark < count; mark += 3) await Promise.all([one(mark), one(mark + 1), one(mark + 2)]);
  const last = await pool.run({ kernel, input: inputOf(DO.echo, count) });
  if (last.state !== 'done' || markOf(last.output) !== count) faults.push('the pool does not work any more');
  await pool.close();
  const { running, waiting, threadRestarts } = pool.stats();
  if (running + waiting > 0) faults.push(`${running} tasks run and ${waiting} wait after all have settled`);
  if (engine === 'wasmtime' && threadRestarts > 0) faults.push(`${threadRestarts} threads had to be ended`);
  return faults;
}
