// Policies only ever narrow each other.
import { type LimitName, TASK } from '../base/limits.ts';
import type { GrantRule } from './grant.ts';
import type { Policy } from './policy.ts';
import { canonical, meet } from './rules.ts';

/**
 * The policy that allows exactly what both allow. Commutative, associative, idempotent, and never wider than either:
 * in whatever order owner, site and job meet, the result is deeply equal.
 */
export function narrow(a: Policy, b: Policy): Policy {
  const limits = { ...a.limits };
  for (const name of Object.keys(TASK) as LimitName[]) limits[name] = Math.min(a.limits[name], b.limits[name]);
  return { version: 1, limits, grants: canonical(common(a.grants, b.grants)) };
}

/** Every rule of one against every rule of the other: both lists have a ceiling. */
function common(a: readonly GrantRule[], b: readonly GrantRule[]): GrantRule[] {
  return a.flatMap((rule) => b.flatMap((other) => meet(rule, other) ?? []));
}
