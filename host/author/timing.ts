// Times a task on every engine, metered and not: one of each in turn, round by round, so that a machine that slows down slows all of them.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import type { Task } from '../../runtime/job/task.ts';
import type { Pool } from '../pool/options.ts';
import { createPool } from '../pool/pool.ts';

/** What was measured of one engine. Times in ms, of the task in its thread: a fresh instance, the call, the end. */
export interface Timing {
  readonly engine: EngineName;
  readonly metered: boolean;
  readonly rounds: number;
  readonly msMin: number;
  readonly msMedian: number;
  /** Absent where the engine's threads do not tell. */
  readonly cpuMsMedian?: number;
  readonly memoryBytesPeak: number;
}

export interface Timings {
  readonly fuel?: number;
  readonly timings: readonly Timing[];
  /** The first outcome that is no output, or is another one than the first: nothing was measured then. */
  readonly failed?: Outcome;
}

export interface TimingOptions {
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  readonly signal: AbortSignal;
}

/** Rounds that are not counted: code is compiled anew until it is fast. */
const WARM_UP = 3;

interface Variant {
  readonly engine: EngineName;
  readonly metered: boolean;
  readonly pool: Pool;
  readonly outcomes: Outcome[];
}

/** Runs a task so often on each engine. Throws what runners throw, and `ERR_HOST_FAULT` where two give different outputs. */
export async function timeTask(task: Task, { engines, rounds, signal }: TimingOptions): Promise<Timings> {
  const variants: Variant[] = [];
  try {
    for (const engine of engines)
      for (const metered of [true, false])
        variants.push({ engine, metered, pool: await createPool({ engine, metered, threads: 1 }), outcomes: [] });
    for (let round = 0; round < WARM_UP + rounds; round++) {
      for (const { metered, pool, outcomes } of variants) {
        const outcome = await pool.run(metered ? task : unmetered(task), { signal });
        if (outcome.state === 'failed') return { timings: [], failed: outcome };
        outcomes.push(outcome);
      }
      if (round === 0) mustBeEqual(variants);
    }
  } finally {
    for (const { pool } of variants) await pool.close('end');
  }
  const fuel = variants[0]?.outcomes[0]?.receipt.fuel;
  return { ...(fuel !== undefined && { fuel }), timings: variants.map(timingOf) };
}

/** A runner that counts no fuel refuses a limit on it. */
function unmetered({ limits: { fuelMax: _, ...limits } = {}, ...task }: Task): Task {
  return { ...task, limits };
}

/** Without metering NaNs are the machine's, and so are outputs that hold them. */
function mustBeEqual(variants: readonly Variant[]): void {
  const [first, ...others] = variants
    .filter(({ metered }) => metered)
    .map(({ engine, outcomes }) => ({ engine, outcome: outcomes[0] }));
  if (first?.outcome?.state !== 'done' || !first.outcome.receipt.deterministic) return;
  for (const { engine, outcome } of others) {
    if (outcome?.state !== 'done' || Buffer.compare(outcome.output, first.outcome.output) === 0) continue;
    throw new LodgerError('ERR_HOST_FAULT', [`${engine} and ${first.engine} give different outputs`]);
  }
}

function timingOf({ engine, metered, outcomes }: Variant): Timing {
  const receipts = outcomes.slice(WARM_UP).map(({ receipt }) => receipt);
  const wall = sorted(receipts.map(({ wallMs }) => wallMs));
  const cpu = sorted(receipts.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs])));
  return {
    ...{ engine, metered, rounds: wall.length, msMin: wall[0] ?? 0, msMedian: middle(wall) },
    ...(cpu.length > 0 && { cpuMsMedian: middle(cpu) }),
    memoryBytesPeak: Math.max(...receipts.map(({ memoryBytesPeak = 0 }) => memoryBytesPeak)),
  };
}

function sorted(values: number[]): readonly number[] {
  return values.sort((one, other) => one - other);
}

function middle(values: readonly number[]): number {
  return values[values.length >> 1] ?? 0;
}
