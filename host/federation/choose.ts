// Which sites get how many tasks of a job. Pure: what sites tell of themselves and what was seen of them go in, shares come out.
import { formatDuration, formatSize } from '../../runtime/base/units.ts';
import type { Confidence, Sites } from '../../runtime/job/site-terms.ts';
import type { Grant } from '../../runtime/policy/grant.ts';
import { covers } from '../../runtime/policy/rules.ts';
import { SITE } from '../wire/ceilings.ts';
import type { SiteRecord } from './record.ts';

/** Fuel of a task while nobody knows: about a second of a thread. */
export const FUEL_GUESS = 1e9;
/** Less than so many tasks are not worth a batch over a wide link. */
const SHARE_LEAST = 16;
/** Tasks that a site may have under way for each check that it has passed, and before the first. */
const PROBATION = 64;

/** A part of a job that is to be placed. */
export interface Wanted {
  readonly tasks: number;
  /** Mean of those delivered; null before the first. */
  readonly fuelPerTask: number | null;
  /** Of input and output together, what a task takes over the link; 0 if nobody knows. */
  readonly bytesPerTask: number;
  /** In ms since 1970. */
  readonly deadline: number | null;
  readonly confidence: Confidence;
  /** Whether results can be compared. */
  readonly deterministic: boolean;
  readonly memoryBytes: number;
  readonly grants: readonly Grant[];
  readonly isolation: readonly string[];
  readonly sites: Sites;
}

/** A site as it is seen from the one that asks. */
export interface SiteView {
  readonly record: SiteRecord;
  /** Whether it is the site that asks. */
  readonly home: boolean;
  /** Ms since its record came, by the clock of the site that asks: the other's clock is not believed. */
  readonly ageMs: number;
  /** Ms there and back. */
  readonly delayMs: number;
  /** As measured over its last blobs; null before the first. */
  readonly linkBytesPerSecond: number | null;
  /** Tasks that it holds of the site that asks, with or without results that wait to be believed. */
  readonly held: number;
  /** Spot audits of its results that it passed. */
  readonly checks: number;
  /** Whether an audit failed, or an operator shut it out. */
  readonly banned: boolean;
}

/** When a site sends work out. */
export interface Burst {
  /** It keeps what it can do itself within so many seconds. */
  readonly keepSeconds: number;
}
export const BURST: Burst = { keepSeconds: 60 };

export interface Share {
  readonly site: string;
  readonly tasks: number;
}

interface Asked {
  readonly wanted: Wanted;
  readonly site: SiteView;
  readonly now: number;
}

/** What stands against a site, in words that follow its name; undefined for nothing. */
type Rule = (asked: Asked) => string | undefined;

const unless = (fits: boolean, text: () => string): string | undefined => (fits ? undefined : text());

const sure = (confidence: Confidence): number => (confidence === 'trusted' ? 1 : confidence);

const RULES: readonly Rule[] = [
  ({ site }) => unless(!site.banned, () => 'is banned: it gave a wrong result, or an operator banned it'),
  ({ wanted, site }) => unless(!wanted.sites.not?.includes(site.record.name), () => 'is left out by name'),
  ({ wanted, site }) =>
    unless(wanted.sites.only?.includes(site.record.name) ?? true, () => 'is none of those that the job names'),
  ({ site }) =>
    unless(
      site.home || site.ageMs <= SITE.siteSilentMs.default,
      () => `has been silent for ${formatDuration(site.ageMs)}`,
    ),
  ({ wanted: { sites }, site: { home, record } }) =>
    unless(
      home || record.price <= (sites.priceMax ?? Number.MAX_VALUE),
      () => `asks ${record.price} for 10^9 fuel, the job pays ${sites.priceMax}`,
    ),
  ({ wanted, site }) => {
    const needsWord = wanted.confidence === 'trusted' || !wanted.deterministic;
    return unless(site.home || !needsWord, () => 'is another site, and the job is for hosts that this one trusts');
  },
  ({ wanted: { confidence }, site: { home, record } }) =>
    unless(
      home || sure(record.confidence) >= sure(confidence),
      () => `can be sure of results to ${record.confidence}, the job asks for ${confidence}`,
    ),
  ({ wanted, site: { record } }) => {
    const refused = wanted.grants.find((grant) => !covers(record.policy.grants, grant));
    return unless(refused === undefined, () => `does not allow the grant "${refused?.kind}"`);
  },
  ({ wanted, site: { record } }) => {
    const allowed = record.policy.limits.memoryBytesMax;
    return unless(
      wanted.memoryBytes <= allowed,
      () => `allows tasks ${formatSize(allowed)}, a task needs ${formatSize(wanted.memoryBytes)}`,
    );
  },
  ({ wanted, site: { record } }) => {
    const missing = wanted.isolation.filter((wall) => !record.isolation.includes(wall));
    return unless(missing.length === 0, () => `lacks isolation: ${missing.join(', ')}`);
  },
  ({ site: { home, record } }) => unless(home || works(record), () => 'has no host that works'),
  ({ wanted: { deadline }, site: { home, record }, now }) =>
    unless(
      home || deadline === null || now + record.deadlineMs <= deadline,
      () =>
        `gives work back within ${formatDuration(record.deadlineMs)}, the deadline is in ${formatDuration(Math.max(0, (deadline ?? 0) - now))}`,
    ),
];

/** Why a site may not run a job's tasks, in words that follow its name; undefined if it may. */
export function refusalOfSite(wanted: Wanted, site: SiteView, now: number): string | undefined {
  for (const rule of RULES) {
    const text = rule({ wanted, site, now });
    if (text !== undefined) return text;
  }
  return undefined;
}

/**
 * Shares that end at one moment: the sites that ask least for it where a deadline leaves a choice, all of them where none is named. The site
 * that asks keeps what it can do soon. Tasks that no site may run, or that all may have no more of, are in no share.
 */
export function choose(wanted: Wanted, sites: readonly SiteView[], now: number, burst = BURST): readonly Share[] {
  const lanes = sites
    .filter((site) => refusalOfSite(wanted, site, now) === undefined)
    .map((site) => lane(wanted, site));
  const home = lanes.find(({ site }) => site.home);
  const kept = home ? Math.min(wanted.tasks, doneBy(home, burst.keepSeconds)) : 0;
  const rest = wanted.tasks - kept;
  if (rest === 0) return home && kept > 0 ? [{ site: home.site.record.name, tasks: kept }] : [];
  const later = lanes.map((each) =>
    each === home ? { ...each, startS: Math.max(each.startS, burst.keepSeconds) } : each,
  );
  const seconds = wanted.deadline === null ? null : Math.max(0, (wanted.deadline - now) / 1_000);
  const shares = fill(rest, seconds === null ? later : cheapest(rest, later, seconds));
  return shares
    .map(({ site, tasks }) => ({ site: site.record.name, tasks: tasks + (site.home ? kept : 0) }))
    .filter(({ tasks }) => tasks > 0);
}

/** A site as a line: so many tasks a second from a moment on, up to a most. */
interface Lane {
  readonly site: SiteView;
  readonly perSecond: number;
  /** Seconds from now. */
  readonly startS: number;
  readonly most: number;
}

function lane(wanted: Wanted, site: SiteView): Lane {
  const { record, home, linkBytesPerSecond, delayMs, held, checks } = site;
  const computed = works(record) ? record.fuelPerSecond / (wanted.fuelPerTask ?? FUEL_GUESS) : 0;
  const carried =
    home || linkBytesPerSecond === null ? Number.MAX_VALUE : linkBytesPerSecond / Math.max(1, wanted.bytesPerTask);
  return {
    site,
    perSecond: Math.min(computed, carried),
    startS: (works(record) ? record.queuedFuel / record.fuelPerSecond : 0) + delayMs / 1_000,
    most: home ? Number.MAX_SAFE_INTEGER : Math.max(0, PROBATION * (1 + checks) - held),
  };
}

/** Less than a unit of fuel a second is none: shares of it would not be numbers. */
const works = ({ fuelPerSecond }: SiteRecord): boolean => fuelPerSecond >= 1;

/** Whole tasks that a lane has done after so many seconds. */
const doneBy = ({ perSecond, startS, most }: Lane, seconds: number): number =>
  Math.min(most, Math.floor(perSecond * Math.max(0, seconds - startS)));

/** The cheapest lanes that are done in time together; all of them if not even they are. */
function cheapest(tasks: number, lanes: readonly Lane[], seconds: number): readonly Lane[] {
  const sorted = lanes.toSorted((a, b) => priceOf(a) - priceOf(b) || a.startS - b.startS);
  const taken: Lane[] = [];
  for (let done = 0; done < tasks; ) {
    const next = sorted[taken.length];
    if (!next) return lanes;
    done += doneBy(next, seconds);
    taken.push(next);
  }
  return taken;
}

/** Its own hosts cost a site nothing. */
const priceOf = ({ site }: Lane): number => (site.home ? 0 : site.record.price);

interface Part {
  readonly site: SiteView;
  readonly tasks: number;
}

/**
 * Fills the lanes like water to one level. Full lanes drop out, and so do those whose share is not worth it: the others are filled anew.
 */
function fill(tasks: number, lanes: readonly Lane[]): readonly Part[] {
  const full: Part[] = [];
  let open = lanes.filter(({ perSecond, most }) => perSecond > 0 && most > 0);
  for (let left = tasks; open.length > 0 && left > 0; ) {
    open = soonest(open, Math.ceil(left / SHARE_LEAST));
    const level = levelOf(left, open);
    const amount = (each: Lane) => each.perSecond * Math.max(0, level - each.startS);
    const [over, under] = [
      open.filter((each) => amount(each) >= each.most),
      open.filter((each) => amount(each) < each.most),
    ];
    if (over.length === 0) {
      const worth = open.filter((each) => each.site.home || amount(each) >= SHARE_LEAST);
      if (worth.length === open.length || worth.length === 0) return [...full, ...whole(left, open, amount)];
      open = worth;
    } else {
      full.push(...over.map(({ site, most }) => ({ site, tasks: most })));
      left -= over.reduce((sum, { most }) => sum + most, 0);
      open = under;
    }
  }
  return full;
}

/** The lanes that have done a worthwhile share first, at most so many. */
function soonest(lanes: readonly Lane[], count: number): Lane[] {
  const doneAt = ({ startS, perSecond }: Lane) => startS + SHARE_LEAST / perSecond;
  return lanes.length <= count ? [...lanes] : lanes.toSorted((a, b) => doneAt(a) - doneAt(b)).slice(0, count);
}

/** The moment, in seconds from now, at which the lanes together have done the tasks. */
function levelOf(tasks: number, lanes: readonly Lane[]): number {
  let [perSecond, done, level] = [0, 0, 0];
  for (const next of lanes.toSorted((a, b) => a.startS - b.startS)) {
    const then = done + perSecond * (next.startS - level);
    if (perSecond > 0 && then >= tasks) break;
    [done, level, perSecond] = [then, next.startS, perSecond + next.perSecond];
  }
  return level + (tasks - done) / perSecond;
}

/** Amounts as whole tasks that add up: what is cut off goes to those that lost most by it. */
function whole(tasks: number, lanes: readonly Lane[], amount: (lane: Lane) => number): Part[] {
  let left = tasks;
  const cut = lanes.map((each) => {
    const full = Math.min(left, Math.floor(amount(each)));
    left -= full;
    return { site: each.site, tasks: full, lost: amount(each) - full };
  });
  const first = new Set(cut.toSorted((a, b) => b.lost - a.lost).slice(0, left));
  return cut.map((each) => ({ site: each.site, tasks: each.tasks + (first.has(each) ? 1 : 0) }));
}
