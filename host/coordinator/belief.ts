// How far hosts are believed, as the site keeps count of it over all jobs, and the draws that nobody outside can foresee.
import { hash } from 'node:crypto';
import type { SiteKey, Standing } from './contracts.ts';
import type { JobRecord } from './events.ts';
import { CONFIDENCE, isSteady, type Job } from './job.ts';
import { levelOf } from './levels.ts';
import { createReplicas, type Replicas } from './replicas.ts';
import type { Host, State } from './state.ts';

/** The account of all tabs that nobody answers for: one owner, and never believed alone. */
export const ANONYMOUS = 'anonymous';

/** What the account of another site begins with: no account of people can. */
const SITE_MARK = '@';

/** The account that stands for another site: the owner of what it runs here as a host, and of what it has run here. */
export const siteAccount = (name: string): string => SITE_MARK + name;

export const isSite = (account: string): boolean => account.startsWith(SITE_MARK);

/** The site that an account stands for; null for that of people. */
export const siteOf = (account: string): string | null => (isSite(account) ? account.slice(SITE_MARK.length) : null);

/** The life of a job's tasks, before anything was delivered. */
export function replicasOf(key: SiteKey, id: string, { manifest, trustedHosts }: JobRecord): Replicas {
  // A signature of the site's own is known to nobody else, and always the same: so are the draws, after every start.
  const secret = Buffer.from(key.sign(new TextEncoder().encode(`lodger draws 1\n${id}`))).toString('hex');
  return createReplicas({
    confidence: manifest.confidence ?? CONFIDENCE,
    wait: manifest.wait ?? true,
    deterministic: isSteady(manifest),
    trustedHosts,
    pairs: levelOf(id) > 0,
    draw: (task, nth) => Number.parseInt(hash('sha256', `${secret}\n${task}\n${nth}`).slice(0, 13), 16) / 2 ** 52,
  });
}

/** What is known of a host that has delivered nothing to the job yet, or how it stands in it. */
export function standingOf(job: Job, host: Host): Standing {
  const banned = host.record.standing === 'banned';
  const known = job.replicas.standingOf(host.id);
  if (known) return banned && !known.banned ? { ...known, banned } : known;
  return { ...firstStanding(job, host), checks: 0, results: 0, banned };
}

/** How a host stands when it delivers to a job for the first time. */
export function firstStanding(job: Job, host: Host): Pick<Standing, 'kind' | 'checksEver' | 'late'> {
  return { kind: kindOf(host), checksEver: host.record.agreed, late: host.record.since > job.submitted };
}

/** How far the site takes its word. */
export function kindOf(host: Host): Standing['kind'] {
  if (isTrusted(host)) return 'trusted';
  return host.record.account === ANONYMOUS ? 'anonymous' : 'known';
}

export const isTrusted = (host: Host): boolean =>
  host.record.standing === 'trusted' || (host.own && host.record.standing !== 'banned');

/** Whether the site has a host whose word it takes. */
export function hasTrusted(state: State): boolean {
  for (const host of state.hosts.values()) if (isTrusted(host)) return true;
  return false;
}
