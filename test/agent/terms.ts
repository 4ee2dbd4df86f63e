// What the jobs of the tests of agents say, and the policy of their site.
import type { WireTerms } from '../../host/wire/site.ts';

/** A policy under which nothing is refused for its limits. */
export function everything() {
  return {
    version: 1,
    limits: { memoryBytesMax: 2 ** 32, fuelMax: Number.MAX_SAFE_INTEGER, wallMsMax: 86_400_000 },
    grants: [{ kind: 'log' }, { kind: 'random' }, { kind: 'clock' }, { kind: 'blobs' }],
  };
}

export function termsOf(kernel: string, more: Partial<WireTerms> = {}): WireTerms {
  const none = { limits: {}, grants: [], blobs: {}, seed: 0, deterministic: true };
  return { kernel, account: 'alice', ...none, ...more };
}
