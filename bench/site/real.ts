// A site with real sandboxes, two threads of its own process, beside a pool of two threads: the protein search, and tasks of next to no work.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lendHere } from '../../host/cli/lend-here.ts';
import { connect } from '../../host/client/connect.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { openInputs } from '../../host/jobs/inputs.ts';
import { loadJob } from '../../host/jobs/load.ts';
import { createPool } from '../../host/pool/pool.ts';
import type { Job, Runner } from '../../runtime/job/task.ts';
import { kernel as kernelOf } from '../kernels.ts';
import type { Measure } from '../result.ts';
import { median } from '../rounds.ts';

const THREADS = 2;
const ROUNDS = 3;
/** Before that: code that has just been loaded takes nearly twice the time, and a site runs for weeks. The second of them is told, too. */
const WARM_ROUNDS = 7;
/** The database so many times over: a search of about a second, so that what a job costs once does not hide what tasks cost. */
const REPEATS = 150;
const TINY_TASKS = 6_000;

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function real(): Promise<Measure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  const coordinator = await createCoordinator({ data: join(folder, 'site'), port: 0, log: 'silent' });
  const agent = await lendHere(coordinator, { threads: THREADS, data: join(folder, 'host') });
  const site = await connect(coordinator.url, coordinator.operatorToken ?? '');
  const pool = await createPool({ threads: THREADS });
  try {
    const search = await searchJob();
    const kernel = await kernelOf('echo');
    const inputs = Array.from({ length: TINY_TASKS }, (_, task) => Buffer.from(`in-${task}`));
    const [here, there, tiny] = [[] as Took[], [] as Took[], [] as Took[]];
    for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
      here.push(await time(pool, search));
      there.push(await time(site, search));
      tiny.push(await time(site, { kernel, inputs }));
    }
    return [speed(here, there), rate(tiny.slice(WARM_ROUNDS))];
  } finally {
    await pool.close();
    await site.close();
    await agent.close();
    await coordinator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function searchJob(): Promise<Job> {
  const { file, folder, terms } = await loadJob(join(import.meta.dirname, '../../../kernels/align/job.json'));
  const inputs: Uint8Array[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++)
    for await (const input of (await openInputs(file.inputs, folder, 2 ** 30)).each()) inputs.push(input);
  return { ...terms, inputs };
}

async function time(runner: Pick<Runner, 'map'>, job: Job): Promise<Took> {
  const [before, began] = [process.cpuUsage(), performance.now()];
  for await (const outcome of runner.map(job)) if (outcome.state !== 'done') throw new Error(outcome.message);
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - began, cpuMs: (user + system) / 1000 };
}

const least = (took: readonly Took[], of: keyof Took) => Math.min(...took.map((each) => each[of]));
const middle = (took: readonly Took[], of: keyof Took) => median(took.map((each) => each[of]));

function speed(allHere: readonly Took[], allThere: readonly Took[]): Measure {
  const [here, there] = [allHere.slice(WARM_ROUNDS), allThere.slice(WARM_ROUNDS)];
  const second = (allHere[1]?.cpuMs ?? Number.NaN) / (allThere[1]?.cpuMs ?? Number.NaN);
  const best = least(here, 'wallMs') / least(there, 'wallMs');
  const usual = middle(here, 'wallMs') / middle(there, 'wallMs');
  const cpu = least(here, 'cpuMs') / least(there, 'cpuMs');
  return {
    measure: `protein search through a site with ${THREADS} threads, speed against a pool of ${THREADS} threads`,
    value: `${best.toFixed(2)}x by minima, ${usual.toFixed(2)}x by medians; by CPU time ${cpu.toFixed(2)}x, in the second search after a start ${second.toFixed(2)}x`,
    must: 'reported',
    holds: null,
  };
}

function rate(took: readonly Took[]): Measure {
  const perSecond = (wallMs: number) => (1000 * TINY_TASKS) / wallMs;
  const [best, usual] = [perSecond(least(took, 'wallMs')), perSecond(middle(took, 'wallMs'))];
  const show = (value: number) => Math.round(value).toLocaleString('en');
  return {
    measure: `tasks/s with real sandboxes and a tiny kernel, ${THREADS} threads, durable and signed`,
    value: `${show(best)} at best, median ${show(usual)}; ${((1000 * least(took, 'cpuMs')) / TINY_TASKS).toFixed(0)} us of CPU a task in all`,
    must: '>= 2,000',
    holds: usual >= 2_000,
  };
}
