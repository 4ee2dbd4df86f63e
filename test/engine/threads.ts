// Runs guests that trap on both engines in turn, and starts and ends threads that have the addon loaded.
import { execFile } from 'node:child_process';
import { createPool } from 'lodger/host';
import { DO, guest, inputOf, markOf } from '../pool/guest.ts';

/** Traps and answers from a pool of each engine, one thread each, at once. */
export async function traps(count: number): Promise<{ readonly tasks: number; readonly faults: string[] }> {
  const kernel = await guest();
  const pools = [
    await createPool({ engine: 'v8', threads: 1 }),
    await createPool({ engine: 'wasmtime', threads: 1 }),
  ] as const;
  const faults: string[] = [];
  const one = async (mark: number) => {
    const what = mark % 3 === 0 ? DO.echo : DO.trap;
    const outcome = await (pools[mark % 2] as (typeof pools)[0]).run({ kernel, input: inputOf(what, mark) });
    const engine = mark % 2 === 0 ? 'v8' : 'wasmtime';
    const right =
      what === DO.trap
        ? outcome.state === 'failed' && outcome.message === 'trap: unreachable executed'
        : outcome.state === 'done' && markOf(outcome.output) === mark;
    if (!right || outcome.receipt.engine.name !== engine) faults.push(`task ${mark}: ${JSON.stringify(outcome)}`);
  };
  for (let mark = 0; mark < count; mark += 8)
    await Promise.all(Array.from({ length: 8 }, (_, place) => one(mark + place)));
  for (const pool of pools) {
    if (pool.stats().threadRestarts > 0) faults.push('a thread was lost');
    await pool.close();
  }
  return { tasks: count, faults };
}

/** A process of its own that starts and ends threads; the addon is loaded first where `order` says. */
export function restarts(
  order: string,
  rounds: number,
): Promise<{ readonly code: number | string | null; readonly stdout: string; readonly stderr: string }> {
  const script = new URL('./restarts.mjs', import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [script, order, String(rounds)], (error, stdout, stderr) => {
      const { code = null, signal } = (error ?? { code: 0 }) as { code?: number; signal?: string };
      resolve({ code: signal ?? code, stdout, stderr });
    });
  });
}
