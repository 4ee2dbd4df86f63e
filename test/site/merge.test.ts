// What a site promises of a job with a merge: one outcome, by the same tree as everywhere, with the same care for belief, costs and crashes.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { faultsOf } from '../../host/client/receipt.ts';
import { createDice } from '../fuzz/dice.ts';
import { mergedEchoes } from '../wasm/merges.ts';
import { createEcho, HOST_CALLER, OWN_CALLER } from './echo.ts';
import {
  collect,
  inputOf,
  OPERATOR,
  type Opened,
  openerOfTests,
  openSite,
  removeFolder,
  SUBMITTER,
  submitTasks,
  temporaryFolder,
} from './opened.ts';

const open = openerOfTests();

const inputs = (count: number) => Array.from({ length: count }, (_, task) => inputOf(task));
const mergeOf = ({ kernel }: Opened, arity: number) => ({ merge: { kernel, arity, values: false } });
const owner = (account: string) => ({ ...HOST_CALLER, account });
/** Lies on merges alone. */
const liar = (job: string, task: number, output: string | Uint8Array) =>
  job.includes('~')
    ? { code: '', output: Buffer.from(`lie ${job} ${task}`), fuel: 100 }
    : { code: '', output, fuel: 100 };

test.each([
  [1, 2],
  [5, 2],
  [81, 3],
  [500, 16],
])('%i results become one, %i at a time', async (tasks, arity) => {
  const site = await open();
  createEcho({ caller: OWN_CALLER }).join(site.site);
  const job = await submitTasks(site, tasks, { id: 'one', perRequest: 130, ...mergeOf(site, arity) });
  const outcomes = await collect(site.site, job);
  expect(outcomes).toMatchObject([{ index: 0, state: 'done', kernel: site.kernel }]);
  expect(Buffer.from(outcomes[0]?.output as Uint8Array)).toEqual(Buffer.from(mergedEchoes(inputs(tasks), arity)));
  const { merges, runs, fuel, state, counts } = site.site.job(SUBMITTER, job);
  expect(state).toBe('done');
  expect(counts.done).toBe(tasks);
  expect(merges?.done).toBe(merges?.tasks);
  expect({ runs, fuel }).toEqual({ runs: tasks + (merges?.done ?? 0), fuel: 100 * (tasks + (merges?.done ?? 0)) });
  expect(site.site.jobs(SUBMITTER).map(({ id }) => id)).toEqual(['one']);
});

test('a job of no inputs has no result', async () => {
  const site = await open();
  const { id } = await site.site.submit(SUBMITTER, { version: 1, kernel: site.kernel, ...mergeOf(site, 2) });
  await site.site.addInputs(SUBMITTER, id, 0, [], true);
  expect(await collect(site.site, id)).toEqual([]);
  expect(site.site.job(SUBMITTER, id).state).toBe('done');
});

test('merges are believed as tasks are: and each by two: one who lies in them alone is found out, and the result is right', async () => {
  const site = await open();
  const bad = createEcho({ caller: owner('eve'), slots: 2, answer: liar });
  bad.join(site.site);
  createEcho({ caller: OWN_CALLER, slots: 1, pulls: 1 }).join(site.site);
  for (const account of ['ada', 'bob']) createEcho({ caller: owner(account), slots: 2 }).join(site.site);
  const job = await submitTasks(site, 200, { confidence: 0.999, wait: false, ...mergeOf(site, 4) });
  const [outcome] = await collect(site.site, job);
  expect(Buffer.from(outcome?.output as Uint8Array)).toEqual(Buffer.from(mergedEchoes(inputs(200), 4)));
  expect(outcome?.confidence).toBeGreaterThanOrEqual(0.999);
});

test('results that are too large for a frame are merged as blobs', async () => {
  const site = await open();
  createEcho({ caller: OWN_CALLER }).join(site.site);
  const large = [1, 2, 3, 4, 5].map((fill) => new Uint8Array(40_000).fill(fill));
  const { id } = await site.site.submit(SUBMITTER, { version: 1, kernel: site.kernel, ...mergeOf(site, 2) });
  await site.site.addInputs(SUBMITTER, id, 0, large, true);
  const [outcome] = await collect(site.site, id);
  const pieces: Uint8Array[] = [];
  for await (const piece of site.blobs.read(outcome?.output as string)) pieces.push(piece);
  expect(Buffer.concat(pieces).equals(mergedEchoes(large, 2))).toBe(true);
});

test('a task that fails ends the job at once: its failure is the outcome, and what was not done is cancelled', async () => {
  const site = await open();
  const failing = (_: string, task: number, output: string | Uint8Array) =>
    task === 3 ? { code: 'ERR_TRAP', output: Buffer.from('unreachable'), fuel: null } : { code: '', output, fuel: 100 };
  createEcho({ caller: OWN_CALLER, slots: 4, pulls: 1, answer: failing }).join(site.site);
  const job = await submitTasks(site, 1_000, mergeOf(site, 2));
  const outcomes = await collect(site.site, job);
  expect(outcomes).toMatchObject([{ state: 'failed', code: 'ERR_TRAP', message: 'in task 3: unreachable' }]);
  const { state, counts } = site.site.job(SUBMITTER, job);
  expect(state).toBe('done');
  expect(counts.cancelled).toBeGreaterThan(0);
  await site.site.cancel(SUBMITTER, job);
  expect(site.site.status().jobsOpen).toBe(0);
});

test('a merge that is cancelled, or costs more than the budget, ends the job', async () => {
  const site = await open();
  createEcho({
    caller: OWN_CALLER,
    hears: (message) => !(message.type === 'lease' && message.job.includes('~')),
  }).join(site.site);
  const job = await submitTasks(site, 10, { id: 'stuck', ...mergeOf(site, 2) });
  while (site.site.job(SUBMITTER, job).merges?.tasks !== 5) await new Promise((resolve) => setTimeout(resolve, 5));
  await site.site.cancel(SUBMITTER, job);
  expect(await collect(site.site, job)).toMatchObject([{ index: 0, state: 'cancelled' }]);
  expect(site.site.job(SUBMITTER, 'stuck~1')).toMatchObject({ state: 'cancelled' });

  const other = await open();
  createEcho({ caller: OWN_CALLER, slots: 8, pulls: 1 }).join(other.site);
  const dear = await submitTasks(other, 40, { fuelBudget: 4_100, ...mergeOf(other, 2) });
  expect(await collect(other.site, dear)).toMatchObject([
    { state: 'cancelled', message: expect.stringMatching(/budget/) },
  ]);
}, 20_000);

test('receipts of tasks and of merges can be checked offline, and another account sees neither', async () => {
  const site = await open();
  createEcho({ caller: OWN_CALLER }).join(site.site);
  const job = await submitTasks(site, 30, { id: 'kept', ...mergeOf(site, 4) });
  await collect(site.site, job);
  const found: string[] = [];
  for await (const receipt of site.site.receipts(SUBMITTER, job, 0)) {
    expect(faultsOf(receipt, site.site.status().key)).toEqual([]);
    found.push(receipt.entry.job);
  }
  const count = (id: string) => found.filter((each) => each === id).length;
  expect([count('kept'), count('kept~1'), count('kept~2'), found.length]).toEqual([30, 8, 2, 41]);
  expect(() => site.site.job({ account: 'eve', role: 'submitter' }, 'kept~1')).toThrow(/no job/);
  expect(site.site.job(OPERATOR, 'kept~1').state).toBe('done');
});

const SERVE = fileURLToPath(new URL('../../dist/test/site/serve-merge.js', import.meta.url));

test('a site that is killed five times in the middle merges each result once, and comes to the same', async () => {
  const [tasks, arity, kills] = [400, 3, 5];
  const expected = createHash('sha256')
    .update(mergedEchoes(inputs(tasks), arity))
    .digest('hex');
  const folder = await temporaryFolder();
  const dice = createDice(11);
  try {
    for (let start = 0; ; start++) {
      const child = spawn(process.execPath, [SERVE, folder, String(tasks), String(arity)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let left = start < kills ? 1 + (dice.bits() % 120) : Number.POSITIVE_INFINITY;
      const ends: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('end ')) ends.push(line);
        else if (--left === 0) child.kill('SIGKILL');
      });
      const [code] = (await once(child, 'close')) as [number | null];
      if (code === null) continue;
      expect(ends).toEqual([`end 0 done ${expected}`]);
      break;
    }
    const { site, close } = await openSite({ folder });
    const { counts, merges, state } = site.job(SUBMITTER, 'killed');
    expect({ state, done: counts.done, merges }).toEqual({
      state: 'done',
      done: tasks,
      merges: { tasks: 134 + 45 + 15 + 5 + 2 + 1, done: 134 + 45 + 15 + 5 + 2 + 1 },
    });
    await close();
  } finally {
    await removeFolder(folder);
  }
}, 120_000);
