// Many sites on a fake clock: some have jobs, all have hosts, links are slow and some are cut for a while. Where tasks run is decided by
// the function that real sites use. One seed gives one run.
import { choose } from '../../../host/federation/choose.ts';
import { createChance } from '../chance.ts';
import { type Clock, createClock } from '../clock.ts';
import { createJob, type Job, TASK, wantedOf } from './job.ts';
import { type Batch, BEAT_S, createSite, FUEL_PER_SECOND, type Site, viewOf } from './network.ts';

export interface Federation {
  readonly seed: number;
  readonly sites: number;
  readonly hostsPerSite: number;
  /** In all; shared out over the sites that ask. */
  readonly tasks: number;
  /** Sites that have a job, all at the start. */
  readonly askers: number;
  /** Share of sites whose link is cut once while the jobs run. */
  readonly cutShare: number;
}

export interface SitesScore {
  /** From the start until the last result is there. */
  readonly seconds: number;
  /** Until 99 % of them are there: the last ones wait for the slowest hosts, at one site too. */
  readonly secondsMost: number;
  /** Seconds of hosts that went into these 99 %, of all that they had until then. */
  readonly utilisation: number;
  /** Bytes between sites, of all that hosts were sent or sent. */
  readonly wideShare: number;
  /** Tasks that were run once more than needed, of all. */
  readonly wasted: number;
}

/** Kernel and blobs: once to each site, once to each host. */
const JOB_BYTES = 4 * 2 ** 20;
/** A lease of a site that fell silent is another's after so many seconds. */
const ACK_WAIT_S = 30;
const CUT = { firstS: 120, meanS: 120 };
/** A site passes a spot audit once in so many results. */
const AUDIT_EACH = 64;

const MOST = 0.99;

/** Acts of the clock, a number each: what, and of which site. */
const ACTS = ['beat', 'plan', 'cut', 'heal', 'expire', 'ask', 'done'] as const;
type Act = (typeof ACTS)[number];

/** A host's of a site, of a task of an asker. */
interface Result {
  readonly number: number;
  readonly asker: number;
  readonly task: number;
}

/** Runs all jobs to their end; throws if a task was lost. */
export function runFederation(options: Federation): SitesScore {
  return createFederation(options, createClock()).run();
}

function createFederation({ seed, sites: count, hostsPerSite, tasks, askers, cutShare }: Federation, clock: Clock) {
  const chance = createChance(seed);
  const sites = Array.from({ length: count }, (_, number) => createSite(number, hostsPerSite, chance));
  const seconds = Float32Array.from({ length: tasks }, () => TASK.seconds * chance.spread(TASK.sigma));
  const jobs = Array.from({ length: askers }, (_, asker) => createJob(asker, { tasks, askers, sites: count }));
  const fences = new Int32Array(count);
  /** What a host runs: its asker, task and fence; -1 for nothing. */
  const running = { asker: new Int32Array(count * hostsPerSite).fill(-1), task: new Int32Array(count * hostsPerSite) };
  /** Results that wait for a link. */
  let outbox: Result[] = [];
  const warm = new Set<number>();
  const total = {
    wide: 0,
    local: 0,
    useful: 0,
    wasted: 0,

    results: 0,
    lastS: 0,
    mostS: 0,
    usefulMost: 0,
  };

  const at = (afterS: number, act: Act, index: number) =>
    clock.at(clock.now() + afterS, index * ACTS.length + ACTS.indexOf(act));
  const siteAt = (number: number): Site => sites[number] as Site;
  const jobAt = (asker: number): Job => jobs[asker] as Job;
  const delayS = (asker: number, number: number) => (asker === number ? 0 : siteAt(number).delayMs / 1_000);
  const isCutOff = (asker: number, number: number) => asker !== number && (siteAt(asker).cut || siteAt(number).cut);

  /** What every site is told of every other. */
  function beat(number: number): void {
    const site = siteAt(number);
    if (!site.cut) {
      const busy = site.speeds.length - site.free.length;
      const fuel = (site.queued + busy / 2) * TASK.seconds * FUEL_PER_SECOND;
      site.record = { ...site.record, queuedFuel: fuel };
      site.heardS = clock.now();
    }
    at(BEAT_S, 'beat', number);
  }

  /** Shares out anew what nobody has leased. */
  function plan(asker: number): void {
    const job = jobAt(asker);
    if (job.left === 0) return;
    at(BEAT_S, 'plan', asker);
    const now = clock.now();
    const views = sites.map((site, number) =>
      viewOf(
        site,
        {
          home: number === asker,
          held: job.held[number] ?? 0,
          checks: Math.floor((job.given[number] ?? 0) / AUDIT_EACH),
        },
        now,
      ),
    );
    job.quota.fill(0);
    if (job.open.length === 0) return;
    for (const { site, tasks: share } of choose(wantedOf(job), views, now * 1_000)) {
      const number = Number(site.slice(1));
      job.quota[number] = share;
      ask(number);
    }
  }

  /** A site with idle hosts leases tasks of whoever gave it a share. */
  function ask(number: number): void {
    const site = siteAt(number);
    const wants = site.speeds.length + site.free.length - site.queued;
    if (site.asking || wants < site.speeds.length / 2) return;
    const asker = jobs.findIndex(
      (job, each) => (job.quota[number] ?? 0) > 0 && job.open.length > 0 && !isCutOff(each, number),
    );
    if (asker < 0) return;
    site.asking = true;
    lease(asker, number, wants);
    at(delayS(asker, number), 'ask', number);
  }

  function lease(asker: number, number: number, wants: number): void {
    const [job, site] = [jobAt(asker), siteAt(number)];
    const batch: Batch = { asker, tasks: [], fence: fences[number] ?? 0 };
    const most = Math.min(wants, job.quota[number] ?? 0);
    while (batch.tasks.length < most) {
      const task = job.open.pop();
      if (task === undefined) break;
      if (!job.counted[task]) batch.tasks.push(task);
    }
    job.quota[number] = (job.quota[number] ?? 0) - batch.tasks.length;
    job.held[number] = (job.held[number] ?? 0) + batch.tasks.length;
    if (asker !== number && !job.fetched[number]) total.wide += JOB_BYTES;
    job.fetched[number] = 1;
    if (batch.tasks.length > 0) site.queue.push(batch);
    site.queued += batch.tasks.length;
  }

  /** Leased tasks have come. */
  function arrive(number: number): void {
    siteAt(number).asking = false;
    begin(number);
  }

  /** Gives idle hosts tasks, and asks for more. */
  function begin(number: number): void {
    const site = siteAt(number);
    while (site.free.length > 0) {
      const batch = site.queue[0];
      const task = batch?.tasks.pop();
      if (!batch) break;
      if (task === undefined || batch.fence !== fences[number]) {
        site.queued -= task === undefined ? 0 : batch.tasks.length + 1;
        site.queue.shift();
        continue;
      }
      site.queued -= 1;
      run(number, site.free.pop() ?? 0, batch.asker, task);
    }
    ask(number);
  }

  function run(number: number, host: number, asker: number, task: number): void {
    const place = number * hostsPerSite + host;
    running.asker[place] = asker;
    running.task[place] = task;
    const key = place * askers + asker;
    total.local += TASK.bytes + (warm.has(key) ? 0 : JOB_BYTES);
    warm.add(key);
    if (asker !== number) total.wide += TASK.bytes;
    at(((seconds[task] ?? 0) * FUEL_PER_SECOND) / (siteAt(number).speeds[host] ?? 1), 'done', place);
  }

  function done(place: number): void {
    const number = Math.floor(place / hostsPerSite);
    const [asker, task] = [running.asker[place] ?? 0, running.task[place] ?? 0];
    deliver({ number, asker, task });
    siteAt(number).free.push(place % hostsPerSite);
    begin(number);
  }

  function deliver(result: Result): void {
    const { number, asker, task } = result;
    if (isCutOff(asker, number)) {
      outbox.push(result);
      return;
    }
    const job = jobAt(asker);
    job.held[number] = Math.max(0, (job.held[number] ?? 0) - 1);
    job.given[number] = (job.given[number] ?? 0) + 1;
    if (job.counted[task]) {
      total.wasted += 1;
      return;
    }
    job.counted[task] = 1;
    job.left -= 1;
    total.useful += seconds[task] ?? 0;
    total.results += 1;
    total.lastS = Math.max(total.lastS, clock.now() + delayS(asker, number) / 2);
    if (total.results === Math.ceil(tasks * MOST)) [total.mostS, total.usefulMost] = [total.lastS, total.useful];
  }

  function cut(number: number): void {
    siteAt(number).cut = true;
    at(ACK_WAIT_S, 'expire', number);
    at(chance.wait(CUT.meanS), 'heal', number);
  }

  /** Leases over a link that is still cut are given up: what has no result is open again. */
  function expire(number: number): void {
    if (!siteAt(number).cut) return;
    fences[number] = (fences[number] ?? 0) + 1;
    const lost = [
      ...siteAt(number).queue.flatMap(({ asker, tasks: mine }) => mine.map((task) => [asker, task] as const)),
    ];
    for (let host = 0; host < hostsPerSite; host += 1) {
      const place = number * hostsPerSite + host;
      if (!siteAt(number).free.includes(host)) lost.push([running.asker[place] ?? 0, running.task[place] ?? 0]);
    }
    for (const waiting of outbox) if (waiting.number === number) lost.push([waiting.asker, waiting.task]);
    for (const [asker, task] of lost) {
      if (asker !== number) jobAt(asker).open.push(task);
    }
    for (const [asker, job] of jobs.entries()) if (asker !== number) job.held[number] = 0;
    keepOwn(number);
  }

  /** A site that is cut off goes on with its own job: only what it had of others is given up. */
  function keepOwn(number: number): void {
    const site = siteAt(number);
    const own = site.queue
      .filter(({ asker }) => asker === number)
      .map((batch) => ({ ...batch, fence: fences[number] ?? 0 }));
    site.queue.splice(0, site.queue.length, ...own);
    site.queued = own.reduce((sum, batch) => sum + batch.tasks.length, 0);
  }

  function heal(number: number): void {
    siteAt(number).cut = false;
    const waiting = outbox;
    outbox = [];
    for (const result of waiting) deliver(result);
    begin(number);
  }

  const act: Record<Act, (index: number) => void> = { beat, plan, cut, heal, expire, ask: arrive, done };

  return {
    run(): SitesScore {
      for (const number of sites.keys()) at(chance.share() * BEAT_S, 'beat', number);
      for (const asker of jobs.keys()) at(0, 'plan', asker);
      for (const number of sites.keys()) if (chance.share() < cutShare) at(chance.wait(CUT.firstS), 'cut', number);
      while (jobs.some(({ left }) => left > 0)) {
        const next = clock.next();
        if (next === undefined) throw new Error('nothing is due, and tasks are open');
        act[ACTS[next % ACTS.length] ?? 'beat'](Math.floor(next / ACTS.length));
      }
      const speed = sites.reduce((sum, { fuelPerSecond }) => sum + fuelPerSecond, 0) / FUEL_PER_SECOND;
      return {
        seconds: total.lastS,
        secondsMost: total.mostS,
        utilisation: total.usefulMost / (speed * total.mostS),
        wideShare: total.wide / (total.wide + total.local),
        wasted: total.wasted / tasks,
      };
    },
  };
}
