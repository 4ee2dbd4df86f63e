// How far hosts are believed, as the site keeps count of it, and what that says of a task. The formulas are in `trust.ts`.
import { createHash } from 'node:crypto';
import type { Standing, Verdict } from './contracts.ts';
import { believed, type Job, type Kept } from './job.ts';
import type { Host, State } from './state.ts';
import { judge, newStanding } from './trust.ts';

/** The account of all tabs that nobody answers for: one owner, and never believed alone. */
export const ANONYMOUS = 'anonymous';

/** What is known of a host in a job. */
export function standingOf(state: State, job: Job, id: string): Standing {
  const host = state.hosts.get(id);
  const kind = kindOf(host);
  const banned = host?.record.standing === 'banned';
  const kept =
    job.standings.get(id) ??
    newStanding({ kind, checksEver: host?.record.agreed ?? 0, late: (host?.record.since ?? 0) > job.submitted });
  return kept.kind === kind && kept.banned === banned ? kept : { ...kept, kind, banned };
}

function kindOf(host: Host | undefined): Standing['kind'] {
  if (host?.own || host?.record.standing === 'trusted') return 'trusted';
  return host === undefined || host.record.account === ANONYMOUS ? 'anonymous' : 'known';
}

/** What to do with a task that has these runs. The same runs give the same answer, whenever it is asked. */
export function verdictOf(state: State, job: Job, task: number, runs: readonly Kept[], sweep = 0): Verdict {
  const believedRuns = runs.map((run) => believed(run, standingOf(state, job, run.host)));
  const { confidence, deterministic } = job;
  const need = { confidence, deterministic, wait: job.record.manifest.wait ?? true, sweep };
  return judge(believedRuns, need, () => drawOf(state, job, task, runs.length + 1_000 * sweep));
}

/** A number from 0 to 1 that nobody outside can know before, and that is the same after a restart. */
function drawOf(state: State, job: Job, task: number, count: number): number {
  const secret = secretOf(state);
  const digest = createHash('sha256').update(secret).update(`${job.id}\n${task}\n${count}`).digest();
  return digest.readUInt32LE(0) / 2 ** 32;
}

const secrets = new WeakMap<State, Uint8Array>();

/** A signature of the site's own over a fixed text is known to nobody else, and always the same. */
function secretOf(state: State): Uint8Array {
  let secret = secrets.get(state);
  if (!secret) {
    secret = state.key.sign(new TextEncoder().encode('lodger draws 1'));
    secrets.set(state, secret);
  }
  return secret;
}
