// A policy: what somebody (owner, site, job) lets tasks use, as data, and the question whether it covers a task.
import * as v from 'valibot';
import { LodgerError } from '../base/errors.ts';
import { type LimitName, POLICY, TASK } from '../base/limits.ts';
import { check, integer, refuseInherited } from '../base/schema.ts';
import { formatDuration, formatSize } from '../base/units.ts';
import { formatGrant, type Grant, type GrantRule, GrantRuleSchema, GrantSchema } from './grant.ts';
import { canonical, covers, meet } from './rules.ts';

const maximum = (name: LimitName) => v.optional(integer(0, TASK[name].max), TASK[name].default);

/** What a policy file says. A maximum that is not given is the limit's default, and a grant that no rule names is not given. */
export const PolicySchema = v.pipe(
  v.strictObject({
    version: v.literal(1, '1, the only version there is'),
    limits: v.optional(
      v.strictObject({
        memoryBytesMax: maximum('memoryBytesMax'),
        inputBytesMax: maximum('inputBytesMax'),
        outputBytesMax: maximum('outputBytesMax'),
        logBytesMax: maximum('logBytesMax'),
        logLinesMax: maximum('logLinesMax'),
        fuelMax: maximum('fuelMax'),
        wallMsMax: maximum('wallMsMax'),
      }),
      {},
    ),
    grants: v.optional(
      v.pipe(v.array(GrantRuleSchema), v.maxLength(POLICY.rules.max, `at most ${POLICY.rules.max} rules`)),
      [],
    ),
  }),
  v.transform(({ grants, ...rest }): Policy => ({ ...rest, grants: canonical(grants) })),
);

/** The highest limits and the grants that a task may ask for. Rules are in canonical order: equal policies are deeply equal. */
export interface Policy {
  readonly version: 1;
  /** In bytes, lines, fuel and ms. */
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly grants: readonly GrantRule[];
}

/** A policy from unknown data. Throws `ERR_OPTION_INVALID` with the path of what is wrong. */
export function parsePolicy(value: unknown): Policy {
  refuseInherited(value, 'ERR_OPTION_INVALID');
  return check(PolicySchema, value);
}

/**
 * Passes if the policy allows the limits and every grant; a limit that is not given stands for its default.
 * Throws `ERR_POLICY_EXCEEDED`, which names what is allowed and what was asked for.
 */
export function permits(
  policy: Policy,
  limits: Readonly<Partial<Record<LimitName, number>>>,
  grants: readonly Grant[],
): void {
  for (const name of Object.keys(TASK) as LimitName[]) {
    const asked = limits[name] ?? TASK[name].default;
    const allowed = policy.limits[name];
    if (asked > allowed) throw exceeded(`${name} up to ${quantity(name, allowed)}`, quantity(name, asked));
  }
  for (const grant of grants) {
    if (!covers(policy.grants, grant)) throw exceeded(grantsAllowed(policy.grants, grant), grantAsked(grant));
  }
}

/**
 * Of grants that reach beyond a task, what the policy allows of them: a job asks for three origins, the owner allows two, the task sees two.
 * Where nothing of a kind is left the grants of that kind stay as they are, so that `permits` says what is allowed.
 */
export function narrowGrants(policy: Policy, grants: readonly Grant[]): readonly Grant[] {
  const narrowed = grants.flatMap((grant) => (reachesBeyond(grant) ? within(policy, grant) : [grant]));
  const lost = grants.filter(({ kind }) => !narrowed.some((left) => left.kind === kind));
  return [...narrowed, ...lost];
}

/** Grants of things that are no part of the task. */
export function reachesBeyond({ kind }: Grant): boolean {
  return kind === 'files' || kind === 'http';
}

function within(policy: Policy, grant: Grant): Grant[] {
  return policy.grants.flatMap((rule) => {
    const common = v.safeParse(GrantSchema, meet(grant, rule));
    return common.success ? [common.output] : [];
  });
}

function exceeded(allowed: string, asked: string): LodgerError {
  return new LodgerError('ERR_POLICY_EXCEEDED', [allowed, asked]);
}

function quantity(name: LimitName, value: number): string {
  const { unit } = TASK[name];
  if (unit === 'lines' || unit === 'fuel') return `${value} ${unit}`;
  const rounded = unit === 'ms' ? formatDuration(value) : formatSize(value);
  const exact = `${value} ${unit}`;
  return rounded === exact ? exact : `${rounded} (${exact})`;
}

function grantAsked(grant: Grant): string {
  switch (grant.kind) {
    case 'blobs':
      return `grant "blobs:${grant.name}" with digest ${grant.digest}`;
    default:
      return `grant "${formatGrant(grant)}"`;
  }
}

/** The rules of the same kind, the first few of them, or that there is none. */
function grantsAllowed(rules: readonly GrantRule[], { kind }: Grant): string {
  const same = rules.filter((rule) => rule.kind === kind).map(ruleText);
  if (same.length === 0) return `no grant "${kind}"`;
  return same.length > 5 ? `${same.slice(0, 5).join(', ')} and ${same.length - 5} more` : same.join(', ');
}

function ruleText(rule: GrantRule): string {
  switch (rule.kind) {
    case 'blobs':
      if (rule.name === undefined) return '"blobs" of any name';
      return rule.digest === undefined ? `"blobs:${rule.name}"` : `"blobs:${rule.name}" with digest ${rule.digest}`;
    case 'files':
      return 'pinned' in rule ? '"files" that are pinned' : `"${formatGrant(rule)}"`;
    default:
      return `"${formatGrant(rule)}"`;
  }
}

/** Whether no task at all could run under it. */
export function allowsNothing({ limits }: Policy): boolean {
  return limits.memoryBytesMax === 0 || limits.wallMsMax === 0 || limits.fuelMax === 0;
}
