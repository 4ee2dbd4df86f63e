// The site's policy: versioned, pushed to every host at once, and what would stop under another one.
import { LodgerError } from '../../runtime/base/errors.ts';
import { narrow } from '../../runtime/policy/narrow.ts';
import { type Policy, parsePolicy, permits } from '../../runtime/policy/policy.ts';
import { KEY } from './events.ts';
import type { State } from './state.ts';

/** Resolves when it is on disk and was sent to every host that is connected. */
export async function setPolicy(state: State, given: Policy): Promise<{ readonly version: number }> {
  const policy = parsePolicy(given);
  const next = { version: state.policy.version + 1, policy };
  state.policy = next;
  await state.write([state.with.store.put(KEY.policy, next)], () => {
    for (const { open, host, send } of state.connections)
      if (open && host) send({ type: 'policy', version: next.version, policy });
    state.changed('site', '');
  });
  return { version: next.version };
}

/** Hosts that could run something of what is open, and could run nothing of it under another policy. */
export function simulatePolicy(state: State, given: Policy): { readonly host: string; readonly stops: string }[] {
  const policy = parsePolicy(given);
  const open = [...state.openJobs.values()].map(({ record: { manifest } }) => manifest);
  const stopped: { host: string; stops: string }[] = [];
  for (const { id, attributes, connection } of state.hosts.values()) {
    if (!attributes || !connection) continue;
    const under = narrow(attributes.policy, policy);
    const reasons = open.map(({ limits, grants }) => reasonAgainst(under, limits ?? {}, grants ?? []));
    const [first] = reasons;
    if (first !== undefined && reasons.every((reason) => reason !== '')) stopped.push({ host: id, stops: first });
  }
  return stopped;
}

function reasonAgainst(
  policy: Policy,
  limits: Parameters<typeof permits>[1],
  grants: Parameters<typeof permits>[2],
): string {
  try {
    permits(policy, limits, grants);
    return '';
  } catch (error) {
    if (error instanceof LodgerError) return error.message;
    throw error;
  }
}
