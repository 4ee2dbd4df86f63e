// What a job would cost, from what is known before it begins.
import type { Estimate } from '../wire/answers.ts';
import type { Manifest } from '../wire/api.ts';
import { ANONYMOUS, isTrusted } from './belief.ts';
import type { Caller } from './contracts.ts';
import { costOf } from './cost.ts';
import { CONFIDENCE, isSteady } from './job.ts';
import type { State } from './state.ts';

/** From the hosts that are connected now and, where the caller's account has run the kernel before, what a task of it took. */
export function estimate(state: State, caller: Caller, manifest: Manifest, tasks: number): Estimate {
  const own = estimateOf(state, caller, manifest, tasks);
  const { merge } = manifest;
  if (!merge) return own;
  const merges = mergesOf(tasks, merge.arity);
  const theirs = estimateOf(state, caller, { ...manifest, kernel: merge.kernel }, merges);
  const add = (one: number | null, other: number | null) => (one === null || other === null ? null : one + other);
  return {
    tasks,
    runs: own.runs + theirs.runs,
    fuel: add(own.fuel, theirs.fuel),
    ms: add(own.ms, theirs.ms),
    why: `${own.why}; ${merges} merges are among the runs${theirs.fuel === null ? ', and none of their kernel has run here yet' : ''}`,
  };
}

/** Tasks of all levels of merges together. */
function mergesOf(tasks: number, arity: number): number {
  let [merges, row] = [0, tasks];
  do {
    row = Math.ceil(row / arity);
    merges += row;
  } while (row > 1);
  return merges;
}

function estimateOf(state: State, { account, role }: Caller, manifest: Manifest, tasks: number): Estimate {
  // What others run, and that they do, is theirs.
  const seen = [...state.jobs.values()].filter((job) => role === 'operator' || job.account === account);
  const same = seen.find((job) => job.kernel === manifest.kernel && job.mean.runs > 0);
  const { auditors, ...hosts } = hostsOf(state);
  const parts = same && auditors > 0 ? same.mean.parts / same.mean.runs : 1;
  const { runs, why } = costOf({ tasks, ...askedOf(manifest), ...hosts, parts });
  const fuel = same ? runs * (same.mean.fuel / same.mean.runs) : null;
  const speed = [...state.hosts.values()].reduce(
    (sum, { connection, view }) =>
      sum + (connection && view ? view.attributes.threads * view.attributes.fuelPerSecond : 0),
    0,
  );
  return {
    tasks,
    runs,
    fuel,
    ms: fuel !== null && speed > 0 ? (1000 * fuel) / speed : null,
    why: `${why}; ${same ? knownFrom(same.id, parts) : 'no task of this kernel has run here yet'}`,
  };
}

function knownFrom(job: string, parts: number): string {
  const checked = parts > 1 ? `, and its results are checked in ${Math.round(parts)} parts as there` : '';
  return `a task takes the fuel that it took in job ${job}${checked}`;
}

const askedOf = (manifest: Manifest) => ({
  confidence: manifest.confidence ?? CONFIDENCE,
  wait: manifest.wait ?? true,
  deterministic: isSteady(manifest),
});

function hostsOf(state: State) {
  const count = { trusted: 0, known: 0, anonymous: 0, checksEver: 0, auditors: 0 };
  for (const host of state.hosts.values()) {
    if (!host.connection || host.record.standing === 'banned') continue;
    const kind = isTrusted(host) ? 'trusted' : host.record.account === ANONYMOUS ? 'anonymous' : 'known';
    count[kind] += 1;
    if (kind === 'known') count.checksEver += host.record.agreed;
    if (kind !== 'anonymous' && host.attributes?.audits === true) count.auditors += 1;
  }
  return { ...count, checksEver: count.checksEver / Math.max(1, count.known) };
}
