// Policies only ever narrow each other.
import { type LimitName, TASK } from '../base/limits.ts';
import { check } from '../base/schema.ts';
import type { GrantRule } from './grant.ts';
import { type Policy, PolicySchema } from './policy.ts';
import { canonical, meet } from './rules.ts';

/**
 * The policy that allows exactly what both allow. Commutative, associative, idempotent, and never wider than either:
 * in whatever order owner, site and job meet, the result is deeply equal. Throws `ERR_OPTION_INVALID` for what is no policy.
 */
export function narrow(a: Policy, b: Policy): Policy {
  const [one, other] = [check(PolicySchema, a), check(PolicySchema, b)];
  const limits = { ...one.limits };
  for (const name of Object.keys(TASK) as LimitName[]) limits[name] = Math.min(one.limits[name], other.limits[name]);
  return { version: 1, limits, grants: canonical(common(one.grants, other.grants)) };
}

/** Every rule of one against every rule of the other: both lists have a ceiling. */
function common(a: readonly GrantRule[], b: readonly GrantRule[]): GrantRule[] {
  return a.flatMap((rule) => b.flatMap((other) => meet(rule, other) ?? []));
}
