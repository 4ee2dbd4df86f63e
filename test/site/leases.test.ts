// Leases: what becomes of tasks whose host is silent, gone, wanted back, or not honest.
import { describe, expect, test } from 'vitest';
import { ANONYMOUS } from '../../host/coordinator/belief.ts';
import { KEY } from '../../host/coordinator/events.ts';
import type { FromHost, Lease, ToHost } from '../../host/wire/site.ts';
import { createEcho, type EchoHost, echoKeys, HOST_CALLER, OWN_CALLER } from './echo.ts';
import { collect, OPERATOR, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const open = openerOfTests();

type Keeper = EchoHost & { readonly leases: Lease[] };

/** A host that keeps what it is given. */
function keeper(options: Parameters<typeof createEcho>[0] = {}): Keeper {
  const leases: Lease[] = [];
  const host = createEcho({
    caller: OWN_CALLER,
    pulls: 1,
    ...options,
    hears: (message: ToHost) => {
      if (message.type !== 'lease') return undefined;
      leases.push(message);
      return false;
    },
  });
  // Its own parts are read through it: a copy would not see them change.
  return Object.assign(Object.create(host) as EchoHost, { leases });
}

describe('tasks on lease', () => {
  test('go to another host when theirs falls silent; the result that comes late is not counted twice', async () => {
    const site = await open({ leaseMs: 1_000, beatMs: 250 });
    const silent = keeper();
    silent.join(site.site);
    const job = await submitTasks(site, 10);
    await until(() => silent.leases.length === 1);
    createEcho({ caller: OWN_CALLER }).join(site.site);
    expect(await collect(site.site, job)).toHaveLength(10);
    expect(site.site.job(SUBMITTER, job).runs).toBe(10);
  });

  test('stay with a host that beats', async () => {
    const site = await open({ leaseMs: 1_000, beatMs: 250 });
    const slow = keeper();
    slow.join(site.site);
    const job = await submitTasks(site, 1);
    await until(() => slow.leases.length === 1);
    for (let beat = 0; beat < 8; beat++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      slow.say({ type: 'beat', paused: null, load: null, progress: [] });
    }
    expect(site.site.job(SUBMITTER, job).counts.leased).toBe(1);
    slow.say(slow.report(slow.leases[0] as Lease, 0));
    expect(await collect(site.site, job)).toHaveLength(1);
  });

  test('do not run out when the clock on the wall jumps an hour', async () => {
    let wall = Date.now();
    const site = await open({ leaseMs: 60_000, clock: () => wall });
    const host = keeper();
    host.join(site.site);
    const job = await submitTasks(site, 1);
    await until(() => host.leases.length === 1);
    for (const jump of [3_600_000, -7_200_000]) {
      wall += jump;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(site.site.job(SUBMITTER, job).counts.leased).toBe(1);
    }
    host.say(host.report(host.leases[0] as Lease, 0));
    expect(await collect(site.site, job)).toHaveLength(1);
  });

  test('that are given back go to the next host, a stepper with the image that it left', async () => {
    const site = await open();
    const first = keeper();
    first.join(site.site);
    const job = await submitTasks(site, 1);
    await until(() => first.leases.length === 1);
    const { fence } = first.leases[0] as Lease;
    const image = site.kernel;
    first.say({ type: 'image', fence, task: 0, image, parent: null, step: 7, share: 0.5, fuel: 700 });
    await until(() => site.store.get(['img', job, 0]) !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    first.say({ type: 'release', fence, tasks: [0], reason: 'in use' });
    const second = keeper();
    second.join(site.site);
    await until(() => second.leases.length === 1);
    expect(second.leases[0]).toMatchObject({ tasks: [0], images: [image] });
  });

  test('of a stepper go on from the image of a stranger that says of which state it is, and begin anew at a trusted host, whose word is taken', async () => {
    const site = await open();
    const job = await submitTasks(site, 1);
    let step = 0;
    const leave = async (host: Keeper, says: { readonly state?: string } = {}) => {
      host.join(site.site);
      await until(() => host.leases.length === 1);
      const { fence } = host.leases[0] as Lease;
      step += 1;
      host.say({
        type: 'image',
        fence,
        task: 0,
        image: site.kernel,
        parent: null,
        step,
        share: 0.5,
        fuel: 700,
        ...says,
      });
      await until(() => (site.store.get(['img', job, 0]) as { step?: number } | undefined)?.step === step);
      await new Promise((resolve) => setTimeout(resolve, 100));
      host.say({ type: 'release', fence, tasks: [0], reason: 'in use' });
      host.leave();
      const { images, said } = host.leases[0] as Lease;
      return { images, said };
    };
    const none = { images: undefined, said: undefined };
    const state = 'ab'.repeat(32);
    const stranger = () => keeper({ caller: { account: 'eve', role: 'host' }, keys: echoKeys() });
    const own = () => keeper({ keys: echoKeys() });
    expect(await leave(stranger())).toEqual(none);
    expect(await leave(stranger(), { state })).toEqual(none);
    expect(await leave(stranger())).toEqual({ images: [site.kernel], said: [[2, 700, state, site.kernel]] });
    expect(await leave(own())).toEqual(none);
    expect(await leave(own())).toEqual({ images: [site.kernel], said: undefined });
  });

  test('that hosts die of are given up, and the others of their lease are not', async () => {
    const site = await open({ leaseMs: 1_000, beatMs: 250 });
    const job = await submitTasks(site, 6, { retries: 2, confidence: 'trusted' });
    const beats: NodeJS.Timeout[] = [];
    /** Dies as soon as it has task 3, and does the rest. It beats: while it waits for work it is not to be taken for dead. */
    const mortal = () => {
      const host: EchoHost = createEcho({
        caller: OWN_CALLER,
        pulls: 1,
        hears: (message) => {
          if (message.type === 'welcome')
            beats.push(setInterval(() => host.say({ type: 'beat', paused: null, load: null, progress: [] }), 20));
          if (message.type !== 'lease' || !message.tasks.includes(3)) return undefined;
          host.leave();
          setTimeout(() => mortal(), 5);
          return false;
        },
      });
      host.join(site.site);
    };
    mortal();
    const outcomes = await collect(site.site, job);
    for (const beat of beats) clearInterval(beat);
    expect(outcomes.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'failed', 'done', 'done']);
    expect(outcomes[3]).toMatchObject({ code: 'ERR_HOST_FAULT', message: expect.stringMatching(/hosts were lost/) });
  });

  test('that fail for their host are tried again, then given up with what it said', async () => {
    const site = await open();
    const answer = () => ({ code: 'ERR_HOST_MEMORY', output: Buffer.from('no room'), fuel: 7 });
    createEcho({ caller: OWN_CALLER, answer }).join(site.site);
    const job = await submitTasks(site, 3, { retries: 2 });
    const outcomes = await collect(site.site, job);
    expect(outcomes.map(({ code, message }) => `${code}: ${message}`)).toEqual(
      Array.from({ length: 3 }, () => 'ERR_HOST_MEMORY: no room'),
    );
    expect(site.site.job(SUBMITTER, job).fuel).toBe(0);
  });
});

describe('a host that is not honest', () => {
  const lies: readonly (readonly [string, (report: Extract<FromHost, { type: 'report' }>) => FromHost])[] = [
    ['another signature', (report) => ({ ...report, signature: new Uint8Array(64) })],
    ['more fuel than it signed', (report) => ({ ...report, fuels: report.fuels.map(() => 1_000_000) })],
    ['other outputs than it signed', (report) => ({ ...report, outputs: report.outputs.map(() => Buffer.from('x')) })],
    ['columns of unequal lengths', (report) => ({ ...report, codes: report.codes.slice(1) })],
    ['a fence that was never given', (report) => ({ ...report, fence: [report.fence[0], 1_000_000] })],
    ['a fence of a later start', (report) => ({ ...report, fence: [report.fence[0] + 1, 1] })],
    ['a code that is none', (report) => ({ ...report, codes: report.codes.map(() => 'ERR_<script>') })],
    ['another job', (report) => ({ ...report, job: 'other' })],
  ];

  test.each(lies)('is refused that reports %s', async (_, change) => {
    const site = await open();
    await submitTasks(site, 1, { id: 'other' });
    await site.site.cancel(SUBMITTER, 'other');
    const host = keeper();
    host.join(site.site);
    const job = await submitTasks(site, 4);
    await until(() => host.leases.length === 1);
    const report = host.report(host.leases[0] as Lease, 0);
    expect(() => host.say(change(report))).toThrow(RangeError);
    expect(site.site.job(SUBMITTER, job).runs).toBe(0);
  });

  test('is refused that reports more fuel than its task may take, though it signed that', async () => {
    const site = await open();
    const answer = () => ({ code: '', output: Buffer.from('x'), fuel: 1_001 });
    const host = keeper({ answer });
    host.join(site.site);
    const job = await submitTasks(site, 1, { limits: { fuelMax: 1_000 } });
    await until(() => host.leases.length === 1);
    expect(() => host.say(host.report(host.leases[0] as Lease, 0))).toThrow(/limit is 1000/);
    expect(site.site.job(SUBMITTER, job)).toMatchObject({ runs: 0, fuel: 0 });
  });

  test('that nobody answers for and does nothing is not written down, and forgotten when there are thousands', async () => {
    const site = await open();
    const visitor = { account: ANONYMOUS, role: 'host' } as const;
    const staying = createEcho({ caller: visitor, pulls: 0 });
    staying.join(site.site);
    await until(() => site.site.hosts(OPERATOR).length === 1);
    const [{ host = '' } = {}] = site.site.hosts(OPERATOR);
    for (let each = 0; each < 1_010; each++) {
      const passing = await new Promise<EchoHost>((welcomed) => {
        const hears = ({ type }: ToHost) => void (type === 'welcome' && setImmediate(welcomed, host));
        const host = createEcho({ caller: visitor, pulls: 0, hears });
        host.join(site.site);
      });
      passing.leave();
    }
    const hosts = site.site.hosts(OPERATOR);
    expect(hosts).toHaveLength(1_000);
    expect(hosts.find((each) => each.host === host)?.connected).toBe(true);
    expect([...site.store.keys(...KEY.hosts)]).toEqual([]);
  });

  test('brings nothing with an old fence, and nothing for tasks that it was not given', async () => {
    const site = await open();
    const host = keeper({ slots: 2 });
    host.join(site.site);
    const job = await submitTasks(site, 6);
    await until(() => host.leases.length === 1);
    const lease = host.leases[0] as Lease;
    const foreign = { ...lease, tasks: [4, 5], inputs: lease.inputs };
    host.say(host.report(foreign, 0));
    await until(() => host.acks === 1);
    expect(site.site.job(SUBMITTER, job).runs).toBe(0);
  });

  test('of another account cannot pass for the host that has the key', async () => {
    const site = await open();
    const first = createEcho({ caller: HOST_CALLER });
    first.join(site.site);
    await until(() => site.site.hosts(OPERATOR).length === 1);
    const thief = createEcho({ caller: { account: 'eve', role: 'host' }, keys: first.keys });
    thief.join(site.site);
    await until(() => thief.closed !== undefined);
    expect(thief.closed).toMatch(/another account/);
  });
});

describe('a policy', () => {
  test('goes to every host at once, and is there after a restart', async () => {
    const site = await open();
    const hosts = Array.from({ length: 5 }, () => createEcho({ caller: OWN_CALLER }));
    for (const host of hosts) host.join(site.site);
    await until(() => site.site.hosts(OPERATOR).length === 5);
    const policy = { ...site.site.policy().policy, grants: [] };
    const { version } = await site.site.setPolicy(OPERATOR, policy);
    await until(() => site.site.hosts(OPERATOR).every(({ policyVersion }) => policyVersion === version));
    await expect(submitTasks(site, 1, { grants: [{ kind: 'log' }] })).rejects.toThrow(/policy allows/);
    await site.close();
    expect((await open({ folder: site.folder })).site.policy()).toEqual({ version, policy });
  });
});
