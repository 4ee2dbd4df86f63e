// Which hosts of a crowd a site gives tasks to, and what it tells the others.
import { expect, test } from 'vitest';
import { OWNERS_MIN } from '../../host/coordinator/crowd.ts';
import type { Lease } from '../../host/wire/site.ts';
import { createEcho, type EchoHost } from './echo.ts';
import { inputOf, OPERATOR, type Opened, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const open = openerOfTests();

/** A host of its own owner that keeps what it is given. */
function keeper(
  { site }: Opened,
  name: string,
  fuelPerSecond = 1e9,
): { readonly host: EchoHost; readonly leases: Lease[]; has: () => boolean } {
  const leases: Lease[] = [];
  const host = createEcho({
    ...{ name, fuelPerSecond, pulls: 1, slots: 1 },
    caller: { account: `owner of ${name}`, role: 'host' },
    hears: (message) => {
      if (message.type === 'lease') leases.push(message);
      return message.type !== 'lease';
    },
  });
  host.join(site);
  return { host, leases, has: () => leases.length > 0 };
}

test('a job of high confidence goes to as few hosts as can check each other; the next one is told why, and comes when one goes', async () => {
  const site = await open();
  const { id } = await site.site.submit(SUBMITTER, { version: 1, kernel: site.kernel, confidence: 0.9999 });
  const inputs = Array.from({ length: 3_000 }, (_, task) => inputOf(task));
  await site.site.addInputs(SUBMITTER, id, 0, inputs, false);
  const first = Array.from({ length: OWNERS_MIN }, (_, at) => keeper(site, `host ${at}`));
  await until(() => first.every(({ has }) => has()));
  const next = keeper(site, 'next');
  const why = () => site.site.hosts(OPERATOR).find(({ name }) => name === 'next')?.why ?? '';
  await until(() => why() !== '' && !why().includes('has not asked'));
  expect(why()).toContain('is new to this job, whose confidence of 0.9999');
  expect(next.has()).toBe(false);
  // Its tasks are with others when its lease is over; more of the job comes now.
  first[0]?.host.leave();
  await site.site.addInputs(SUBMITTER, id, 3_000, [inputOf(3_000)], true);
  await until(next.has);
}, 30_000);

test('of two hosts that wait the faster one gets the last task, whichever came first', async () => {
  const site = await open();
  const [slow, fast] = [keeper(site, 'slow', 1e8), keeper(site, 'fast', 1e9)];
  await until(() => site.site.hosts(OPERATOR).filter(({ why }) => why === 'there are no jobs').length === 2);
  await submitTasks(site, 1);
  await until(() => slow.has() || fast.has());
  expect([slow.has(), fast.has()]).toEqual([false, true]);
});

test('a host that says that it is a thousand times as fast as it is, is known by what it brings, and served behind those that are faster', async () => {
  let now = 0;
  const site = await open({ now: () => now, leaseMs: 1e9 });
  const [boaster, honest] = [keeper(site, 'boaster', 1e12), keeper(site, 'honest', 1e9)];
  const speed = () => site.site.hosts(OPERATOR).find(({ name }) => name === 'boaster')?.fuelPerSecond;
  const bring = async (count: number) => {
    await until(() => boaster.leases.length === count);
    now += 2_000;
    const lease = boaster.leases.at(-1) as Lease;
    const { terms } = boaster.leases.find(({ job }) => job === lease.job) as Lease;
    boaster.host.say(boaster.host.report({ ...lease, ...(terms && { terms }) }, 1));
  };
  await submitTasks(site, 1, { requirements: { hosts: ['boaster'] } });
  expect(speed()).toBe(1e12);
  await bring(1);
  await submitTasks(site, 3, { requirements: { hosts: ['boaster'] } });
  for (const count of [2, 3, 4]) await bring(count);
  // 100 fuel each, in 2 s.
  await until(() => speed() === 50);
  await submitTasks(site, 1);
  await until(() => boaster.leases.length > 4 || honest.has());
  expect(honest.has()).toBe(true);
});
