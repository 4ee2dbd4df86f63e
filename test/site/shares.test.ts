// What accounts get of a site: shares that are fair over days, fuel of the day, budgets of jobs.
import { expect, test } from 'vitest';
import type { Caller } from '../../host/coordinator/contracts.ts';
import type { ToHost } from '../../host/wire/site.ts';
import { createEcho, echoKeys, HOST_CALLER, OWN_CALLER } from './echo.ts';
import { collect, inputOf, OPERATOR, type Opened, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const DAY_MS = 86_400_000;
const BOB: Caller = { account: 'bob', role: 'submitter' };
const open = openerOfTests();

async function jobOf({ site, kernel }: Opened, caller: Caller, id: string, tasks: number): Promise<void> {
  await site.submit(caller, { version: 1, kernel, id });
  await site.addInputs(
    caller,
    id,
    0,
    Array.from({ length: tasks }, (_, task) => inputOf(task)),
    true,
  );
}

/** A host that asks for one task, keeps it, and tells of which job it is. */
async function firstOf({ site }: Opened): Promise<string> {
  return new Promise((resolve) => {
    const hears = (message: ToHost) => {
      if (message.type !== 'lease') return undefined;
      resolve(message.job);
      return false;
    };
    createEcho({ caller: OWN_CALLER, pulls: 1, slots: 1, hears }).join(site);
  });
}

test('two accounts that ask at once get as many hosts each, before any task is done', async () => {
  const site = await open();
  await jobOf(site, SUBMITTER, 'first', 100);
  await jobOf(site, BOB, 'second', 100);
  const jobs: string[] = [];
  for (let host = 0; host < 6; host++) jobs.push(await firstOf(site));
  expect(jobs.filter((job) => job === 'first')).toHaveLength(3);
});

test('what an account used counts less with every day, so that it is not made to wait for long', async () => {
  let days = 0;
  const site = await open({ now: () => performance.now() + days * DAY_MS });
  await jobOf(site, SUBMITTER, 'much', 64);
  const host = createEcho({ caller: OWN_CALLER });
  host.join(site.site);
  await collect(site.site, 'much');
  await jobOf(site, BOB, 'little', 16);
  await until(() => site.site.job(BOB, 'little').state === 'done');
  host.leave();
  await jobOf(site, SUBMITTER, 'mine', 10);
  await jobOf(site, BOB, 'later', 30);
  // The other one has used a quarter of that, and would have used less with all of its new job.
  expect(await firstOf(site)).toBe('later');
  days = 10;
  let next = '';
  for (let left = 29; next !== 'mine' && left > 0; left--) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    next = await firstOf(site);
  }
  expect(next).toBe('mine');
  expect(site.site.job(BOB, 'later').counts.waiting).toBeGreaterThan(0);
}, 20_000);

test('an account that has used its fuel of the day gets no host until it may use more, and is told so', async () => {
  let [today, quota] = [0, 500];
  const site = await open({
    quotas: () => ({ fuelPerDay: quota }),
    fuelToday: () => today,
    onFuel: (_, fuel) => {
      today += fuel;
    },
  });
  for (let host = 0; host < 3; host++) createEcho({ caller: OWN_CALLER, keys: echoKeys() }).join(site.site);
  const job = await submitTasks(site, 400);
  await until(() => site.site.task(SUBMITTER, job, 399).why.includes('has used its fuel of the day'));
  const { counts, state } = site.site.job(SUBMITTER, job);
  expect(state).toBe('open');
  expect(counts.done).toBe(5);
  expect(site.site.hosts(OPERATOR)[0]?.why).toMatch(/has used its fuel of the day, which is renewed at midnight UTC/);
  quota = 1e9;
  await until(() => site.site.job(SUBMITTER, job).state === 'done');
  expect(site.site.job(SUBMITTER, job).counts.done).toBe(400);
});

test('a job begins nothing more when its budget is spent, and says so; what is done stays', async () => {
  const site = await open();
  for (let host = 0; host < 3; host++) createEcho({ caller: OWN_CALLER, keys: echoKeys() }).join(site.site);
  const job = await submitTasks(site, 400, { fuelBudget: 450 });
  const outcomes = await collect(site.site, job);
  const done = outcomes.filter(({ state }) => state === 'done').length;
  // The fifth is begun alone, with half of its fuel left.
  expect(done).toBe(5);
  expect(site.site.job(SUBMITTER, job)).toMatchObject({
    state: 'cancelled',
    reason: 'its budget of 450 fuel is spent',
  });
  expect(new Set(outcomes.slice(done).map(({ state, message }) => `${state}: ${message}`))).toEqual(
    new Set(['cancelled: its budget of 450 fuel is spent']),
  );
});

test('what nobody has confirmed counts as if it were spent: a host alone runs no more of a job than its budget has room for', async () => {
  const site = await open();
  const one = createEcho({ caller: HOST_CALLER });
  one.join(site.site);
  const job = await submitTasks(site, 400, { fuelBudget: 500, limits: { fuelMax: 200 } });
  await until(() => site.site.task(SUBMITTER, job, 399).why.includes('may take all the fuel that is left'));
  await until(() => site.site.job(SUBMITTER, job).counts.checking === 2);
  expect(site.site.job(SUBMITTER, job)).toMatchObject({ runs: 2, fuel: 0, counts: { waiting: 398 } });
  expect(site.site.hosts(OPERATOR)[0]?.why).toMatch(/may take all the fuel that is left/);
  createEcho({ caller: { account: 'bob', role: 'host' } }).join(site.site);
  const outcomes = await collect(site.site, job);
  expect(outcomes.at(-1)).toMatchObject({ message: 'its budget of 500 fuel is spent' });
  const { fuel } = site.site.job(SUBMITTER, job);
  expect([fuel >= 500, fuel < 500 + 400]).toEqual([true, true]);
});
