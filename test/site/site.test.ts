// What a site promises its submitters and hosts: each task's outcome once, in order, from what is on disk.
import { describe, expect, test } from 'vitest';
import { faultsOf } from '../../host/client/receipt.ts';
import type { ToHost } from '../../host/wire/site.ts';
import { createEcho, HOST_CALLER, OWN_CALLER } from './echo.ts';
import { collect, inputOf, OPERATOR, type Opened, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const open = openerOfTests();

const owner = (account: string) => ({ ...HOST_CALLER, account });
const liar = (job: string, task: number) => ({ code: '', output: Buffer.from(`lie ${job} ${task}`), fuel: 100 });

describe('a job', () => {
  test('of a site with a host of its own is done, each outcome once and in the order of the inputs', async () => {
    const site = await open();
    createEcho({ caller: OWN_CALLER }).join(site.site);
    const job = await submitTasks(site, 500, { id: 'one', perRequest: 130 });
    const outcomes = await collect(site.site, job);
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 500 }, (_, index) => index));
    const right = outcomes.filter(({ output, index }) => Buffer.from(output as Uint8Array).equals(inputOf(index)));
    expect(right).toHaveLength(500);
    expect(site.site.job(SUBMITTER, job)).toMatchObject({ state: 'done', runs: 500, checks: 0, fuel: 50_000 });
  });

  test('that hosts of two owners work for is done with as many runs as its confidence asks for', async () => {
    const site = await open();
    for (const account of ['ada', 'bob']) createEcho({ caller: owner(account) }).join(site.site);
    const job = await submitTasks(site, 300, { confidence: 0.999, wait: false });
    const outcomes = await collect(site.site, job);
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, index) => index));
    expect(outcomes.every(({ confidence, runs }) => confidence >= 0.999 && runs >= 1)).toBe(true);
    expect(site.site.job(SUBMITTER, job).checks).toBeGreaterThan(0);
  });

  test('that one owner alone works for waits, and says for whom', async () => {
    const site = await open();
    const host = createEcho();
    host.join(site.site);
    const job = await submitTasks(site, 10);
    await until(() => site.site.job(SUBMITTER, job).counts.checking === 10);
    expect(site.site.why(SUBMITTER, { job, task: 3 })).toMatch(/lender/);
  });

  test('that waits for another owner is done as soon as an operator trusts its host, also for who opens the site later', async () => {
    const first = await open();
    createEcho().join(first.site);
    const [waiting, other] = [await submitTasks(first, 10), await submitTasks(first, 10)];
    const countsOf = ({ site }: Opened, job: string) => site.job(SUBMITTER, job).counts;
    await until(() => countsOf(first, waiting).checking === 10 && countsOf(first, other).checking === 10);
    const [host] = first.site.hosts(OPERATOR);
    await first.site.setStanding(OPERATOR, host?.host ?? '', 'trusted');
    const outcomes = await collect(first.site, waiting);
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 10 }, (_, index) => index));
    await until(() => first.site.job(SUBMITTER, other).state === 'done');
    await first.close();
    const second = await open({ folder: first.folder });
    for (const job of [waiting, other])
      expect(second.site.job(SUBMITTER, job)).toMatchObject({ state: 'done', runs: 10, checks: 0 });
    expect(await collect(second.site, waiting)).toEqual(outcomes);
  });

  test('has a liar found out: it is banned, and nothing wrong is among the outcomes', async () => {
    const site = await open();
    createEcho({ caller: OWN_CALLER }).join(site.site);
    for (const account of ['ada', 'bob']) createEcho({ caller: owner(account), slots: 4 }).join(site.site);
    const bad = createEcho({ caller: owner('eve'), slots: 4, answer: liar });
    bad.join(site.site);
    const job = await submitTasks(site, 600, { confidence: 0.999 });
    const outcomes = await collect(site.site, job);
    expect(outcomes.every(({ output, index }) => Buffer.from(output as Uint8Array).equals(inputOf(index)))).toBe(true);
    if (bad.reports > 0) expect(bad.closed).toMatch(/banned/);
  });

  test('pays for what is believed: what a host claims to have taken ends no budget and fills no quota', async () => {
    let charged = 0;
    const onFuel = (_account: string, fuel: number) => {
      charged += fuel;
    };
    const site = await open({ onFuel });
    const bold = createEcho({
      caller: owner('eve'),
      answer: (_job, _task, output) => ({ code: '', output, fuel: 1e9 }),
    });
    bold.join(site.site);
    const job = await submitTasks(site, 20, { fuelBudget: 50_000 });
    await until(() => bold.acks > 0);
    expect([charged, site.site.job(SUBMITTER, job).fuel]).toEqual([0, 0]);
    for (const account of ['ada', 'bob']) createEcho({ caller: owner(account) }).join(site.site);
    expect((await collect(site.site, job)).every(({ state, fuel }) => state === 'done' && fuel === 100)).toBe(true);
    const { fuel, runs, state } = site.site.job(SUBMITTER, job);
    const hosts = site.site.hosts(OPERATOR);
    const lies = hosts.find(({ account }) => account === 'eve')?.tasksDone ?? 0;
    expect(lies).toBeGreaterThan(0);
    expect([state, fuel, charged]).toEqual(['done', 100 * (runs - lies), fuel]);
    expect(hosts.find(({ account }) => account === 'eve')?.fuel).toBe(0);
    expect(hosts.reduce((sum, host) => sum + host.fuel, 0)).toBe(fuel);
  });

  test('tells of each task every run that counted, whoever ran it, and how surely it was accepted', async () => {
    const first = await open();
    const tab = createEcho({
      caller: owner('tabs'),
      slots: 8,
      answer: (job, task, input) => (task === 3 ? liar(job, task) : { code: '', output: input, fuel: 100 }),
    });
    tab.join(first.site);
    const job = await submitTasks(first, 8);
    await until(() => first.site.job(SUBMITTER, job).counts.checking === 8);
    expect(first.site.task(SUBMITTER, job, 0)).toMatchObject({
      confidence: null,
      runs: [{ host: tab.id, check: false }],
    });
    const own = createEcho({ caller: OWN_CALLER });
    own.join(first.site);
    await collect(first.site, job);
    await first.close();
    const { site } = await open({ folder: first.folder });
    for (let task = 0; task < 8; task++) {
      const { runs, confidence } = site.task(SUBMITTER, job, task);
      expect(runs.map(({ host, check }) => [host, check])).toEqual([
        [tab.id, false],
        [own.id, true],
      ]);
      expect(runs[0]?.answer === runs[1]?.answer).toBe(task !== 3);
      expect(confidence).toBe((await collect(site, job, task))[0]?.confidence);
      expect(confidence).toBeGreaterThanOrEqual(0.999);
    }
  });

  test('that no host may run says why, in the words of what was asked for', async () => {
    const site = await open();
    createEcho({ name: 'plain', caller: owner('ada') }).join(site.site);
    createEcho({ name: 'open', caller: owner('bob') }).join(site.site);
    const walls = await submitTasks(site, 2, { requirements: { isolation: ['jail'] } });
    const other = await submitTasks(site, 2, { requirements: { hosts: ['plain'], isolation: ['jail'] } });
    await until(() => site.site.status().hosts === 2);
    expect(site.site.task(SUBMITTER, walls, 1).why).toBe(
      'no host that is connected may run it now: the host lacks isolation: jail',
    );
    // A host is called by its name as well as by its id.
    expect(site.site.why(OPERATOR, { host: 'open' })).toBe('the host lacks isolation: jail');
    expect(site.site.why(SUBMITTER, { job: other, task: 0 })).toBe(
      'no host that is connected may run it now: the host lacks isolation: jail (1 of 2); the host is none of those that the job names (1 of 2)',
    );
  });

  test('that only its own owner could confirm says what helps', async () => {
    const site = await open();
    const alone = createEcho({ caller: owner('ada') });
    alone.join(site.site);
    const job = await submitTasks(site, 1);
    await until(() => site.site.job(SUBMITTER, job).counts.checking === 1);
    const remedy =
      'a host of another account has to join, or an operator trust one of these (lodger hosts --trust HOST)';
    expect(site.site.task(SUBMITTER, job, 0).why).toBe(
      `there is a result that another host has to confirm; no host that is connected may run it now: the host belongs to an owner that has run it: ada; ${remedy}`,
    );
    expect(site.site.why(OPERATOR, { host: alone.id })).toBe(`what is open has to be run by another owner: ${remedy}`);
  });

  test('sent again is the same job; another one of its id is refused', async () => {
    const site = await open();
    await submitTasks(site, 5, { id: 'same' });
    await submitTasks(site, 5, { id: 'same' });
    expect(site.site.job(SUBMITTER, 'same').tasks).toBe(5);
    await expect(submitTasks(site, 5, { id: 'same', seed: 4 })).rejects.toThrow(/"id"/);
  });

  test('that is done still tells who ran each task, and that they agreed', async () => {
    const site = await open();
    const job = await submitTasks(site, 4, { wait: false });
    createEcho({ caller: HOST_CALLER }).join(site.site);
    createEcho({ caller: { account: 'other', role: 'host' } }).join(site.site);
    await collect(site.site, job);
    for (let task = 0; task < 4; task++) {
      const { state, runs } = site.site.task(SUBMITTER, job, task);
      expect(state).toBe('done');
      expect(new Set(runs.map(({ host }) => host)).size).toBe(2);
      expect(new Set(runs.map(({ answer }) => answer)).size).toBe(1);
    }
  });

  test('is not what another account is given an estimate from', async () => {
    const site = await open();
    createEcho({ caller: OWN_CALLER }).join(site.site);
    const job = await submitTasks(site, 3);
    await collect(site.site, job);
    const manifest = { version: 1, kernel: site.kernel } as const;
    const of = (account: string) => site.site.estimate({ account, role: 'submitter' }, manifest, 10);
    expect(of(SUBMITTER.account)).toMatchObject({ fuel: 1_000, why: expect.stringContaining(job) });
    expect(of('eve')).toMatchObject({ fuel: null, why: expect.not.stringContaining(job) });
  });

  test('of another account is not there for the others', async () => {
    const site = await open();
    await submitTasks(site, 5, { id: 'mine' });
    const other = { account: 'eve', role: 'submitter' } as const;
    for (const ask of [
      () => site.site.job(other, 'mine'),
      () => site.site.states(other, 'mine'),
      () => site.site.task(other, 'mine', 0),
      () => site.site.outcomes(other, 'mine', 0, new AbortController().signal),
      () => site.site.receipts(other, 'mine', 0),
    ])
      expect(ask).toThrow(/there is no job "mine"/);
    await expect(site.site.cancel(other, 'mine')).rejects.toThrow(/there is no job "mine"/);
    expect(site.site.jobs(other)).toEqual([]);
  });

  test('is listed with the latest first, as many as were asked for, and its tasks are counted for its account', async () => {
    let now = 0;
    const site = await open({ clock: () => ++now });
    for (const [id, tasks] of [
      ['old', 3],
      ['middle', 4],
      ['new', 5],
    ] as const)
      await submitTasks(site, tasks, { id });
    await site.site.cancel(SUBMITTER, 'middle');
    expect(site.site.jobs(SUBMITTER, 2).map(({ id }) => id)).toEqual(['new', 'middle']);
    expect(site.site.jobs({ account: 'bob', role: 'submitter' })).toEqual([]);
    expect([...site.site.tasksQueued()]).toEqual([['ann', 8]]);
  });

  test('that is cancelled ends: hosts are told, and what was not done is cancelled', async () => {
    const site = await open();
    const cancels: ToHost[] = [];
    const host = createEcho({
      caller: OWN_CALLER,
      pulls: 1,
      slots: 8,
      hears: (message) => {
        if (message.type === 'cancel') cancels.push(message);
        return message.type !== 'lease';
      },
    });
    host.join(site.site);
    const job = await submitTasks(site, 20);
    await until(() => site.site.job(SUBMITTER, job).counts.leased > 0);
    await site.site.cancel(SUBMITTER, job);
    const outcomes = await collect(site.site, job);
    expect(outcomes.map(({ state }) => state)).toEqual(Array.from({ length: 20 }, () => 'cancelled'));
    await until(() => cancels.length === 1);
  });

  test('past its deadline begins nothing more, and says so', async () => {
    const site = await open();
    createEcho({ caller: OWN_CALLER }).join(site.site);
    const job = await submitTasks(site, 5, { deadline: 1_000 });
    const outcomes = await collect(site.site, job);
    expect(outcomes.map(({ state, message }) => `${state}: ${message}`)).toContain(
      'cancelled: its deadline has passed',
    );
  });

  test('is not followed by receipts that cannot be checked offline', async () => {
    const site = await open();
    createEcho({ caller: OWN_CALLER, slots: 7 }).join(site.site);
    const job = await submitTasks(site, 30);
    await collect(site.site, job);
    const seen: number[] = [];
    for await (const receipt of site.site.receipts(SUBMITTER, job, 0)) {
      expect(faultsOf(receipt, site.site.status().key)).toEqual([]);
      expect(faultsOf({ ...receipt, entry: { ...receipt.entry, fuel: 101 } }, site.site.status().key)).not.toEqual([]);
      seen.push(receipt.entry.task);
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, index) => index));
  });
});

describe('a restart', () => {
  test('goes on where the site was: what was delivered is not run again, and outcomes are the same', async () => {
    const first = await open();
    const host = createEcho({ caller: OWN_CALLER, slots: 16 });
    host.join(first.site);
    const job = await submitTasks(first, 400);
    await until(() => first.site.job(SUBMITTER, job).counts.done >= 100);
    host.leave();
    await first.close();
    const second = await open({ folder: first.folder });
    const done = second.site.job(SUBMITTER, job).counts.done;
    expect(done).toBeGreaterThanOrEqual(100);
    host.join(second.site);
    const outcomes = await collect(second.site, job);
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 400 }, (_, index) => index));
    expect(second.site.job(SUBMITTER, job)).toMatchObject({ state: 'done', runs: 400 });
    await second.close();
    const third = await open({ folder: first.folder });
    expect(third.site.job(SUBMITTER, job)).toMatchObject({ state: 'done', runs: 400, tasks: 400 });
    expect((await collect(third.site, job)).length).toBe(400);
  });
});
