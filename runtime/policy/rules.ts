// Rules about grants as a lattice: whether rules cover a grant, what two rules have in common, and the one form of equal rules.
import type { Grant, GrantRule } from './grant.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Whether the rules together allow the grant. They are canonical, so that one rule has to do it alone. */
export function covers(rules: readonly GrantRule[], grant: Grant): boolean {
  return rules.some((rule) => within(grant, rule));
}

/**
 * The one form of all rules that allow the same grants: what another rule allows anyway is gone, methods of one origin are
 * together, and everything is in order.
 */
export function canonical(rules: readonly GrantRule[]): readonly GrantRule[] {
  const merged = new Map<string, GrantRule>();
  for (const rule of rules) {
    const key = ruleKey(rule);
    const known = merged.get(key);
    merged.set(key, known === undefined ? ordered(rule) : join(known, rule));
  }
  return [...merged]
    .filter(([, rule]) => !absorbers(rule).some((key) => merged.has(key)))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, rule]) => rule);
}

/** The rule that allows what both allow, or none. */
export function meet(a: GrantRule, b: GrantRule): GrantRule | undefined {
  if (a.kind === 'http' && b.kind === 'http') {
    const methods = METHODS.filter((method) => a.methods.includes(method) && b.methods.includes(method));
    return a.origin === b.origin && methods.length > 0 ? { kind: 'http', origin: a.origin, methods } : undefined;
  }
  if (within(a, b)) return a;
  return within(b, a) ? b : undefined;
}

/** Whether everything that `inner` allows is allowed by `outer`. A grant is the narrowest of rules. */
function within(inner: GrantRule, outer: GrantRule): boolean {
  switch (outer.kind) {
    case 'blobs':
      if (inner.kind !== 'blobs') return false;
      if (outer.name === undefined) return true;
      return outer.name === inner.name && (outer.digest === undefined || outer.digest === inner.digest);
    case 'files':
      if (inner.kind !== 'files') return false;
      if ('pinned' in outer) return 'pinned' in inner || inner.from.startsWith('sha256:');
      if ('pinned' in inner || inner.at !== outer.at || inner.from !== outer.from) return false;
      return outer.mode === 'write' || inner.mode === 'read';
    case 'http':
      if (inner.kind !== 'http' || inner.origin !== outer.origin) return false;
      return inner.methods.every((method) => outer.methods.includes(method));
    default:
      return inner.kind === outer.kind;
  }
}

/** What a rule is about; two rules with one key join into one. The separator is in no name, path or origin that a schema lets in. */
function ruleKey(rule: GrantRule): string {
  switch (rule.kind) {
    case 'blobs':
      return ['blobs', rule.name ?? '', rule.digest ?? ''].join('\0');
    case 'files':
      return 'pinned' in rule ? 'files' : ['files', rule.at, rule.from].join('\0');
    case 'http':
      return ['http', rule.origin].join('\0');
    default:
      return rule.kind;
  }
}

/** Keys of the wider rules that would make this one needless. */
function absorbers(rule: GrantRule): string[] {
  if (rule.kind === 'files' && !('pinned' in rule) && rule.from.startsWith('sha256:')) return ['files'];
  if (rule.kind !== 'blobs' || rule.name === undefined) return [];
  const any = ruleKey({ kind: 'blobs' });
  return rule.digest === undefined ? [any] : [any, ruleKey({ kind: 'blobs', name: rule.name })];
}

function ordered(rule: GrantRule): GrantRule {
  return rule.kind === 'http' ? join(rule, rule) : rule;
}

/** The rule that allows what either allows; both are about the same thing. */
function join(a: GrantRule, b: GrantRule): GrantRule {
  if (a.kind === 'http' && b.kind === 'http') {
    return { ...a, methods: METHODS.filter((method) => a.methods.includes(method) || b.methods.includes(method)) };
  }
  return a.kind === 'files' && 'mode' in a && a.mode === 'write' ? a : b;
}
