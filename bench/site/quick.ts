// How fast a site is: tasks a second with one and with two runs each, and how long a lease takes.
import type { Measure } from '../result.ts';
import { median } from '../rounds.ts';
import type { Used } from './coordinator.ts';
import type { Waits } from './host.ts';
import { type Running, start, startSite, submit } from './parts.ts';

const ROUNDS = 3;
const WARM_TASKS = 20_000;
const LEASES = 1_500;
/** Two hosts that take so long for a batch of 64 and work at two at a time do some 5,000 tasks/s: half of what a site must bear. */
const BUSY_MS = 50;
const BUSY_TASKS = 20_000;

/** What is measured: jobs one after the other, with hosts of the site's own or of two owners. */
interface Work {
  readonly confidence: 'trusted' | number;
  readonly tasks: number;
  readonly jobs: number;
}

const TRUSTED: Work = { confidence: 'trusted', tasks: 60_000, jobs: 1 };
const BELIEVED: Work = { confidence: 0.99, tasks: 40_000, jobs: 1 };
/** In jobs so few and small this confidence takes a check of each task. */
const CHECKED: Work = { confidence: 0.999999, tasks: 4_000, jobs: 2 };

interface Load {
  readonly tasksPerSecond: number;
  readonly cpuUsPerTask: number;
  readonly runsPerTask: number;
}

export async function quick(): Promise<Measure[]> {
  const single: Load[] = [];
  const double: Load[] = [];
  const believed: Load[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    single.push(await loaded(TRUSTED));
    double.push(await loaded(CHECKED));
    believed.push(await loaded(BELIEVED));
  }
  return [
    speed('validated tasks/s, one run each, batch 64, two echo hosts', single, 10_000),
    speed('validated tasks/s, two runs each, batch 64, two echo hosts', double, 5_000),
    speed('validated tasks/s at confidence 0.99, batch 64, echo hosts of two owners', believed, 5_000),
    wait('a site with nothing else to do', await leases(5, 0)),
    wait('the site gives one after the other as fast as it can', await leases(0, 0)),
    wait('beside some 5,000 tasks/s in batches of 64', await leases(5, 2)),
  ];
}

function wait(where: string, { median, p99 }: Waited): Measure {
  return {
    measure: `pull to lease of one task over loopback, ${where}`,
    value: `median ${median.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
    must: 'median < 1 ms, p99 < 5 ms',
    holds: median < 1 && p99 < 5,
  };
}

function speed(measure: string, loads: readonly Load[], must: number): Measure {
  const rates = loads.map(({ tasksPerSecond }) => tasksPerSecond).sort((a, b) => a - b);
  const cpu = median(loads.map(({ cpuUsPerTask }) => cpuUsPerTask));
  const runs = median(loads.map(({ runsPerTask }) => runsPerTask));
  const middle = median(rates);
  const shown = rates.map((rate) => Math.round(rate).toLocaleString('en')).join(' / ');
  return {
    measure,
    value: `${shown} (min / median / max); ${runs.toFixed(2)} runs and ${cpu.toFixed(0)} us of the coordinator's CPU a task`,
    must: `>= ${must.toLocaleString('en')}`,
    holds: middle >= must,
  };
}

/** Jobs from their submission to the last outcome, which the submitter checks, with two hosts that have worked for the site before. */
async function loaded({ confidence, tasks, jobs }: Work): Promise<Load> {
  const site = await startSite();
  const { url, operator, lenders } = site.coordinator.first;
  const tokens = confidence === 'trusted' ? [operator, operator] : lenders;
  const hosts = await Promise.all(tokens.map((token) => start('host', [url, '64', '1', '0', token])));
  try {
    await run(site, WARM_TASKS, confidence === 'trusted' ? confidence : 0.99);
    const before = await site.coordinator.ask<Used>();
    const began = performance.now();
    let runs = 0;
    for (let job = 0; job < jobs; job++) runs += await run(site, tasks, confidence);
    const seconds = (performance.now() - began) / 1000;
    const after = await site.coordinator.ask<Used>();
    const all = tasks * jobs;
    return {
      tasksPerSecond: all / seconds,
      cpuUsPerTask: (1000 * (after.cpuMs - before.cpuMs)) / all,
      runsPerTask: runs / all,
    };
  } finally {
    await Promise.all(hosts.map((host) => host.end()));
    await site.close();
  }
}

/** One job; gives how many runs it took. */
async function run(site: Running, tasks: number, confidence: 'trusted' | number): Promise<number> {
  const job = await submit(site, tasks, { confidence, wait: false });
  let next = 0;
  for await (const { index, state, output } of site.submitter.outcomes(job, 0)) {
    if (index !== next++ || state !== 'done' || Buffer.from(output as Uint8Array).toString() !== `in-${index}`)
      throw new Error(`task ${index} is not answered by its input`);
  }
  if (next !== tasks) throw new Error(`${next} outcomes of ${tasks} tasks`);
  return (await site.submitter.ask('job', { params: { job } })).runs;
}

interface Waited {
  readonly median: number;
  readonly p99: number;
}

/**
 * A host that pulls one task at a time, and takes so many ms for each; beside it hosts with batches of 64 that keep the site as busy as
 * they are many. The first job of each warms.
 */
async function leases(takesMs: number, busy: number): Promise<Waited> {
  const site = await startSite();
  const { url, operator } = site.coordinator.first;
  const one = await start('host', [url, '1', '1', String(takesMs), operator]);
  const others = await Promise.all(
    Array.from({ length: busy }, () => start('host', [url, '64', '1', String(BUSY_MS), operator])),
  );
  const tasks = busy > 0 ? BUSY_TASKS : LEASES;
  try {
    await run(site, tasks, 'trusted');
    await one.ask<Waits>();
    await run(site, tasks, 'trusted');
    // The first was pulled before there was a job.
    const sorted = (await one.ask<Waits>()).lease.slice(1).toSorted((a, b) => a - b);
    return { median: median(sorted), p99: sorted[Math.floor(0.99 * sorted.length)] ?? Number.NaN };
  } finally {
    await Promise.all([one, ...others].map((host) => host.end()));
    await site.close();
  }
}
