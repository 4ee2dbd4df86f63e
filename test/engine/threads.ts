// Runs guests that trap on both engines in turn, and starts and ends threads that have the addon loaded.
import { execFile } from 'node:child_process';
import { createPool } from 'lodger/host';
import { DO, guest, inputOf, markOf } from '../pool/guest.ts';

/** What traps, and what is said of it then: one is an instruction, the other a fault of memory that the engine has to find its own. */
const TRAPS = [
  [DO.trap, 'trap: unreachable executed'],
  [DO.outside, 'trap: memory access out of bounds'],
] as const;

/** So many traps, half of either kind, from a pool of each engine, one thread each, at once; and answers in between. How often what was seen. */
export async function traps(count: number): Promise<Readonly<Record<string, number>>> {
  const kernel = await guest();
  const pools = [
    await createPool({ engine: 'v8', threads: 1 }),
    await createPool({ engine: 'wasmtime', threads: 1 }),
  ] as const;
  const seen: Record<string, number> = {};
  const one = async (mark: number, what: number) => {
    const { state, receipt, ...ending } = await (pools[mark % 2] as (typeof pools)[0]).run({
      kernel,
      input: inputOf(what, mark),
    });
    const said = 'message' in ending ? ending.message : markOf(ending.output) === mark ? state : 'a wrong answer';
    const key = `${receipt.engine.name} ${said}`;
    seen[key] = (seen[key] ?? 0) + 1;
  };
  for (let mark = 0; mark < count; mark += 8) {
    const eight = Array.from({ length: 8 }, (_, place) => one(mark + place, TRAPS[(place >> 1) % 2]?.[0] as number));
    await Promise.all([...eight, one(mark, DO.echo), one(mark + 1, DO.echo)]);
  }
  for (const pool of pools) {
    seen['threads lost'] = (seen['threads lost'] ?? 0) + pool.stats().threadRestarts;
    await pool.close();
  }
  return seen;
}

/** What `traps` sees if every trap is caught by its own engine; `count` divides by 8. */
export function caught(count: number): Readonly<Record<string, number>> {
  const perEngine = (name: string) => [
    ...TRAPS.map(([, message]) => [`${name} ${message}`, count / 4] as const),
    [`${name} done`, count / 8] as const,
  ];
  return { ...Object.fromEntries(['v8', 'wasmtime'].flatMap(perEngine)), 'threads lost': 0 };
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
