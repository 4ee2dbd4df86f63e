// Tasks that are aborted at random moments: before they begin, while they run, and about when they end.
import type { Kernel, Outcome } from 'lodger';
import { createPool, type PoolOptions } from 'lodger/host';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { DO, inputOf, markOf } from './guest.ts';
import { dice } from './storm.ts';

/** Pools that stop a guest without its thread: it hears of it when it asks for fuel, or the engine is told. */
export const STOPPED: readonly (readonly [string, PoolOptions])[] = ENGINE_NAMES.flatMap((engine) =>
  [true, false]
    .filter((metered) => metered || engine === 'wasmtime')
    .map((metered) => [metered ? engine : `${engine}, not metered`, { engine, metered }] as const),
);

interface Wanted {
  readonly options: PoolOptions;
  readonly count: number;
  readonly seed: number;
}

/** Aborts `count` tasks, endless ones and ones that take a few ms. What went wrong, in words; nothing if all is well. */
export async function cancels(kernel: Kernel, { options, count, seed }: Wanted): Promise<string[]> {
  const roll = dice(seed);
  const pool = await createPool({ ...options, threads: 2 });
  const faults: string[] = [];
  const done: Outcome[] = [];
  let aborted = 0;
  const one = async (mark: number) => {
    const what = roll() < 0.5 ? DO.loop : DO.burn;
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), roll() * 12);
    try {
      const outcome = await pool.run({ kernel, input: inputOf(what, mark) }, { signal: control.signal });
      done.push(outcome);
      const whole = outcome.state === 'done' && markOf(outcome.output) === mark && outcome.receipt.bytesOut === 5;
      if (what === DO.loop || !whole) faults.push(`task ${mark} gave ${JSON.stringify(outcome)}`);
    } catch (error) {
      aborted++;
      const { code } = error as { code?: string };
      if (code !== 'ERR_ABORTED' || !control.signal.aborted) faults.push(`task ${mark} was rejected: ${error}`);
    } finally {
      clearTimeout(timer);
    }
  };
  for (let mark = 0; mark < count; mark += 3) await Promise.all([one(mark), one(mark + 1), one(mark + 2)]);
  // Ones that nobody aborts: on a busy machine all others may be.
  const burn = () => pool.run({ kernel, input: inputOf(DO.burn, count) });
  done.push(await burn(), await burn());
  const last = await pool.run({ kernel, input: inputOf(DO.echo, count) });
  if (last.state !== 'done' || markOf(last.output) !== count) faults.push('the pool does not work any more');
  await pool.close();
  const { running, waiting, threadRestarts } = pool.stats();
  if (running + waiting > 0) faults.push(`${running} tasks run and ${waiting} wait after all have settled`);
  if (threadRestarts > 0) faults.push(`${threadRestarts} threads had to be ended`);
  if (aborted === 0) faults.push('no task was aborted');
  return [...faults, ...wrongReceipts(done, kernel, options)];
}

/** All of these did the same work, so their receipts say the same. */
function wrongReceipts(done: readonly Outcome[], kernel: Kernel, { engine, metered }: PoolOptions): string[] {
  const fuel = done.at(-1)?.receipt.fuel;
  const isRight = ({ receipt }: Outcome) =>
    receipt.engine.name === engine &&
    receipt.kernel === kernel.digest &&
    receipt.attempts === 1 &&
    receipt.fuel === fuel &&
    (fuel !== undefined) === metered &&
    receipt.bytesIn === 5 &&
    receipt.memoryBytesPeak === 65_536;
  return done.filter((each) => !isRight(each)).map(({ receipt }) => `a receipt says ${JSON.stringify(receipt)}`);
}
