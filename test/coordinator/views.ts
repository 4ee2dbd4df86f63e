// Hosts and jobs as the pure decisions see them, for tests.
import type { HostView, JobView, Standing } from '../../host/coordinator/contracts.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';

export const STANDING: Standing = { kind: 'known', checks: 0, checksEver: 0, results: 0, late: false, banned: false };

/** A host of an owner of the same name, which may do anything. */
export function hostView(
  id: string,
  change: {
    readonly owner?: string;
    readonly attributes?: Partial<HostView['attributes']>;
    readonly standing?: Partial<Standing>;
    readonly holds?: readonly string[];
  } = {},
): HostView {
  return {
    id,
    owner: change.owner ?? id,
    attributes: {
      ...{ name: id, kind: 'node', program: 'test', engines: [{ name: 'v8', version: '1' }], rewriter: 1, tariff: 1 },
      ...{ threads: 2, memoryBytes: 2 ** 30, fuelPerSecond: 1e9, isolation: [], priceFloor: 0, holds: [] },
      policy: parsePolicy({ version: 1, grants: [{ kind: 'log' }] }),
      ...{ kernels: { refused: [] }, accounts: { refused: [] } },
      ...change.attributes,
    },
    holds: new Set(change.holds ?? []),
    standing: () => ({ ...STANDING, ...change.standing }),
  };
}

export const jobView = (id: string, change: Partial<JobView> = {}): JobView => ({
  ...{ id, account: 'alice', priority: 0, deadline: null, submitted: 0, requirements: {}, confidence: 0.999 },
  ...{
    wait: true,
    kernel: 'k',
    blobs: [],
    memoryBytes: 2 ** 20,
    grants: [],
    deterministic: true,
    progress: 0.5,
    tasks: 1_000,
    anonymous: 0,
    fuelPerTask: 1e6,
  },
  open: [{ from: 0, to: 1_000, not: [], check: false, trusted: false }],
  ...change,
});
