// A whole job through a pool, metered and canonical, against as many native processes as there are cores, with as many tasks each.

import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { node } from '../host/platform/node.ts';
import { createPool } from '../host/pool/pool.ts';
import { admit } from '../runtime/admit/admit.ts';
import { toHex } from '../runtime/base/platform.ts';
import { short } from '../runtime/base/units.ts';
import type { Measure } from './result.ts';
import type { SuiteKernel } from './suite.ts';
import type { Spent, Twins } from './twins.ts';

const ROUNDS = 5;
/** Tasks of a job for each core. */
const TASKS = 6;

/** The geometric mean over kernels, by wall time and by CPU time of all threads and processes, minima of rounds by turns. */
export async function pooledMeasure(subjects: readonly SuiteKernel[], twins: Twins): Promise<Measure> {
  const cores = availableParallelism();
  const logs = { wallUs: 0, cpuUs: 0 };
  const each: string[] = [];
  for (const subject of subjects) {
    const best = { pool: { wallUs: Infinity, cpuUs: Infinity }, native: { wallUs: Infinity, cpuUs: Infinity } };
    await using pooled = await jobOf(subject, cores);
    const native = await nativeOf(subject, twins, cores);
    for (let round = -1; round < ROUNDS; round++) {
      const spent = { pool: await pooled.run(), native: await native() };
      // The first makes its code.
      if (round < 0) continue;
      for (const side of ['pool', 'native'] as const) {
        best[side].wallUs = Math.min(best[side].wallUs, spent[side].wallUs);
        best[side].cpuUs = Math.min(best[side].cpuUs, spent[side].cpuUs);
      }
    }
    for (const kind of ['wallUs', 'cpuUs'] as const) logs[kind] += Math.log(best.native[kind] / best.pool[kind]);
    each.push(`${subject.name} ${short(best.native.cpuUs / best.pool.cpuUs)}`);
  }
  const [wall, cpu] = [logs.wallUs, logs.cpuUs].map((sum) => Math.exp(sum / subjects.length)) as [number, number];
  return {
    measure: 'a whole job through the pool with metering, speed of one native process a core: geometric mean',
    value: `${short(wall)}x by wall time, ${short(cpu)}x by CPU time (by CPU time: ${each.join(', ')})`,
    must: '>= 0.85x',
    holds: Math.min(wall, cpu) >= 0.85,
  };
}

async function jobOf(subject: SuiteKernel, cores: number) {
  const bytes = new Uint8Array(await readFile(new URL(`../../dist/kernels/${subject.kernel}.wasm`, import.meta.url)));
  const kernel = await admit(bytes);
  const pool = await createPool({ threads: cores, engine: 'v8' });
  const blobs = subject.blob === undefined ? {} : { query: subject.blob };
  return {
    async run(): Promise<Spent> {
      const inputs = Array.from({ length: cores * TASKS }, () => subject.input);
      const cpu = process.cpuUsage();
      const begun = performance.now();
      for await (const outcome of pool.map({ kernel, inputs, blobs, grants: grantsOf(subject) })) {
        if (outcome.state === 'failed') throw new Error(`${subject.name}: ${outcome.message}`);
      }
      const wallUs = (performance.now() - begun) * 1e3;
      const { user, system } = process.cpuUsage(cpu);
      return { wallUs, cpuUs: user + system };
    },
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

function grantsOf({ kernel, blob }: SuiteKernel) {
  if (blob !== undefined) return [{ kind: 'blobs' as const, name: 'query', digest: toHex(node.digest(blob)) }];
  return kernel === 'dynamics' ? [{ kind: 'random' as const }] : [];
}

/** The best build of 128 bits, a process a core. */
async function nativeOf(subject: SuiteKernel, twins: Twins, cores: number): Promise<() => Promise<Spent>> {
  const starts = Array.from({ length: cores }, () => twins.start(subject, 'clang, 128 bits'));
  const processes = await Promise.all(starts);
  return async () => {
    const begun = performance.now();
    const spent = await Promise.all(
      processes.map(async (twin) => {
        let cpuUs = 0;
        for (let task = 0; task < TASKS; task++) cpuUs += (await twin.run()).cpuUs;
        return cpuUs;
      }),
    );
    return { wallUs: (performance.now() - begun) * 1e3, cpuUs: spent.reduce((sum, one) => sum + one, 0) };
  };
}
