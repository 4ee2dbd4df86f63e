// What the scheduler sees of a simulated grid: hosts that may do anything, and one job that asks for nothing.
import type { HostView, JobView, Range, Standing } from '../../host/coordinator/contracts.ts';
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

export function createJobView(asked: { confidence: Confidence; wait: boolean }, open: () => readonly Range[]): JobView {
  return {
    ...{ id: 'job', account: 'account', priority: 0, deadline: null, submitted: 0, requirements: {} },
    ...{ kernel: '', blobs: [], memoryBytes: 0, grants: [], deterministic: true, fuelPerTask: null },
    ...asked,
    get open() {
      return open();
    },
  };
}
