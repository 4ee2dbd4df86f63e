// Many sites over a real NATS server: tasks a second through 1, 2 and 4 sites, how soon a lost site's tasks go to others, what belonging to
// a federation costs a site that works alone, and how blobs go between sites.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createAgent } from '../host/agent/agent.ts';
import { lendHere } from '../host/cli/lend-here.ts';
import { connect } from '../host/client/connect.ts';
import { openBlobs } from '../host/coordinator/blobs.ts';
import { createCoordinator } from '../host/coordinator/door.ts';
import { createSiteBlobs } from '../host/federation/blobs.ts';
import { createFederation } from '../host/federation/door.ts';
import { openInputs } from '../host/jobs/inputs.ts';
import { loadJob } from '../host/jobs/load.ts';
import { inputsOf } from '../host/jobs/values.ts';
import { fillLimits } from '../runtime/job/limits.ts';
import { startNats } from './federation/nats.ts';
import { type SiteProcess, startSite } from './federation/parts.ts';
import { shareBlob } from './federation/shared.ts';
import type { Measure, Result } from './result.ts';
import { median } from './rounds.ts';
import { startSite as startAlone } from './site/parts.ts';

const ROUNDS = 3;
const SEARCHES = 4;
const TASKS = 40_000;
/** Tasks that each site runs first: code that has just been loaded takes nearly twice the time, and more sites have more of it. */
const WARM_TASKS = 12_000;
const TRANSFERS = 5;
const TRANSFER_BYTES = 256 * 2 ** 20;
const SHARED_BYTES = 64 * 2 ** 20;
const SHARING_HOSTS = 20;
const LEASE_MS = 2_000;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export default async function measure(): Promise<Result> {
  const measures = [...(await rates()), await lost(), await overhead(), await transfer(), await shared()];
  return { name: 'federation', times: [], measures };
}

interface Load {
  readonly perSecond: number;
  /** CPU a task, at the site that asks, and at the others with their hosts. */
  readonly askingUs: number;
  readonly othersUs: number;
}

/** One site asks and has no hosts, so that every task goes through the server; so many others run them. */
async function rates(): Promise<Measure[]> {
  const loads = new Map<number, Load[]>([1, 2, 4].map((sites) => [sites, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [sites, found] of loads) found.push(await inFolder((folder) => loaded(folder, sites)));
  const best = (sites: number) => Math.max(...(loads.get(sites) ?? []).map(({ perSecond }) => perSecond));
  return [...loads].map(([sites, found]) => {
    const shown = found.map(({ perSecond }) => Math.round(perSecond).toLocaleString('en')).join(' / ');
    const asking = median(found.map(({ askingUs }) => askingUs)).toFixed(0);
    const others = median(found.map(({ othersUs }) => othersUs)).toFixed(0);
    return {
      measure: `tasks/s through the federation, ${sites} site${sites > 1 ? 's' : ''} beside the one that asks`,
      value: `${shown} (rounds); CPU a task: ${asking} us at the site that asks, ${others} us at the others with their hosts`,
      must: sites === 1 ? '>= 2,000' : sites === 4 ? 'not below one site' : '',
      holds: sites === 1 ? best(1) >= 2_000 : sites === 4 ? best(4) >= 0.95 * best(1) : null,
    };
  });
}

async function loaded(folder: string, sites: number): Promise<Load> {
  await using nats = await startNats();
  const asking = await startSite('asking', { folder, nats: nats.url, hosts: 0 });
  const others: SiteProcess[] = [];
  try {
    for (let index = 0; index < sites; index++)
      others.push(await startSite(`other-${index}`, { folder, nats: nats.url, hosts: 2 }));
    await asking.order({ do: 'trust', sites });
    const warm = await asking.order({ do: 'run', tasks: WARM_TASKS * sites });
    const before = await used(others);
    const { ms, cpuMs } = await asking.order({ do: 'run', tasks: TASKS });
    const after = await used(others);
    const each = (spentMs: number) => (1_000 * spentMs) / TASKS;
    return { perSecond: (1_000 * TASKS) / ms, askingUs: each(cpuMs - warm.cpuMs), othersUs: each(after - before) };
  } finally {
    for (const each of [asking, ...others]) await each.end();
  }
}

/** CPU of processes since they began, in ms. */
async function used(sites: readonly SiteProcess[]): Promise<number> {
  const told = await Promise.all(sites.map((site) => site.order({ do: 'tell' })));
  return told.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** A site is killed with tasks of another, which has a host that waits: from the kill to the lease of that host. */
async function lost(): Promise<Measure> {
  const waits: number[] = [];
  for (let round = 0; round < ROUNDS; round++)
    waits.push(
      await inFolder(async (folder) => {
        await using nats = await startNats();
        const setting = { folder, nats: nats.url, leaseMs: LEASE_MS };
        const asking = await startSite('asking', { ...setting, hosts: 0 });
        const other = await startSite('other', { ...setting, hosts: 1, keeps: true });
        try {
          await asking.order({ do: 'trust', sites: 1 });
          void asking.order({ do: 'run', tasks: 4 });
          await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
          other.child.kill('SIGKILL');
          return (await asking.order({ do: 'wait' })).ms;
        } finally {
          for (const each of [asking, other]) await each.end();
        }
      }),
    );
  const most = Math.max(...waits);
  return {
    measure: `from the kill of a site to the next lease of its tasks, ack_wait ${LEASE_MS} ms`,
    value: `${waits.map((wait) => `${Math.round(wait)} ms`).join(' / ')}`,
    must: `<= ${LEASE_MS + 200} ms`,
    holds: most <= LEASE_MS + 200,
  };
}

/** The protein search at one site, alone and as one of a federation, in turn: from the submission to the last outcome. */
async function overhead(): Promise<Measure> {
  await using nats = await startNats();
  const alone: Search[] = [];
  const joined: Search[] = [];
  for (let round = 0; round < SEARCHES; round++) {
    alone.push(await inFolder((folder) => search(folder)));
    joined.push(await inFolder((folder) => search(folder, nats.url)));
  }
  const least = (searches: readonly Search[], what: keyof Search) => Math.min(...searches.map((each) => each[what]));
  const ratioOf = (what: keyof Search) => least(joined, what) / least(alone, what);
  return {
    measure: 'protein search at one site of a federation against the same site alone, one thread',
    value: `${ratioOf('cpuMs').toFixed(3)}x of CPU, ${ratioOf('wallMs').toFixed(3)}x of wall time (minima of ${SEARCHES})`,
    must: '<= 1.05x',
    holds: ratioOf('cpuMs') <= 1.05,
  };
}

interface Search {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function search(folder: string, nats?: string): Promise<Search> {
  const coordinator = await createCoordinator({ data: join(folder, 'site') });
  const agent = await lendHere(coordinator, { threads: 1, data: join(folder, 'host') });
  const federation =
    nats === undefined ? undefined : await createFederation({ coordinator, name: 'bench', servers: [nats] });
  while (federation && !federation.status().connected) await new Promise((resolve) => setTimeout(resolve, 20));
  const runner = await connect(coordinator.url, coordinator.operatorToken ?? '');
  try {
    const { file, folder: beside, terms } = await loadJob(join(ROOT, 'kernels/align/job.json'));
    const { each } = await openInputs(file.inputs, beside, fillLimits(file.limits).inputBytesMax);
    const [before, began] = [process.cpuUsage(), performance.now()];
    for await (const { state } of runner.map({ ...terms, inputs: inputsOf(terms.kernel, each(), () => undefined) }))
      if (state !== 'done') throw new Error('a task of the search failed');
    const { user, system } = process.cpuUsage(before);
    return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - began };
  } finally {
    await runner.close();
    await federation?.close();
    await agent.close();
    await coordinator.close();
  }
}

/** A blob from a site in a process of its own to this one: over loopback, onto disk, checked by both. */
async function transfer(): Promise<Measure> {
  return inFolder(async (folder) => {
    const giver = await startAlone(join(folder, 'giver'));
    const digest = await giver.operator.putBlob(randomBytes(TRANSFER_BYTES));
    const { url, operator: token } = giver.coordinator.first;
    const rates: number[] = [];
    const cpuMs: number[] = [];
    for (let round = 0; round < TRANSFERS; round++) {
      const blobs = await openBlobs(join(folder, `taker-${round}`));
      const [before, began] = [process.cpuUsage(), performance.now()];
      await createSiteBlobs(blobs).fetch(digest, [{ url, token }]);
      rates.push(TRANSFER_BYTES / 1_000 / (performance.now() - began));
      const { user, system } = process.cpuUsage(before);
      cpuMs.push((user + system) / 1_000);
    }
    await giver.close();
    const cpu = Math.min(...cpuMs) / (TRANSFER_BYTES / 2 ** 20);
    return {
      measure: 'a blob of 256 MiB between two sites on loopback, onto disk',
      value: `${rates.map((rate) => Math.round(rate)).join(' / ')} MB/s; ${cpu.toFixed(2)} ms of CPU a MiB at the site that takes it`,
      must: '>= 300 MB/s',
      holds: Math.max(...rates) >= 300,
    };
  });
}

async function shared(): Promise<Measure> {
  await using nats = await startNats();
  const sharing = { natsPort: nats.port, hosts: SHARING_HOSTS, bytes: SHARED_BYTES, createAgent };
  const { linkBytes, tasksDone } = await inFolder((folder) => shareBlob({ folder, ...sharing }));
  const copies = linkBytes / SHARED_BYTES;
  const used = tasksDone.filter((tasks) => tasks > 0).length;
  return {
    measure: 'all bytes between two sites for a blob of 64 MiB that 20 hosts of one use',
    value: `${copies.toFixed(4)}x of one copy; ${used} hosts used it`,
    must: '<= 1.05x',
    holds: copies <= 1.05 && used === SHARING_HOSTS,
  };
}

async function inFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-sites-'));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
