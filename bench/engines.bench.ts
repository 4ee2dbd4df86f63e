// Every kernel on both engines, each in processes of its own: start, speed and peak memory. Reported, without a target.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { short } from '../runtime/base/units.ts';
import type { Told } from './engine-process.ts';
import type { Measure, Result } from './result.ts';
import { geometricMean, median } from './rounds.ts';
import { SUBJECTS, type SubjectName } from './subjects.ts';

const ROUNDS = 7;
const ENGINES = ['v8', 'wasmtime', 'wasmtime, unstoppable'] as const;
const PROGRAM = fileURLToPath(new URL('./engine-process.js', import.meta.url));

export default async function measure(): Promise<Result> {
  const measures: Measure[] = [];
  const ratios: number[] = [];
  for (const name of Object.keys(SUBJECTS) as SubjectName[]) {
    const [v8 = [], wasmtime = [], unstoppable = []] = await interleaved(name);
    const best = (seen: readonly Told[]) => Math.min(...seen.map(({ bestMs }) => bestMs));
    const middle = (seen: readonly Told[], key: 'startMs' | 'peakMiB') => short(median(seen.map((told) => told[key])));
    ratios.push(best(wasmtime) / best(v8));
    measures.push(
      {
        measure: `${name}: a call on Wasmtime, against V8`,
        value:
          `${short(best(wasmtime) / best(v8))}x; ${short(best(unstoppable) / best(v8))}x without fuel, deadlines and cancels ` +
          `(V8 ${short(best(v8))} ms)`,
        must: 'reported',
        holds: null,
      },
      {
        measure: `${name}: from bytes to the first answer; peak of the process's memory`,
        value:
          `V8 ${middle(v8, 'startMs')} ms, ${middle(v8, 'peakMiB')} MiB; ` +
          `Wasmtime ${middle(wasmtime, 'startMs')} ms, ${middle(wasmtime, 'peakMiB')} MiB`,
        must: 'reported',
        holds: null,
      },
    );
  }
  const mean = geometricMean(ratios);
  measures.push({ measure: 'geometric mean of a call', value: `${short(mean)}x`, must: 'reported', holds: null });
  return { name: 'engines', times: [], measures };
}

/** What each engine's processes told, engine by engine; their outputs are compared first. */
async function interleaved(name: SubjectName): Promise<Told[][]> {
  const told: Told[][] = ENGINES.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [place, engine] of ENGINES.entries()) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        PROGRAM,
        engine,
        name,
        String(SUBJECTS[name].calls),
      ]);
      told[place]?.push(JSON.parse(stdout) as Told);
    }
  }
  if (new Set(told.flat().map(({ output }) => output)).size !== 1) throw new Error(`${name}: outputs differ`);
  return told;
}
