// Hosts that come again: what they go on with, what goes to others, and what counts as lost with them.
import { expect, test } from 'vitest';
import type { Holding, Lease, ToHost } from '../../host/wire/site.ts';
import { createEcho, type EchoHost, type EchoKeys, echoKeys, OWN_CALLER } from './echo.ts';
import { collect, OPERATOR, type Opened, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const open = openerOfTests();

interface Process {
  readonly host: EchoHost;
  readonly leases: Lease[];
  readonly cancelled: Extract<ToHost, { type: 'cancel' }>[];
  /** What it says that it has when it comes. */
  has: Holding[];
}

/** One process of a host: it asks for so many tasks with each connection, and keeps them. */
function processOf(keys: EchoKeys, session: number, slots = 2): Process {
  const leases: Lease[] = [];
  const cancelled: Process['cancelled'] = [];
  const one: { has: Holding[] } = { has: [] };
  const hears = (message: ToHost) => {
    if (message.type === 'cancel') cancelled.push(message);
    if (message.type === 'welcome' && leases.length > 0) return false;
    if (message.type !== 'lease') return undefined;
    leases.push(message);
    return false;
  };
  const host = createEcho({ caller: OWN_CALLER, pulls: 1, slots, keys, session, leases: () => one.has, hears });
  return Object.assign(one, { host, leases, cancelled });
}

const holding = ({ fence, tasks }: Lease): Holding => [fence, [...tasks]];
const isAway = ({ site }: Opened) => site.hosts(OPERATOR).every(({ connected }) => !connected);
const counts = ({ site }: Opened, job: string) => site.job(SUBMITTER, job).counts;
const beat = ({ host }: Process) => host.say({ type: 'beat', paused: null, load: null, progress: [] });
/** Welcomes and what comes behind them are said by then. */
const said = () => new Promise((resolve) => setTimeout(resolve, 50));

async function holdingHost(site: Opened, keys = echoKeys(), session = 1): Promise<Process & { lease: Lease }> {
  const one = processOf(keys, session);
  one.host.join(site.site);
  await until(() => one.leases.length === 1);
  return Object.assign(one, { lease: one.leases[0] as Lease });
}

test('a host that comes again goes on with its leases for as long as it beats, under the same fence', async () => {
  const site = await open({ leaseMs: 1_000, beatMs: 250 });
  const job = await submitTasks(site, 2, { retries: 0 });
  const one = await holdingHost(site);
  one.has = [holding(one.lease)];
  for (let cut = 0; cut < 8; cut++) {
    one.host.leave();
    await new Promise((resolve) => setTimeout(resolve, 200));
    one.host.join(site.site);
    await said();
    beat(one);
  }
  expect(counts(site, job)).toMatchObject({ leased: 2 });
  expect(one.cancelled).toEqual([]);
  one.host.say(one.host.report(one.lease, 0));
  expect((await collect(site.site, job)).map(({ state }) => state)).toEqual(['done', 'done']);
  expect(site.site.job(SUBMITTER, job).runs).toBe(2);
});

test('what a host does not have when it comes again goes to others at once, and counts against nobody', async () => {
  const site = await open({ leaseMs: 60_000 });
  const job = await submitTasks(site, 2, { retries: 0 });
  const one = await holdingHost(site);
  one.has = [[one.lease.fence, [1]]];
  one.host.leave();
  one.host.join(site.site);
  await until(() => counts(site, job).leased === 1);
  createEcho({ caller: OWN_CALLER }).join(site.site);
  await until(() => counts(site, job).done === 1);
  one.host.say(one.host.report({ ...one.lease, tasks: [1], inputs: one.lease.inputs.slice(1) }, 0));
  expect((await collect(site.site, job)).map(({ state }) => state)).toEqual(['done', 'done']);
});

test('a host is told to stop what is not its any more, whatever it says that it has', async () => {
  const site = await open({ leaseMs: 60_000 });
  await submitTasks(site, 6);
  const [one, other] = [await holdingHost(site), await holdingHost(site)];
  const [start] = one.lease.fence;
  const strange: Holding = [[start, 1_000_000], [0]];
  one.has = [[one.lease.fence, [...one.lease.tasks, 5]], holding(other.lease), strange, [[start + 1, 1], [0]]];
  one.host.leave();
  one.host.join(site.site);
  await until(() => one.cancelled.length === 4);
  expect(one.cancelled.map(({ fence, tasks }) => [fence, tasks])).toEqual([
    [one.lease.fence, [5]],
    [other.lease.fence, [...other.lease.tasks]],
    [[start, 1_000_000], [0]],
    [[start + 1, 1], [0]],
  ]);
  expect(site.site.hosts(OPERATOR).map(({ leased }) => leased)).toEqual([2, 2]);
});

test('a lease that ran out while its host was silent counts as nobody’s end, and is not taken up again', async () => {
  const site = await open({ leaseMs: 500, beatMs: 125 });
  const job = await submitTasks(site, 1, { retries: 0 });
  const one = await holdingHost(site);
  await until(() => one.host.closed !== undefined);
  one.has = [holding(one.lease)];
  one.host.join(site.site);
  await until(() => one.cancelled.length === 1);
  createEcho({ caller: OWN_CALLER }).join(site.site);
  expect((await collect(site.site, job)).map(({ state }) => state)).toEqual(['done']);
});

test('a host that comes again in another process was lost with what it had: silent or not, and once', async () => {
  const site = await open({ leaseMs: 500, beatMs: 125 });
  for (const how of ['silent', 'broken'] as const) {
    const job = await submitTasks(site, 1, { retries: 0 });
    const keys = echoKeys();
    const one = await holdingHost(site, keys, 1);
    if (how === 'silent') await until(() => one.host.closed !== undefined);
    else one.host.leave();
    expect(counts(site, job).failed).toBe(0);
    processOf(keys, 2, 1).host.join(site.site);
    const [outcome] = await collect(site.site, job);
    expect(outcome).toMatchObject({ code: 'ERR_HOST_FAULT', message: expect.stringMatching(/^1 hosts were lost/) });
  }
});

test('a host that was cut off for too long takes back that it was counted as lost', async () => {
  const site = await open({ leaseMs: 500, beatMs: 125 });
  const job = await submitTasks(site, 1, { retries: 1 });
  const keys = echoKeys();
  for (let cut = 0; cut < 4; cut++) {
    const one = await holdingHost(site, keys, 1);
    one.host.leave();
    await until(() => isAway(site) && counts(site, job).waiting === 1);
  }
  createEcho({ caller: OWN_CALLER }).join(site.site);
  expect((await collect(site.site, job)).map(({ state }) => state)).toEqual(['done']);
});

test('a host that took its leave was not lost, whatever process it comes with', async () => {
  const site = await open({ leaseMs: 500, beatMs: 125 });
  const job = await submitTasks(site, 1, { retries: 0 });
  const keys = echoKeys();
  for (let session = 1; session < 4; session++) {
    const one = await holdingHost(site, keys, session);
    one.host.leave('goodbye');
    await until(() => counts(site, job).waiting === 1);
  }
  createEcho({ caller: OWN_CALLER }).join(site.site);
  expect((await collect(site.site, job)).map(({ state }) => state)).toEqual(['done']);
});
