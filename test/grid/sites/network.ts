// The sites of a simulated federation: their hosts, the links between them, and what each tells of itself.
import type { SiteView } from '../../../host/federation/choose.ts';
import type { SiteRecord } from '../../../host/federation/record.ts';
import { parsePolicy } from '../../../runtime/policy/policy.ts';
import type { Chance } from '../chance.ts';

/** Fuel a second of a host of speed 1. */
export const FUEL_PER_SECOND = 1e9;
const SPEED_SIGMA = 0.7;
/** Median and spread of ms there and back over a wide link, and of its bytes a second. */
const DELAY = { medianMs: 40, sigma: 0.6 };
const LINK = { medianBytesPerSecond: 50e6, sigma: 0.8 };
/** How often a site renews its record, in seconds. */
export const BEAT_S = 10;

export interface Site {
  readonly name: string;
  /** Fuel a second of each host. */
  readonly speeds: readonly number[];
  readonly fuelPerSecond: number;
  readonly delayMs: number;
  readonly linkBytesPerSecond: number;
  /** Tasks that its hosts have not begun, as runs of one asker's tasks. */
  readonly queue: Batch[];
  /** Hosts that do nothing. */
  readonly free: number[];
  queued: number;
  /** Whether it waits for tasks that it has asked for. */
  asking: boolean;
  cut: boolean;
  /** What it last told of itself, and when that came. */
  record: SiteRecord;
  heardS: number;
}

/** Tasks that a site has leased of one asker. */
export interface Batch {
  readonly asker: number;
  readonly tasks: number[];
  /** Rises when its site was given up: what its hosts have not begun is not run any more. */
  readonly fence: number;
}

export function createSite(number: number, hosts: number, chance: Chance): Site {
  const speeds = Array.from({ length: hosts }, () => FUEL_PER_SECOND * chance.spread(SPEED_SIGMA));
  const fuelPerSecond = speeds.reduce((sum, speed) => sum + speed, 0);
  const name = `s${number}`;
  return {
    name,
    speeds,
    fuelPerSecond,
    delayMs: DELAY.medianMs * chance.spread(DELAY.sigma),
    linkBytesPerSecond: LINK.medianBytesPerSecond * chance.spread(LINK.sigma),
    queue: [],
    free: speeds.map((_, host) => host),
    queued: 0,
    asking: false,
    cut: false,
    record: recordOf(name, hosts, fuelPerSecond),
    heardS: 0,
  };
}

function recordOf(name: string, hosts: number, fuelPerSecond: number): SiteRecord {
  return {
    version: 1,
    name,
    key: '00'.repeat(32),
    url: null,
    hosts,
    threads: hosts,
    fuelPerSecond,
    queuedFuel: 0,
    price: 1,
    deadlineMs: 3_600_000,
    confidence: 0.999,
    policy: parsePolicy({ version: 1 }),
    isolation: [],
  };
}

/** A site as another one sees it. */
export function viewOf(site: Site, seen: Pick<SiteView, 'home' | 'held' | 'checks'>, nowS: number): SiteView {
  const { record, heardS, delayMs, linkBytesPerSecond } = site;
  return { record, ...seen, ageMs: (nowS - heardS) * 1_000, delayMs, linkBytesPerSecond, banned: false };
}
