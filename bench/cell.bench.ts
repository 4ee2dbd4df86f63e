// What walls cost: the main job through cells against threads, and the start of a cell until its first task's answer.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../host/cell/isolation.ts';
import { missingWalls } from '../host/cell/launch.ts';
import type { CellPool } from '../host/cell/pool.ts';
import { node } from '../host/platform/node.ts';
import type { Pool } from '../host/pool/options.ts';
import { admit } from '../runtime/admit/admit.ts';
import { toHex } from '../runtime/base/platform.ts';
import { short } from '../runtime/base/units.ts';
import type { Job } from '../runtime/job/task.ts';
import { type Measure, quotient, type Result, ratio } from './result.ts';
import { interleave, median, type Variant } from './rounds.ts';

const ROOT = new URL('../../', import.meta.url);
const DATA = new URL('kernels/align/data/', ROOT);
/** The database, so many times over: long enough that what a start costs is lost. */
const COPIES = 40;
const TASK_BYTES = 64 << 10;
const THREADS = 2;
const STARTS = 21;
const TAKEOVERS = 11;
/** Tasks that do nothing: what is left is the way there and back. */
const SMALL_TASKS = 2_000;
const MAIN = ['main job, cell', 'main job, threads'] as const;

export default async function measure(): Promise<Result> {
  const job = await mainJob();
  const echo = { kernel: await admit(await readFile(new URL('dist/kernels/echo.wasm', ROOT)), { platform: node }) };
  const small = { ...echo, inputs: Array.from({ length: SMALL_TASKS }, () => new Uint8Array(64)) };
  const threads = await createPool({ threads: THREADS });
  const cells = await createPool({ threads: THREADS, isolation: 'process' });
  const variants = [
    through('main job, threads', threads, job),
    through('main job, cell', cells, job),
    through('small tasks, threads', threads, small),
    through('small tasks, cell', cells, small),
  ];
  const times = await interleave(variants, { rounds: 11, samples: 1 });
  await Promise.all([threads.close(), cells.close()]);
  return {
    name: 'cell',
    times,
    measures: [
      ratio('main job through a cell, against threads', times, MAIN, 1.05),
      {
        measure:
          'the same by CPU time of all processes, which counts on a busy machine: a cell is the last in its queues',
        value: `${short(quotient(times, MAIN, 'cpuMinUs'))}x (minima), ${short(quotient(times, MAIN, 'cpuMedianUs'))}x (medians)`,
        must: '',
        holds: null,
      },
      ...(await starts(echo.kernel)),
      {
        measure: 'way of a small task through a cell, in a map of 2,000',
        value: times
          .filter(({ name }) => name.startsWith('small'))
          .map(({ name, wallMedianUs }) => `${name}: ${short(wallMedianUs)} us`)
          .join('; '),
        must: '',
        holds: null,
      },
      { measure: 'walls', value: cells.isolation.join(', ') || 'none', must: 'all', holds: missingWalls().size === 0 },
    ],
  };
}

function through(name: string, pool: Pool | CellPool, job: Job): Variant {
  return {
    ...('pids' in pool && { pids: pool.pids }),
    name,
    operations: name.startsWith('small') ? SMALL_TASKS : 1,
    once: async () => {
      for await (const outcome of pool.map(job)) if (outcome.state === 'failed') throw new Error(outcome.message);
    },
  };
}

/** From nothing to a pool of cells that is ready, and to its first answer. */
async function starts(kernel: Job['kernel']): Promise<readonly Measure[]> {
  const ready: number[] = [];
  const answered: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const begun = performance.now();
    const pool = await createPool({ threads: THREADS, isolation: 'process' });
    ready.push(performance.now() - begun);
    await pool.run({ kernel, input: new Uint8Array(1) });
    answered.push(performance.now() - begun);
    await pool.close();
  }
  const [toReady, toAnswer] = [median(ready), median(answered)];
  const taken = await takeovers(kernel);
  return [
    {
      measure: 'start of a cell',
      value: `ready: median ${short(toReady)} ms, best ${short(Math.min(...ready))} ms; first answer: median ${short(toAnswer)} ms`,
      must: '<= 300 ms until ready',
      holds: toReady <= 300,
    },
    {
      measure: 'from the kill of the cell that works to the next answer, with the warm one ready',
      value: `median ${short(median(taken))} ms, best ${short(Math.min(...taken))} ms`,
      must: 'less than a start and its first answer',
      holds: median(taken) < toAnswer,
    },
  ];
}

/** In ms; each time the next warm one is waited for. */
async function takeovers(kernel: Job['kernel']): Promise<readonly number[]> {
  const pool = await createPool({ threads: THREADS, isolation: 'process' });
  const times: number[] = [];
  for (let round = 0; round < TAKEOVERS; round++) {
    while (pool.pids().length < 2) await sleep(10);
    const [worker = 0] = pool.pids();
    const begun = performance.now();
    process.kill(worker, 'SIGKILL');
    await pool.run({ kernel, input: new Uint8Array(1) });
    times.push(performance.now() - begun);
  }
  await pool.close();
  return times;
}

async function mainJob(): Promise<Job> {
  const kernel = await admit(await readFile(new URL('dist/kernels/align.wasm', ROOT)), { platform: node });
  const query = new Uint8Array(await readFile(new URL('query.fasta', DATA)));
  const pieces = cut(await readFile(new URL('proteins.fasta', DATA)));
  const digest = toHex(node.digest(query));
  return {
    kernel,
    blobs: { query },
    grants: [{ kind: 'blobs', name: 'query', digest }],
    inputs: Array.from({ length: COPIES }, () => pieces).flat(),
  };
}

/** Whole records, about 64 KiB of them at a time. */
function cut(text: Buffer): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < text.byteLength; ) {
    const next = text.indexOf('\n>', at + TASK_BYTES);
    const end = next < 0 ? text.byteLength : next + 1;
    pieces.push(new Uint8Array(text.subarray(at, end)));
    at = end;
  }
  return pieces;
}
