// The threads or the cell that tasks of a site run on, and the machine as a site is told of it.
import { availableParallelism, hostname } from 'node:os';
import process from 'node:process';
import { POOL } from '../../runtime/base/limits.ts';
import type { EngineChoice } from '../../runtime/job/form.ts';
import type { Terms } from '../../runtime/job/task.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import { CELL } from '../cell/ceilings.ts';
import { createPool, type Isolation } from '../cell/isolation.ts';
import type { CellPool } from '../cell/pool.ts';
import type { Strictness } from '../cell/walls.ts';
import type { Crew, Machine } from '../lend/contracts.ts';
import { nodeEngine } from '../platform/engines.ts';
import { VERSION } from '../platform/version.ts';
import type { Pool } from '../pool/options.ts';
import { createPool as createThreads, type OpenJob, type ThreadPool } from '../pool/pool.ts';
import type { OwnerPolicy } from './policy.ts';

export interface CrewOptions {
  readonly isolation: Isolation;
  readonly strict: Strictness;
  readonly engine: EngineChoice;
}

/** A crew that can be sent home. */
export interface AgentCrew extends Crew {
  /** The walls around it. */
  readonly isolation: readonly string[];
  /** Its processes, this one among them. */
  pids(): readonly number[];
  setCpuShare(share: number): void;
  /** `drain` lets what it has come to its end. */
  close(how: 'drain' | 'end'): Promise<void>;
}

type Shape = Pick<OwnerPolicy, 'threads' | 'cpuShare' | 'memoryBytesMax'>;

/** A cell needs so much to start; the policy's limits bound what tasks may hold in it. */
const CELL_BYTES_MIN = 256 * 2 ** 20;

/** Starts one. Throws like `createPool`: `ERR_ISOLATION_MISSING` for walls that this machine does not give, `ERR_ENGINE_MISSING`. */
export async function createCrew(policy: Shape, { isolation, strict, engine }: CrewOptions): Promise<AgentCrew> {
  const threads = threadsOf(policy);
  const shared = { engine, threads, cpuShare: policy.cpuShare };
  if (isolation === 'thread') {
    const pool = await createThreads(shared, { forStrangers: true, batchMsTarget: CELL.batchMsTarget.default });
    return { ...crewOf(pool, policy), begin: beginner(pool), threads, isolation: [], pids: () => [process.pid] };
  }
  const cellMemoryBytesMax = Math.min(Math.max(policy.memoryBytesMax, CELL_BYTES_MIN), CELL.memoryBytesMax.max);
  const pool: CellPool = await createPool({ ...shared, isolation: 'process', strict, cellMemoryBytesMax });
  return {
    ...crewOf(pool, policy),
    ...{ threads, isolation: pool.isolation, pids: () => [process.pid, ...pool.pids()] },
  };
}

function beginner(pool: ThreadPool): NonNullable<Crew['begin']> {
  const jobs = new WeakMap<Terms, OpenJob>();
  return (terms, one) => {
    const job = jobs.get(terms) ?? pool.open(terms);
    jobs.set(terms, job);
    return job.run(one);
  };
}

function crewOf(pool: Pool, { cpuShare }: Shape): Omit<AgentCrew, 'threads' | 'isolation' | 'pids'> {
  let share = cpuShare;
  let isQuiet = false;
  const set = () => pool.setCpuShare(isQuiet ? POOL.cpuShareMin.default : share);
  return {
    ...{ run: pool.run, steppers: async () => pool },
    hush: (quiet) => {
      isQuiet = quiet;
      set();
    },
    setCpuShare: (given) => {
      share = given;
      set();
    },
    close: (how) => pool.close(how),
  };
}

/** No more than there are cores: what the policy says above that would only take turns. */
export function threadsOf({ threads }: Pick<OwnerPolicy, 'threads'>): number {
  return Math.min(threads, availableParallelism());
}

/** What the site is told of this machine. */
export function machineOf(
  crew: AgentCrew,
  { memoryBytesMax }: Shape,
  given: { name?: string; engine: EngineChoice },
): Machine {
  const { name, version } = nodeEngine(given.engine);
  return {
    name: (given.name ?? hostname()).slice(0, 64),
    kind: 'node',
    program: `lodger ${VERSION} (${process.platform} ${process.arch}, Node ${process.versions.node})`.slice(0, 128),
    engines: [{ name, version }],
    rewriter: REWRITER_VERSION,
    tariff: TARIFF_VERSION,
    memoryBytes: memoryBytesMax,
    isolation: [...crew.isolation],
  };
}
