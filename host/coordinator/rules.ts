// The site's policy: versioned, pushed to every host at once, and what would stop under another one.
import { LodgerError } from '../../runtime/base/errors.ts';
import { narrow } from '../../runtime/policy/narrow.ts';
import { allowsNothing, type Policy, parsePolicy, permits } from '../../runtime/policy/policy.ts';
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

/** Hosts that could run nothing under another policy, or nothing of what is open, if they can run something of it now. */
export function simulatePolicy(state: State, given: Policy): { readonly host: string; readonly stops: string }[] {
  const policy = parsePolicy(given);
  const open = [...state.openJobs.values()].map(({ record: { manifest } }) => manifest);
  const stopped: { host: string; stops: string }[] = [];
  for (const { id, attributes, connection } of state.hosts.values()) {
    if (!attributes || !connection) continue;
    const reasons = (under: Policy, of = open) =>
      of.map(({ limits, grants }) => reasonAgainst(under, limits ?? {}, grants ?? []));
    const before = reasons(attributes.policy);
    const under = narrow(attributes.policy, policy);
    const after = reasons(
      under,
      open.filter((_, at) => before[at] === ''),
    );
    const [first] = after;
    if (allowsNothing(under) && !allowsNothing(attributes.policy)) stopped.push({ host: id, stops: NOTHING });
    else if (first !== undefined && after.every((reason) => reason !== '')) stopped.push({ host: id, stops: first });
  }
  return stopped;
}

const NOTHING = 'policy lets no task run at all';

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
