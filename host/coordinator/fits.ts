// Whether a host may run a job's tasks, as a table of rules, each with the words in which everybody is told. Pure.
import { formatDuration, formatSize } from '../../runtime/base/units.ts';
import { covers } from '../../runtime/policy/rules.ts';
import { isSite } from './belief.ts';
import type { HostView, JobView, Standing } from './contracts.ts';

interface Asked {
  readonly job: JobView;
  readonly host: HostView;
  readonly standing: Standing;
  readonly now: number;
}

/** What stands against it, in words that follow "the host"; undefined for nothing. */
type Rule = (asked: Asked) => string | undefined;

const unless = (fits: boolean, text: () => string): string | undefined => (fits ? undefined : text());

/** In the order of how much can be done about them: the first that refuses is the one that is told. */
const RULES: readonly Rule[] = [
  ({ standing }) => unless(!standing.banned, () => 'is banned: it gave a wrong result, or an operator banned it'),
  ({ job, standing }) =>
    unless(
      standing.kind === 'trusted' || job.confidence !== 'trusted',
      () => 'is not trusted, and the job is for trusted hosts only',
    ),
  ({ job, standing }) =>
    unless(
      standing.kind === 'trusted' || job.deterministic,
      () => 'is not trusted, and results of this job cannot be compared',
    ),
  ({ job, host }) =>
    unless(!isSite(host.owner) || job.sites !== undefined, () => 'is another site, and the job stays at this one'),
  ({ job: { requirements }, host }) =>
    unless(!requirements.notHosts?.some((name) => isNamed(host, name)), () => 'is left out by name'),
  ({ job: { requirements }, host }) =>
    unless(
      requirements.hosts?.some((name) => isNamed(host, name)) ?? true,
      () => 'is none of those that the job names',
    ),
  ({ job: { requirements }, host: { attributes } }) =>
    unless(
      (requirements.kind ?? attributes.kind) === attributes.kind,
      () => `is a ${attributes.kind}, the job needs a ${requirements.kind}`,
    ),
  ({ job: { requirements }, host: { attributes } }) =>
    unless(
      requirements.engine === undefined || attributes.engines.some(({ name }) => name === requirements.engine),
      () => `has no ${requirements.engine}`,
    ),
  ({ job: { requirements }, host: { attributes } }) => {
    const missing = (requirements.isolation ?? []).filter((wall) => !attributes.isolation.includes(wall));
    return unless(missing.length === 0, () => `lacks isolation: ${missing.join(', ')}`);
  },
  ({ job, host: { attributes } }) => {
    const needed = Math.max(job.memoryBytes, job.requirements.memoryBytes ?? 0);
    return unless(
      attributes.memoryBytes >= needed,
      () => `lends ${formatSize(attributes.memoryBytes)} of memory, a task needs ${formatSize(needed)}`,
    );
  },
  ({ job, host: { attributes } }) =>
    unless(
      job.memoryBytes <= attributes.policy.limits.memoryBytesMax,
      () =>
        `allows tasks ${formatSize(attributes.policy.limits.memoryBytesMax)}, a task needs ${formatSize(job.memoryBytes)}`,
    ),
  ({ job, host: { attributes } }) => {
    const refused = (job.grants ?? []).find((grant) => !covers(attributes.policy.grants, grant));
    return unless(refused === undefined, () => `does not allow the grant "${refused?.kind}"`);
  },
  ({ job, host: { attributes } }) =>
    unless(
      !attributes.kernels.refused.includes(job.kernel) && (attributes.kernels.allowed?.includes(job.kernel) ?? true),
      () => "does not take this kernel, by its owner's choice",
    ),
  ({ job, host: { attributes } }) =>
    unless(
      !attributes.accounts.refused.includes(job.account) &&
        (attributes.accounts.allowed?.includes(job.account) ?? true),
      () => `does not work for the account "${job.account}", by its owner's choice`,
    ),
  ({ job: { requirements }, host: { attributes } }) =>
    unless(
      attributes.priceFloor <= (requirements.priceMax ?? Number.MAX_VALUE),
      () => `wants ${attributes.priceFloor} for 10^9 fuel, the job pays ${requirements.priceMax}`,
    ),
  ({ host: { attributes } }) => unless(attributes.threads > 0, () => 'lends no thread'),
  ({ job, now }) =>
    unless(job.deadline === null || now < job.deadline, () => 'is too late: the deadline of the job has passed'),
  ({ job, host: { attributes }, now }) => {
    if (job.deadline === null || job.fuelPerTask === null || attributes.fuelPerSecond === 0) return undefined;
    const needed = (job.fuelPerTask / attributes.fuelPerSecond) * 1_000;
    return unless(
      now + needed <= job.deadline,
      () =>
        `is too slow: a task takes it ${formatDuration(needed)}, the deadline is in ${formatDuration(Math.max(0, (job.deadline ?? 0) - now))}`,
    );
  },
];

/** Why a host may not run a job's tasks, in words that follow "the host"; undefined if it may. */
export function refusal(job: JobView, host: HostView, now: number): string | undefined {
  const asked = { job, host, standing: host.standing(job.id), now };
  for (const rule of RULES) {
    const text = rule(asked);
    if (text !== undefined) return text;
  }
  return undefined;
}

const isNamed = (host: HostView, name: string): boolean => host.attributes.name === name || host.id === name;
