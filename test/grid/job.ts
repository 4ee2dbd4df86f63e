// One job of a simulated grid, before its first task is given away.
import type { JobView, Range, Standing } from '../../host/coordinator/contracts.ts';
import { createReplicas, type Replicas } from '../../host/coordinator/replicas.ts';
import { type Chance, createDraw } from './chance.ts';
import { createCoalition, hasSlept, type Lies, type Machine, weigh } from './fleet.ts';
import type { Rule } from './rules.ts';
import { type Count, createCount } from './score.ts';
import type { Simulation } from './simulate.ts';
import { createJobView } from './views.ts';

export interface Job {
  readonly number: number;
  readonly begun: number;
  readonly replicas: Replicas;
  readonly view: JobView;
  readonly weights: Float64Array;
  /** Runs of each task that are open or at a machine. */
  readonly out: Uint8Array;
  readonly draw: (task: number, nth: number) => number;
  readonly count: Count;
  readonly lies: Lies;
  /** Copies that are still to go out with a task's first run. */
  readonly copies: Map<number, number>;
  open: readonly Range[];
}

interface Opening {
  readonly number: number;
  /** In minutes. */
  readonly now: number;
  readonly chance: Chance;
  readonly standing: (machine: Machine) => Standing;
}

export function openJob(simulation: Simulation, rule: Rule, { number, now, chance, standing }: Opening): Job {
  const { confidence, wait, gamble = 0, seed, tasks } = simulation;
  const draw = createDraw(seed * 8_191 + number);
  const weights = Float64Array.from({ length: tasks }, () => weigh(chance));
  const count = createCount();
  count.work = weights.reduce((sum, each) => sum + each, 0);
  const { trust, trustedHosts } = rule;
  const replicas = createReplicas({ confidence, wait, deterministic: true, trustedHosts, draw, trust });
  const feelsSafe = (machine: Machine, task: number) =>
    rule.feelsSafe?.(standing(machine), (job.out[task] ?? 0) > 0 || replicas.runsOf(task).length > 0) ??
    hasSlept(machine);
  const coalitions = { coalitionA: createCoalition(), coalitionB: createCoalition() };
  const job: Job = {
    ...{ number, replicas, weights, draw, count, begun: now, open: [], copies: new Map() },
    view: createJobView(
      { confidence, wait, tasks },
      { open: () => job.open, progress: () => replicas.terms().progress, anonymous: () => replicas.anonymous() },
    ),
    out: new Uint8Array(tasks),
    lies: { chance, coalitions, gamble, feelsSafe },
  };
  return job;
}
