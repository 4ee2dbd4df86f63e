// How large a site may become: a restart with a million open tasks, a thousand hosts, ten thousand jobs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measure } from '../result.ts';
import { median } from '../rounds.ts';
import type { Used } from './coordinator.ts';
import type { Waits } from './host.ts';
import { type Running, start, startSite, submit } from './parts.ts';

const HOSTS = 1_000;
const JOBS = 10_000;
const OPEN_TASKS = 1_000_000;
const MiB = 2 ** 20;

export async function measureScale(): Promise<Measure[]> {
  return [...(await many()), await restart()];
}

/** A thousand hosts with a lease each, then a policy for all of them, then ten thousand jobs in the queue. */
async function many(): Promise<Measure[]> {
  const site = await startSite();
  const { url, operator } = site.coordinator.first;
  const hosts = await start('host', [url, '0', String(HOSTS), '0', operator]);
  try {
    await submit(site, HOSTS, { confidence: 'trusted' });
    await until(async () => (await leased(site)) >= HOSTS);
    const { residentBytes } = await site.coordinator.ask<Used>();
    const pushed = await push(site);
    const { connected } = await hosts.ask<Waits>();
    const listed = await list(site);
    return [
      {
        measure: `memory of a coordinator with ${HOSTS} hosts, each with a lease`,
        value: `${Math.round(residentBytes / MiB)} MiB, ${connected} connected`,
        must: '< 200 MiB, none lost',
        holds: residentBytes < 200 * MiB && connected === HOSTS,
      },
      {
        measure: `a policy pushed to ${HOSTS} hosts, until the last has acknowledged it`,
        value: `${Math.round(pushed)} ms`,
        must: '< 1 s',
        holds: pushed < 1_000,
      },
      {
        measure: `a list of ${JOBS} queued jobs over HTTP, until its last byte`,
        value: `${listed.toFixed(0)} ms (median of 5)`,
        must: '< 100 ms',
        holds: listed < 100,
      },
    ];
  } finally {
    await hosts.end();
    await site.close();
  }
}

async function leased({ submitter }: Running): Promise<number> {
  const jobs = await submitter.ask('jobs', {});
  return jobs.reduce((sum, { counts }) => sum + counts.leased, 0);
}

async function push({ operator }: Running): Promise<number> {
  const { policy } = await operator.ask('policy', {});
  const began = performance.now();
  const { version } = await operator.ask('setPolicy', { json: policy });
  await until(async () => (await operator.ask('hosts', {})).every(({ policyVersion }) => policyVersion === version));
  return performance.now() - began;
}

async function list(site: Running): Promise<number> {
  const { submitter, kernel } = site;
  for (let from = 0; from < JOBS; from += 100)
    await Promise.all(
      Array.from({ length: 100 }, () =>
        submitter.ask('submit', { json: { version: 1, kernel, confidence: 'trusted' } }),
      ),
    );
  const { url, submitter: token } = site.coordinator.first;
  const headers = { authorization: `Bearer ${token}` };
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    const answer = await fetch(`${url}/api/1/jobs?limit=${JOBS}`, { headers });
    const bytes = await answer.text();
    times.push(performance.now() - began);
    const { length } = JSON.parse(bytes) as unknown[];
    if (length < JOBS) throw new Error(`${length} jobs were listed`);
  }
  return median(times);
}

/** From the start of the process to its answer, with a million tasks open. */
async function restart(): Promise<Measure> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  try {
    const first = await startSite(folder);
    await submit(first, OPEN_TASKS, { confidence: 'trusted' });
    await first.close();
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const began = performance.now();
      const part = await start<{ readonly url: string }>('coordinator', [folder]);
      times.push(performance.now() - began);
      await part.end();
    }
    const time = median(times);
    return {
      measure: `a start with ${OPEN_TASKS.toLocaleString('en')} open tasks, until it listens`,
      value: `${Math.round(time)} ms with the start of Node (median of 3)`,
      must: '< 2 s',
      holds: time < 2_000,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
