// The side of a site that has work done by others: it chooses sites, offers them batches, answers what they ask, and takes work back.

import { fromHex, toHex } from '../../runtime/base/platform.ts';
import { isSite, siteAccount } from '../coordinator/belief.ts';
import type { JobView } from '../coordinator/contracts.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import { runsOpen } from '../coordinator/open.ts';
import { node } from '../platform/node.ts';
import type { HostStatus } from '../wire/api.ts';
import { hostName } from '../wire/ledger.ts';
import { encodeFrame, parseFromHost } from '../wire/site.ts';
import { askSite } from './ask.ts';
import { type Burst, choose, FUEL_GUESS, type SiteView, type Wanted } from './choose.ts';
import type { Bus, Self } from './contracts.ts';
import { fresh } from './fresh.ts';
import { createHolders } from './holders.ts';
import { createLine, fenceKey, heldBy, type Line, type Out } from './line.ts';
import type { Answer, Ask, AskedOf } from './messages.ts';
import { leaseKey } from './names.ts';
import { OPERATOR } from './own.ts';
import { blobsOf } from './permit.ts';
import type { SiteRecord } from './record.ts';

/** Batches that a site may have of this one: what it works on, and what it begins then. */
const OUT_MAX = 4;
/** An offer that nobody begins, or a batch that nobody goes on with, for so many leases is not there any more. */
const LOST_LEASES = 2;
/** Of links that nobody has measured, there and back. */
const DELAY_MS = 50;
/** The other may not have this site's record yet. */
const GREETINGS_MAX = 20;
const GREET_AGAIN_MS = 250;
const STANDING_MS = 500;
/** A site that gives tasks of a job back is given none of it for so long: what it cannot do now it could not do at once again. */
const REST_MS = 10_000;
/** Passed checks that stand for the word of an operator. */
const TRUSTED = 1e6;

export interface AskerParts {
  readonly self: Self;
  readonly bus: Bus;
  readonly coordinator: Pick<Coordinator, 'site' | 'guest' | 'blobs'>;
  readonly burst: Burst;
  /** Ms that never go back. */
  readonly now: () => number;
  readonly own: () => SiteRecord;
}

export interface Asker {
  /** A record of another site, whose signature was checked. */
  heard(record: SiteRecord, holds: readonly string[]): void;
  /** The key of a site that may speak here; undefined for one that is not known. */
  keyOf(site: string): string | undefined;
  /** Answers another site. */
  answer(site: string, ask: Exclude<Ask, { kind: 'hello' | 'blob' }>): Promise<Answer>;
  /** Sends out what others are to do, and takes back what this site can do itself. */
  plan(): void;
  /** Gives up what sites have that were silent for too long. */
  expire(): void;
  readonly sites: readonly Line[];
  close(): void;
}

export function createAsker({ self, bus, coordinator, burst, now, own }: AskerParts): Asker {
  const { site, guest } = coordinator;
  const holders = createHolders(self, coordinator.blobs);
  const lines = new Map<string, Line>();
  /** Ms there and back, as of the last greeting. */
  const delays = new Map<string, number>();
  /** The highest fencing number that was seen of each batch: whoever comes with a lower one has lost it. */
  const fences = new Map<string, number>();

  /** Until when sites rest from jobs: by `restKey`. */
  const resting = new Map<string, number>();

  const keyFor = (name: string, out: Pick<Out, 'fence'>) => leaseKey(name, self.name, out.fence);
  const greet = async (name: string, nonce: Uint8Array) => {
    const key = lines.get(name)?.record.key;
    const hail = async () => {
      const asked = now();
      const answer = await askSite({ self, bus, to: name, key }, { kind: 'hello', nonce });
      delays.set(name, now() - asked);
      return answer;
    };
    let answer = await hail();
    for (let more = GREETINGS_MAX; answer.state === 'later' && more > 0; more--) {
      await new Promise((resolve) => setTimeout(resolve, GREET_AGAIN_MS));
      answer = await hail();
    }
    const hello = answer.state === 'hello' ? parseFromHost(answer.frame) : undefined;
    if (hello?.type !== 'hello' || toHex(hello.key) !== key) throw new RangeError('it does not greet with its key');
    return hello;
  };
  const lineFor = (record: SiteRecord): Line =>
    createLine({
      ...{ site, record, now: now(), lostMs: LOST_LEASES * self.leaseMs, greet: (nonce) => greet(record.name, nonce) },
      offer: (line, out, offer) => {
        void (async () => {
          try {
            out.revision = await bus.leases.create(keyFor(record.name, out));
            await bus.offer(record.name, { version: 1, asker: self.name, ...offer });
          } catch (error) {
            self.log('warn', `no offer to site ${record.name}: ${messageOf(error)}`);
            line.drop(out);
          }
        })();
      },
      withdraw: (out) => void bus.leases.end(keyFor(record.name, out)).catch(() => undefined),
      log: (message) => self.log('warn', message),
    });

  /** A name belongs to the key that came with it first. */
  const isImpostor = ({ name, key }: SiteRecord): boolean => {
    const id = hostName(fromHex(key), node.digest);
    return site.hosts(OPERATOR).some(({ account, host }) => account === siteAccount(name) && host !== id);
  };
  const viewOf = (line: Line, held: ReadonlyMap<string, { checks: number; banned: boolean }>): SiteView => ({
    record: line.record,
    home: false,
    ageMs: now() - line.seen,
    ...{ delayMs: delays.get(line.record.name) ?? DELAY_MS, linkBytesPerSecond: null },
    held: heldBy(line),
    ...(held.get(line.host) ?? { checks: 0, banned: false }),
  });
  /** How far each key is believed, as of a moment ago: a site that has just been banned is given nothing by the site itself. */
  const standings = fresh(() => {
    const hosts = site.hosts(OPERATOR).filter(({ account }) => isSite(account));
    const checks = ({ trusted, agreed }: HostStatus) => (trusted ? TRUSTED : agreed);
    return new Map(hosts.map((each) => [each.host, { checks: checks(each), banned: each.banned }]));
  }, STANDING_MS);

  /** This site for a job: its own queue without what is of the job itself, which would have to wait for it. */
  const homeFor = (job: JobView): SiteView => {
    const record = own();
    const out = [...lines.values()].flatMap((line) => [...line.out.values()].filter((one) => one.job === job.id));
    const tasks = runsOpen(job.open) + out.reduce((sum, { left }) => sum + left, 0);
    const queuedFuel = Math.max(0, record.queuedFuel - tasks * (job.fuelPerTask ?? FUEL_GUESS));
    return {
      ...{ record: { ...record, queuedFuel }, home: true, ageMs: 0, delayMs: 0, linkBytesPerSecond: null },
      ...{ held: 0, checks: 0, banned: false },
    };
  };
  const sendOut = (jobs: readonly JobView[]) => {
    const held = standings();
    for (const job of jobs) {
      const home = homeFor(job);
      // Some may not run what is open, such as checks of their own results: what was meant for them goes to the others.
      for (let open = [...lines.values()].filter((line) => line.isOpen && !rests(line, job.id)); open.length > 0; ) {
        const views = open.map((line) => viewOf(line, held));
        const shares = choose(wantedOf(job), [home, ...views], Date.now(), burst);
        const refused = shares.filter(({ site: name, tasks }) => !give(lines.get(name), job.id, tasks));
        if (refused.length === 0) break;
        open = open.filter(({ record }) => refused.every(({ site: name }) => name !== record.name));
      }
    }
  };
  const rests = (line: Line, job: string) => (resting.get(restKey(line, job)) ?? 0) > now();
  const takeReturned = (line: Line, { fence, tasks }: Extract<Ask, { kind: 'release' }>) => {
    const job = line.out.get(fenceKey(fence))?.job;
    for (const [key, until] of resting) if (until <= now()) resting.delete(key);
    if (job !== undefined) resting.set(restKey(line, job), now() + REST_MS);
    line.release(fence, tasks);
  };
  /** Leases a site its share, as far as it may have more; false where it may run none of it. */
  const give = (line: Line | undefined, job: string, share: number): boolean => {
    let given = 0;
    while (line && given < share && line.out.size < OUT_MAX) {
      const before = heldBy(line);
      if (!line.lease(job, share - given)) return given > 0;
      given += heldBy(line) - before;
    }
    return true;
  };
  /** Of what nobody has begun yet, the last batch: a host here waits for work. */
  const takeBack = async () => {
    for (const line of lines.values()) {
      const out = [...line.out.values()].at(-1);
      if (!out || out.revision === null) continue;
      const { revision } = out;
      out.revision = null;
      if (!(await bus.leases.end(keyFor(line.record.name, out), revision).catch(() => false))) continue;
      return line.drop(out);
    }
  };

  const answerLease = async (line: Line, { fence }: Extract<Ask, { kind: 'lease' }>): Promise<Answer> => {
    const lease = line.leaseOf(fence);
    const out = line.out.get(fenceKey(fence));
    if (!lease?.terms || !out) return { state: 'gone' };
    // It has begun: nobody takes it back.
    out.revision = null;
    const { manifest, name } = site.job(OPERATOR, lease.job);
    const { hosts: _, notHosts: __, ...requirements } = manifest.requirements ?? {};
    const digests = blobsOf({ ...lease, terms: lease.terms });
    const asked: AskedOf = {
      name: name || lease.job,
      confidence: manifest.confidence ?? 0.999,
      requirements,
      msLeft: manifest.deadline === undefined ? null : Math.max(0, manifest.deadline - Date.now()),
      url: own().url,
      token: guest(siteAccount(line.record.name), digests),
      holders: await holders.name(line.record.name, digests),
    };
    return { state: 'lease', frame: Uint8Array.from(encodeFrame(lease)), asked };
  };
  const answerReport = async (line: Line, ask: Extract<Ask, { kind: 'report' }>): Promise<Answer> => {
    const report = parseFromHost(ask.frame);
    if (report.type !== 'report') throw new RangeError('it is no report');
    const isTaken = await line.report(report);
    asker.plan();
    return { state: isTaken ? 'taken' : 'gone' };
  };
  const isOvertaken = (name: string, ask: Parameters<Asker['answer']>[1]): boolean => {
    if (ask.kind === 'report') return false;
    const key = leaseKey(name, self.name, ask.fence);
    const highest = fences.get(key) ?? 0;
    fences.set(key, Math.max(highest, ask.revision));
    if (fences.size > FENCES_MAX) fences.delete(fences.keys().next().value as string);
    return ask.revision < highest;
  };

  const asker: Asker = {
    heard: (record, holds) => {
      const known = lines.get(record.name);
      if (known ? known.record.key !== record.key : isImpostor(record)) {
        self.log('warn', `site ${record.name} comes with another key than before: it is not heard`);
        return;
      }
      const line = known ?? lineFor(record);
      lines.set(record.name, line);
      line.heard(record, new Set(holds), now());
      asker.plan();
    },
    keyOf: (name) => lines.get(name)?.record.key,
    answer: async (name, ask) => {
      const line = lines.get(name);
      if (!line?.isOpen) return { state: 'later' };
      if (isOvertaken(name, ask)) return { state: 'gone' };
      if (ask.kind === 'lease') return answerLease(line, ask);
      if (ask.kind === 'report') return answerReport(line, ask).catch(() => ({ state: 'later' }) as const);
      // What ends sites is found out task by task, as with hosts, and given up.
      if (ask.dead) line.lose();
      else takeReturned(line, ask);
      return { state: 'taken' };
    },
    plan: () => {
      const { jobs, idle } = site.work();
      if (jobs.length > 0 && bus.isConnected) sendOut(jobs);
      else if (idle) void takeBack();
    },
    expire: () => {
      for (const line of lines.values()) if (line.isOpen && now() - line.seen > self.leaseMs) line.lose();
    },
    get sites() {
      return [...lines.values()];
    },
    close: () => {
      for (const line of lines.values()) line.close();
    },
  };
  return asker;
}

const restKey = ({ record: { name } }: Line, job: string): string => `${name}.${job}`;

/** Batches whose fencing numbers are kept. */
const FENCES_MAX = 10_000;

function wantedOf(job: JobView): Wanted {
  return {
    tasks: runsOpen(job.open),
    fuelPerTask: job.fuelPerTask,
    bytesPerTask: 0,
    deadline: job.deadline,
    confidence: job.confidence,
    deterministic: job.deterministic,
    memoryBytes: job.memoryBytes,
    grants: job.grants ?? [],
    isolation: job.requirements.isolation ?? [],
    sites: job.sites ?? {},
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
