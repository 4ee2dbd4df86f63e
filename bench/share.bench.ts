// How well a share of one core is kept, by guests of every shape: CPU time of the pool's thread against time on the clock. On Linux.
import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../host/pool/options.ts';
import { createPool } from '../host/pool/pool.ts';
import { admit } from '../runtime/admit/admit.ts';
import { short } from '../runtime/base/units.ts';
import type { EngineName } from '../runtime/job/outcome.ts';
import { build, kernel } from './kernels.ts';
import type { Measure, Result } from './result.ts';

const ENGINES: readonly EngineName[] = ['v8', 'wasmtime'];
const SHARES = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9];
const WARM_MS = 300;
const MS = 1_500;

/** Loops for ever over memory, and by filling megabytes of it. */
const LOOPS = {
  memory: `let at: i32 = 0; for (;;) { store<i32>(at, load<i32>(at) + 1); at = (at + 4096) & 0xfffff; }`,
  fills: 'for (;;) memory.fill(65536, 1, 4 << 20);',
};

export default async function measure(): Promise<Result> {
  const measures: Measure[] = [];
  for (const engine of ENGINES) {
    for (const [shape, keepBusy] of Object.entries(await shapes()))
      measures.push(await shareOf(engine, shape, keepBusy));
  }
  return { name: 'share', times: [], measures };
}

type Busy = (pool: Pool, signal: AbortSignal) => Promise<unknown>;

async function shapes(): Promise<Readonly<Record<string, Busy>>> {
  const loop = await kernel('loop');
  const nothing = await kernel('nothing');
  const endless =
    (one: typeof loop): Busy =>
    (pool, signal) =>
      pool.run({ kernel: one, input: new Uint8Array(1) }, { signal });
  const made = await Promise.all(
    Object.entries(LOOPS).map(async ([name, body]) => {
      const source = `memory.grow(100); export function run(input: Uint8Array): Uint8Array { ${body} return input; }`;
      return [`a loop over ${name}`, endless(await admit(await build(source)))] as const;
    }),
  );
  const small: Busy = async (pool, signal) => {
    const inputs = (function* () {
      while (!signal.aborted) yield new Uint8Array(16);
    })();
    for await (const _ of pool.map({ kernel: nothing, inputs })) if (signal.aborted) break;
  };
  return { 'an endless loop': endless(loop), ...Object.fromEntries(made), 'tasks that do nothing': small };
}

async function shareOf(engine: EngineName, shape: string, keepBusy: Busy): Promise<Measure> {
  const kept: string[] = [];
  let worst = 0;
  for (const cpuShare of SHARES) {
    const pool = await createPool({ engine, threads: 1, cpuShare });
    const control = new AbortController();
    const busy = keepBusy(pool, control.signal).catch(() => undefined);
    await sleep(WARM_MS);
    const [before, from] = [await cpuMsOfThreads(), performance.now()];
    await sleep(MS);
    const [after, until] = [await cpuMsOfThreads(), performance.now()];
    // The busiest thread beside the main one, which sends it work.
    const busiest = Math.max(...[...after].map(([thread, ms]) => ms - (before.get(thread) ?? 0)));
    const share = busiest / (until - from);
    control.abort();
    await busy;
    await pool.close('end');
    worst = Math.max(worst, Math.abs(share / cpuShare - 1));
    kept.push(`${cpuShare}: ${short(share)}`);
  }
  return {
    measure: `share of one core asked and kept, ${engine}, ${shape}`,
    value: `${kept.join(', ')}; off by ${short(100 * worst)} % at worst`,
    must: 'within 10 %',
    holds: worst <= 0.1,
  };
}

/** CPU time of each thread of this process but the main one, in ms. */
async function cpuMsOfThreads(): Promise<ReadonlyMap<string, number>> {
  const threads = (await readdir('/proc/self/task')).filter((thread) => thread !== String(process.pid));
  const times = threads.map(async (thread) => {
    const text = await readFile(`/proc/self/task/${thread}/schedstat`, 'utf8').catch(() => '0');
    return [thread, Number(text.split(' ')[0]) / 1e6] as const;
  });
  return new Map(await Promise.all(times));
}
