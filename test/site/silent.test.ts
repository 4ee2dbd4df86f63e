// Hosts that fall silent: when their leases are over, and what becomes of results that they bring late.
import { expect, test } from 'vitest';
import type { Lease, ToHost } from '../../host/wire/site.ts';
import { createEcho, type EchoHost, OWN_CALLER } from './echo.ts';
import { OPERATOR, type Opened, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const LEASE_MS = 1_000;
const open = openerOfTests();

/** A host that asks once, for so many tasks, and keeps what it is given. */
async function asking(site: Opened, slots: number): Promise<{ host: EchoHost; lease: Lease }> {
  const leases: Lease[] = [];
  const hears = (message: ToHost) => {
    if (message.type !== 'lease') return undefined;
    leases.push(message);
    return false;
  };
  const host = createEcho({ caller: OWN_CALLER, pulls: 0, hears });
  host.join(site.site);
  await until(() => site.site.hosts(OPERATOR).some((each) => each.host === host.id));
  host.say({ type: 'pull', slots });
  await until(() => leases.length === 1);
  return { host, lease: leases[0] as Lease };
}

test('what a silent host brings late is used where its task is still open, and dropped where another one was there first', async () => {
  const site = await open({ leaseMs: LEASE_MS, beatMs: 250 });
  const job = await submitTasks(site, 3);
  const silent = await asking(site, 2);
  expect(silent.lease.tasks).toEqual([0, 1]);
  await until(() => silent.host.closed !== undefined);
  expect(site.site.job(SUBMITTER, job).counts).toMatchObject({ leased: 0, waiting: 3 });

  const other = await asking(site, 1);
  expect(other.lease.tasks).toEqual([0]);
  other.host.say(other.host.report(other.lease, 0));
  await until(() => site.site.job(SUBMITTER, job).counts.done === 1);

  silent.host.join(site.site);
  await until(() => site.site.hosts(OPERATOR).every(({ connected }) => connected));
  silent.host.say(silent.host.report(silent.lease, 0));
  await until(() => silent.host.acks === 1);
  expect(site.site.job(SUBMITTER, job)).toMatchObject({ runs: 2, counts: { done: 2, waiting: 1 } });
  const hostsOf = (task: number) => site.site.task(SUBMITTER, job, task).runs.map(({ host }) => host);
  expect([hostsOf(0), hostsOf(1)]).toEqual([[other.host.id], [silent.host.id]]);
});

// Timers of one loop are called in the order of their times, however late all of them are: this measures no machine.
test('a host keeps its leases for as long as it was told, and has lost them 50 ms later', async () => {
  const site = await open({ leaseMs: LEASE_MS, beatMs: 250 });
  const job = await submitTasks(site, 1);
  const { host } = await asking(site, 1);
  const leasedAt = (ms: number) =>
    new Promise((resolve) => setTimeout(() => resolve(site.site.job(SUBMITTER, job).counts.leased), ms));
  // In the middle of the time after which the site looks for the first time.
  await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 3));
  host.say({ type: 'beat', paused: null, load: null, progress: [] });
  expect(await Promise.all([leasedAt(LEASE_MS - 10), leasedAt(LEASE_MS + 50)])).toEqual([1, 0]);
});
