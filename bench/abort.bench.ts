// How soon an abort of an endless loop settles, and how soon the next waiting task has its answer: with the counter of fuel and without.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../host/pool/pool.ts';
import { short } from '../runtime/base/units.ts';
import type { EngineName } from '../runtime/job/outcome.ts';
import { kernel } from './kernels.ts';
import type { Measure, Result } from './result.ts';
import { median } from './rounds.ts';

interface Way {
  readonly engine: EngineName;
  readonly metered: boolean;
  readonly rounds: number;
  /** What must hold, in ms: median and 99th percentile until the abort has settled, and the median of what the next task waits after. */
  readonly must: readonly [settled: number, p99: number, next: number];
}

const WAYS: readonly Way[] = [
  { engine: 'v8', metered: true, rounds: 200, must: [5, 20, 1] },
  { engine: 'wasmtime', metered: true, rounds: 200, must: [5, 20, 1] },
  // Without the counter V8 has to end the thread.
  { engine: 'v8', metered: false, rounds: 60, must: [20, 200, 10] },
];

export default async function measure(): Promise<Result> {
  const measures: Measure[] = [];
  for (const way of WAYS) measures.push(...(await cancels(way)));
  return { name: 'abort', times: [], measures };
}

async function cancels({ engine, metered, rounds, must }: Way): Promise<Measure[]> {
  const loop = await kernel('loop');
  const pool = await createPool({ engine, metered, threads: 1 });
  await pool.run({ kernel: loop, input: new Uint8Array(2) });
  const settled: number[] = [];
  const next: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const control = new AbortController();
    const endless = pool.run({ kernel: loop, input: new Uint8Array(1) }, { signal: control.signal });
    const waiting = pool.run({ kernel: loop, input: new Uint8Array(2) });
    // Long enough for a new thread to be there, and at any moment of a slice.
    await sleep((metered ? 30 : 150) + Math.random() * 50);
    const from = performance.now();
    control.abort();
    const ended = endless.catch(() => settled.push(performance.now() - from));
    await waiting;
    next.push(performance.now() - from);
    await ended;
  }
  await pool.close();
  const waits = next.map((value, round) => Math.max(0, value - (settled[round] as number)));
  const p99 = percentile(settled, 0.99);
  const name = `${engine}${metered ? ', metered' : ', not metered'}`;
  return [
    {
      measure: `abort of an endless loop until its promise settles, ${name}`,
      value: `median ${short(median(settled))} ms, 99th percentile ${short(p99)} ms of ${rounds}`,
      must: `<= ${must[0]} ms, <= ${must[1]} ms`,
      holds: median(settled) <= must[0] && p99 <= must[1],
    },
    {
      measure: `the next waiting task's answer after that, ${name}`,
      value: `median ${short(median(waits))} ms, 99th percentile ${short(percentile(waits, 0.99))} ms`,
      must: `median <= ${must[2]} ms`,
      holds: median(waits) <= must[2],
    },
  ];
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] as number;
}
