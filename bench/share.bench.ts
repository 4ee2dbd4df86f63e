// How well a share of one core is kept, by guests and tasks of every shape: CPU time of a pool's thread against time on the clock. On Linux.
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../host/pool/options.ts';
import { createPool } from '../host/pool/pool.ts';
import { short } from '../runtime/base/units.ts';
import type { EngineName } from '../runtime/job/outcome.ts';
import { type Shape, shapes } from './busy.ts';
import type { Measure, Result } from './result.ts';

const ENGINES: readonly EngineName[] = ['v8', 'wasmtime'];
const WARM_MS = 500;
const MS = 2_000;
const OFF_MAX = 0.1;

/** Shares that are measured at the same time, each by a pool of its own: never more than two cores have. */
const TOGETHER = [
  [0.05, 0.1, 0.25, 0.9],
  [0.5, 0.75],
];
/** Of tasks, whose sender is busy, too. */
const SENT = [[0.05, 0.1, 0.25], [0.5], [0.9], [1]];

export default async function measure(): Promise<Result> {
  const measures: Measure[] = [];
  const all = await shapes();
  for (const engine of ENGINES) for (const shape of all) measures.push(await sharesOf(engine, shape));
  return { name: 'share', times: [], measures };
}

async function sharesOf(engine: EngineName, shape: Shape): Promise<Measure> {
  const kept: [asked: number, kept: number][] = [];
  for (const shares of shape.isSent ? SENT : TOGETHER) kept.push(...(await keptOf(engine, shape, shares)));
  kept.sort(([one], [other]) => one - other);
  // A thread that waits for tasks uses less than it may: what it does when nothing holds it is the most that can be kept.
  const most = kept.find(([asked]) => asked === 1)?.[1] ?? 1;
  const worst = Math.max(...kept.map(([asked, share]) => Math.abs(share / Math.min(asked, most) - 1)));
  return {
    measure: `share of one core asked and kept, ${engine}, ${shape.name}`,
    value: `${kept.map(([asked, share]) => `${asked}: ${short(share)}`).join(', ')}; off by ${short(100 * worst)} % at worst`,
    must: `within ${100 * OFF_MAX} %`,
    holds: worst <= OFF_MAX,
  };
}

async function keptOf(engine: EngineName, { keepBusy }: Shape, shares: readonly number[]): Promise<[number, number][]> {
  const control = new AbortController();
  const works: Promise<unknown>[] = [];
  const pools: { readonly pool: Pool; readonly share: number; readonly threads: readonly string[] }[] = [];
  for (const share of shares) {
    const others = new Set(await readdir('/proc/self/task'));
    const pool = await createPool({ engine, threads: 1, cpuShare: share });
    pools.push({ pool, share, threads: (await readdir('/proc/self/task')).filter((thread) => !others.has(thread)) });
    works.push(keepBusy(pool, control.signal).catch(() => undefined));
  }
  await sleep(WARM_MS);
  const before = await Promise.all(pools.map(({ threads }) => usedBy(threads)));
  await sleep(MS);
  const after = await Promise.all(pools.map(({ threads }) => usedBy(threads)));
  control.abort();
  await Promise.all(works);
  await Promise.all(pools.map(({ pool }) => pool.close('end')));
  return pools.map(({ share }, at) => [share, shareBetween(before[at] as Used, after[at] as Used)]);
}

/** CPU time of all threads of a pool, as the spare one may have a turn, and when it was read, in ms. */
interface Used {
  readonly at: number;
  readonly cpuMs: number;
}

async function usedBy(threads: readonly string[]): Promise<Used> {
  const times = threads.map(async (thread) => {
    const text = await readFile(`/proc/self/task/${thread}/schedstat`, 'utf8').catch(() => '0');
    return Number(text.split(' ')[0]) / 1e6;
  });
  return { cpuMs: (await Promise.all(times)).reduce((sum, ms) => sum + ms, 0), at: performance.now() };
}

function shareBetween(from: Used, to: Used): number {
  return (to.cpuMs - from.cpuMs) / (to.at - from.at);
}
