// How soon an abort of an endless loop settles, and how soon the next waiting task has its answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../host/pool/pool.ts';
import { short } from '../runtime/base/units.ts';
import { kernel } from './kernels.ts';
import type { Result } from './result.ts';
import { median } from './rounds.ts';

const ROUNDS = 60;

export default async function measure(): Promise<Result> {
  const loop = await kernel('loop');
  const pool = await createPool({ threads: 1 });
  await pool.run({ kernel: loop, input: new Uint8Array(2) });
  const settled: number[] = [];
  const next: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const control = new AbortController();
    const endless = pool.run({ kernel: loop, input: new Uint8Array(1) }, { signal: control.signal });
    const waiting = pool.run({ kernel: loop, input: new Uint8Array(2) });
    await sleep(150 + Math.random() * 50);
    const from = performance.now();
    control.abort();
    await endless.catch(() => settled.push(performance.now() - from));
    await waiting;
    next.push(performance.now() - from);
  }
  await pool.close();
  const measureOf = (name: string, values: readonly number[], atMost: number) => ({
    measure: name,
    value: `median ${short(median(values))} ms, worst of ${ROUNDS} ${short(Math.max(...values))} ms`,
    must: `median <= ${atMost} ms`,
    holds: median(values) <= atMost,
  });
  const waited = next.map((value, round) => Math.max(0, value - (settled[round] as number)));
  return {
    name: 'abort',
    times: [],
    measures: [
      measureOf('abort of an endless loop, until the promise settles', settled, 20),
      measureOf('until the next waiting task is answered, after that', waited, 10),
      measureOf('until the next waiting task is answered, after the abort', next, 30),
    ],
  };
}
