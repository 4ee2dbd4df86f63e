// What the scheduler sees of a simulated grid: hosts that may do anything, and one job that asks for nothing.
import type { HostView, JobView, Range, Standing } from '../../host/coordinator/contracts.ts';
import type { Question } from '../../host/coordinator/exams.ts';
import type { Confidence } from '../../host/wire/api.ts';
import type { Attributes } from '../../host/wire/site.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import type { Machine } from './fleet.ts';

/** The one owner that all anonymous machines have. */
export const ANONYMOUS = 'anonymous';

const ATTRIBUTES: Attributes = {
  name: 'simulated',
  kind: 'node',
  program: 'test/grid',
  engines: [],
  rewriter: 1,
  tariff: 1,
  threads: 1,
  memoryBytes: 2 ** 34,
  fuelPerSecond: 0,
  isolation: [],
  audits: true,
  policy: parsePolicy({ version: 1 }),
  kernels: { refused: [] },
  accounts: { refused: [] },
  priceFloor: 0,
  holds: [],
};
const NOTHING: ReadonlySet<string> = new Set();

export function createView(machine: Machine, standing: () => Standing): HostView {
  return {
    get id() {
      return machine.id;
    },
    get owner() {
      return machine.anonymous ? ANONYMOUS : machine.id;
    },
    attributes: ATTRIBUTES,
    holds: NOTHING,
    standing,
  };
}

export function createJobView(
  asked: { readonly confidence: Confidence; readonly wait: boolean; readonly tasks: number },
  now: {
    readonly open: () => readonly Range[];
    readonly progress: () => number;
    readonly anonymous: () => number;
  },
): JobView {
  return {
    ...{ id: 'job', account: 'account', priority: 0, deadline: null, submitted: 0, requirements: {} },
    ...{ kernel: '', blobs: [], memoryBytes: 0, grants: [], deterministic: true, fuelPerTask: null },
    ...asked,
    get open() {
      return now.open();
    },
    get progress() {
      return now.progress();
    },
    get anonymous() {
      return now.anonymous();
    },
  };
}

/** A machine at its place. */
export interface Place {
  readonly machine: Machine;
  readonly view: HostView;
  /** Until when it is there; 0 while it is away. */
  until: number;
  /** The part of a task that it is to run again; undefined where it is at the whole. */
  question: Question | undefined;
  /** The task that it is at, -1 for none; when it began and when it will deliver. */
  task: number;
  begun: number;
  due: number;
  idle: boolean;
  /** How it is counted among those that are there. */
  counted: number;
}
