// What a benchmark says: times, ratios against what they must be, the machine and the versions; as JSON and as a table.
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import { nodeEngine } from '../host/platform/engines.ts';
import { formatSize, short } from '../runtime/base/units.ts';
import type { Timed } from './rounds.ts';

/** One measure of the issue's or README's table. `must` is said as people read it; `holds` is whether it was met. */
export interface Measure {
  readonly measure: string;
  readonly value: string;
  readonly must: string;
  readonly holds: boolean | null;
}

export interface Result {
  readonly name: string;
  readonly times: readonly Timed[];
  readonly measures: readonly Measure[];
}

/** A ratio of two variants' wall times, by minima and by medians; the worse of the two has to hold. */
export function ratio(
  measure: string,
  times: readonly Timed[],
  names: readonly [ours: string, theirs: string],
  atMost: number,
): Measure {
  const [minima, medians] = [quotient(times, names, 'wallMinUs'), quotient(times, names, 'wallMedianUs')];
  return {
    measure,
    value: `${short(minima)}x (minima), ${short(medians)}x (medians)`,
    must: `<= ${atMost}x`,
    holds: Math.max(minima, medians) <= atMost,
  };
}

/** What one variant's times of a kind are of another's. */
export function quotient(
  times: readonly Timed[],
  [ours, theirs]: readonly [ours: string, theirs: string],
  of: Exclude<keyof Timed, 'name'>,
): number {
  const [a, b] = [ours, theirs].map((name) => times.find((timed) => timed.name === name));
  if (!a || !b) throw new Error(`no times of ${ours} and ${theirs}`);
  return a[of] / b[of];
}

function wasmtimeVersion(): string {
  try {
    return nodeEngine('wasmtime').version;
  } catch {
    return 'not here';
  }
}

/** Writes `bench/results/<name>.json` and prints the tables. */
export async function publish({ name, times, measures }: Result): Promise<void> {
  const machine = { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, memory: formatSize(totalmem()) };
  const versions = { node: process.version, v8: process.versions.v8, wasmtime: wasmtimeVersion() };
  const folder = new URL('../../bench/results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const document = { name, date: new Date().toISOString().slice(0, 10), machine, versions, measures, times };
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(document, null, 2)}\n`);
  const rows = new Table({ head: ['variant', 'wall min us', 'wall median us', 'CPU min us', 'CPU median us'] });
  for (const timed of times) {
    const { wallMinUs, wallMedianUs, cpuMinUs, cpuMedianUs } = timed;
    rows.push([timed.name, ...[wallMinUs, wallMedianUs, cpuMinUs, cpuMedianUs].map(short)]);
  }
  const summary = new Table({ head: ['measure', 'value', 'must', ''] });
  for (const { measure, value, must, holds } of measures) {
    summary.push([measure, value, must, holds === null ? '' : holds ? 'holds' : 'MISSED']);
  }
  process.stdout.write(`\n${name}\n${times.length > 0 ? `${rows.toString()}\n` : ''}${summary.toString()}\n`);
}
