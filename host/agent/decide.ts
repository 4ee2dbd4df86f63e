// May this machine work now, with how much, and if not, why? One pure function of the owner's policy and of what is known of the machine.
import { formatDuration, formatSize } from '../../runtime/base/units.ts';
import type { Pause } from '../wire/site.ts';
import { DAYS, type Hours, type OwnerPolicy } from './policy.ts';

/** What is known of the machine. Null where the platform does not tell; then that rule of the policy stops nothing, and status says so. */
export interface Facts {
  /** Local time: the day of the week from 0 for Sunday, and minutes since midnight. */
  readonly day: number;
  readonly minute: number;
  /** Ms since 1970. */
  readonly now: number;
  /** The owner's own pause: until when in ms since 1970, `forever`, or null for none. */
  readonly askedUntil: number | 'forever' | null;
  /** Share of all cores that other programs had over the window, 0 to 1. */
  readonly load: number | null;
  readonly userIdleMs: number | null;
  readonly onBattery: boolean | null;
  /** 0 to 1. */
  readonly charge: number | null;
  readonly networkBytesToday: number;
  readonly diskBytesFree: number | null;
  readonly memoryBytesFree: number | null;
  /** Why it does not work at present, so that it does not go to and fro at the edge of a rule. */
  readonly paused: Pause | null;
}

export type Verdict =
  | { readonly work: true; readonly threads: number; readonly cpuShare: number }
  | { readonly work: false; readonly reason: Pause; readonly why: string };

/** The load has to fall to this part of the ceiling before work begins again; free memory and disk have to rise by as much. */
const EASE = 0.75;

type Rule = readonly [reason: Pause, why: (policy: OwnerPolicy, facts: Facts) => string | undefined];

/** The first that stops it is shown; those that last longest come first. */
const RULES: readonly Rule[] = [
  ['asked', (_, { askedUntil, now }) => askedWhy(askedUntil, now)],
  ['hours', ({ hours }, facts) => (hours && !hours.some((one) => isWithin(one, facts)) ? hoursWhy(hours) : undefined)],
  ['quota', ({ networkBytesPerDayMax: most }, { networkBytesToday: used }) => quotaWhy(most, used)],
  ['battery', (policy, facts) => batteryWhy(policy, facts)],
  ['in use', ({ userIdleMs: least }, { userIdleMs: idle }) => inUseWhy(least, idle)],
  ['other programs', (policy, facts) => loadWhy(policy, facts)],
  ['disk', ({ diskFreeBytesMin }, facts) => freeWhy('disk', diskFreeBytesMin, facts.diskBytesFree, facts)],
  ['memory', ({ memoryFreeBytesMin }, facts) => freeWhy('memory', memoryFreeBytesMin, facts.memoryBytesFree, facts)],
];

export function decide(policy: OwnerPolicy, facts: Facts): Verdict {
  for (const [reason, rule] of RULES) {
    const why = rule(policy, facts);
    if (why !== undefined) return { work: false, reason, why };
  }
  return { work: true, threads: policy.threads, cpuShare: policy.cpuShare };
}

function askedWhy(until: Facts['askedUntil'], now: number): string | undefined {
  if (until === null) return undefined;
  if (until === 'forever') return 'paused by its owner, until "lodger agent resume"';
  return until > now ? `paused by its owner, for another ${formatDuration(until - now)}` : undefined;
}

/** Hours that end before they begin go on into the next day. */
function isWithin({ days, from, to }: Hours, { day, minute }: Facts): boolean {
  const begins = (at: number) => days.includes(DAYS[(at + 7) % 7] as (typeof DAYS)[number]);
  if (from < to) return begins(day) && minute >= from && minute < to;
  return (begins(day) && minute >= from) || (begins(day - 1) && minute < to);
}

function hoursWhy(hours: readonly Hours[]): string {
  const text = hours.map(({ days, from, to }) => {
    const when = days.length === DAYS.length ? 'every day' : days.join(', ');
    return `${when} from ${clockText(from)} to ${clockText(to)}`;
  });
  return `its hours are ${text.join('; ')}`;
}

function clockText(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

function quotaWhy(most: number | undefined, used: number): string | undefined {
  if (most === undefined || used < most) return undefined;
  return `${formatSize(used)} of ${formatSize(most)} a day went over the network`;
}

function batteryWhy({ chargeMin }: OwnerPolicy, { onBattery, charge }: Facts): string | undefined {
  if (onBattery !== true) return undefined;
  if (chargeMin === undefined) return 'it runs on battery';
  // A battery that does not tell its charge counts as empty, unless any charge will do.
  if ((charge ?? 0) >= chargeMin) return undefined;
  return `it runs on battery, at ${Math.round((charge ?? 0) * 100)} % of at least ${Math.round(chargeMin * 100)} %`;
}

function inUseWhy(least: number | undefined, idle: number | null): string | undefined {
  if (least === undefined || idle === null || idle >= least) return undefined;
  return `somebody used it ${formatDuration(idle)} ago, less than ${formatDuration(least)}`;
}

function loadWhy({ cpuLoadMax: most, windowMs }: OwnerPolicy, { load, paused }: Facts): string | undefined {
  if (most === undefined || load === null) return undefined;
  if (load <= (paused === 'other programs' ? most * EASE : most)) return undefined;
  const percent = (part: number) => `${Math.round(part * 100)} %`;
  return `other programs used ${percent(load)} of the cores over ${formatDuration(windowMs)}, more than ${percent(most)}`;
}

function freeWhy(what: 'disk' | 'memory', least: number, free: number | null, { paused }: Facts): string | undefined {
  if (free === null || free >= (paused === what ? least / EASE : least)) return undefined;
  return `${formatSize(free)} of ${what} ${what === 'disk' ? 'space is' : 'is'} free, less than ${formatSize(least)}`;
}
