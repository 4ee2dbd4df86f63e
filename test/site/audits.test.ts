// Results of steppers are checked by intervals between images: at a real site, by real hosts, some of which lie in one place.
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { faultsOf } from '../../host/client/receipt.ts';
import { createCoordinator } from '../../host/coordinator/door.ts';
import { node } from '../../host/platform/node.ts';
import type { HostStatus, JobStatus } from '../../host/wire/api.ts';
import type { WireReceipt } from '../../host/wire/delivered.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { SiteTerms } from '../../runtime/job/site-terms.ts';
import { builtKernel } from '../kernels/built.ts';
import { removeFolder, temporaryFolder } from './opened.ts';
import { type LendOptions, type Lent, type Lie, lend } from './steppers.ts';

const NUMBERS = 300_000;
const INPUT = new Uint8Array(Uint32Array.of(NUMBERS).buffer);
const MARK_FUEL = 1_000_000;
/** A thousand numbers each. */
const STEPS = NUMBERS / 1_000;
const SUM = (NUMBERS * (NUMBERS + 1)) / 2;
const WAIT = { timeout: 60_000, interval: 50 };
/** A step takes less. */
const STEP_FUEL = 100_000;
/** Belief is had from parts; and, at once, from nothing but a whole second run. */
const PARTS: SiteTerms = { confidence: 0.9, markFuel: MARK_FUEL };
const WHOLE: SiteTerms = { confidence: 0.999, wait: false, markFuel: MARK_FUEL };

let kernel: Kernel;
beforeAll(async () => {
  kernel = await admit((await builtKernel('stepper', 'incremental')).wasm, { platform: node });
});

interface Place {
  /** Resolves when it is there; what it gives resolves with what came of it. */
  submit(terms: SiteTerms): Promise<{ readonly sum: Promise<number> }>;
  host(name: string, lie?: Lie, more?: Pick<LendOptions, 'leaveAt'>): Promise<Lent>;
  /** A host that does the task up to a step, and has left when this resolves. */
  leaver(name: string, leaveAt: number, lie?: Lie): Promise<void>;
  /** The site's own. */
  own(): Promise<Lent>;
  job(): Promise<JobStatus>;
  why(): Promise<string>;
  hostOf(name: string): Promise<HostStatus | undefined>;
  ban(name: string): Promise<unknown>;
  restart(): Promise<void>;
  readonly runner: SiteRunner;
}

/** A site with one job of one task. */
async function open(options: { leaseMs?: number } = {}): Promise<Place> {
  const folder = await temporaryFolder();
  const start = (port = 0) => createCoordinator({ data: join(folder, 'data'), port, ...options });
  let site = await start();
  const { url } = site;
  const token = site.operatorToken as string;
  const runner = await connect(url, token, { patienceMs: 30_000 });
  const lenders: Lent[] = [];
  onTestFinished(async () => {
    for (const lender of lenders) await lender.close();
    await runner.close();
    await site.close();
    await removeFolder(folder);
  });
  const lent = (as: string, options: LendOptions) => {
    const lender = lend(url, as, options);
    lenders.push(lender);
    return lender;
  };
  const task = { job: 'sum', task: '0' };
  const host: Place['host'] = async (name, lie, more) => {
    await site.accounts.set({ id: name });
    const { token: as } = await site.accounts.make(name, { role: 'host' });
    return lent(as, { name, ...(lie !== undefined && { lie }), ...more });
  };
  return {
    runner,
    host,
    leaver: async (name, leaveAt, lie) => {
      const lender = await host(name, lie, { leaveAt });
      await expect
        .poll(() => runner.site.ask('task', { params: task }).then(({ leases }) => leases[0]?.share), WAIT)
        .toBe(leaveAt / STEPS);
      await lender.close();
    },
    submit: async (terms) => {
      const submitter = await connect(url, token, { patienceMs: 30_000, terms });
      const sum = (async () => {
        for await (const outcome of submitter.mapAs('sum', { kernel, inputs: [INPUT] })) {
          if (outcome.state === 'failed') throw new Error(`${outcome.code} ${outcome.message}`);
          return Number(Buffer.from(outcome.output).readBigUInt64LE());
        }
        return 0;
      })().finally(() => submitter.close());
      sum.catch(() => undefined);
      await expect.poll(() => runner.site.ask('jobs', {}).then(({ length }) => length), WAIT).toBe(1);
      return { sum };
    },
    own: async () => lent(token, { name: 'own' }),
    job: () => runner.site.ask('job', { params: { job: 'sum' } }),
    why: async () => (await runner.site.ask('task', { params: task })).why,
    hostOf: async (name) => (await runner.site.ask('hosts', {})).find((host) => host.name === name),
    ban: async (name) => {
      const hosts = await runner.site.ask('hosts', {});
      const { host = '' } = hosts.find((each) => each.name === name) ?? {};
      await runner.site.ask('setStanding', { params: { host }, json: { standing: 'banned' } });
    },
    restart: async () => {
      await site.close();
      site = await start(Number(new URL(url).port));
    },
  };
}

/** Receipts of the job, as its submitter gets them. */
const receiptsOf = ({ runner }: Place) => runner.site.receipts('sum', 0);

const isBanned = async ({ hostOf }: Place, name: string) => (await hostOf(name))?.banned;

test('an honest result is believed after some of its intervals were run again by another owner, who is paid for those', async () => {
  const place = await open();
  const { sum } = await place.submit(PARTS);
  await place.host('ann');
  await expect
    .poll(place.why, WAIT)
    .toMatch(/^there is a result, of which another host runs steps \d+ to (?:\d+|the end) again; no host that/);
  await place.host('bob');
  expect(await sum).toBe(SUM);
  const { runs, checks, audits, fuel } = await place.job();
  expect({ runs, checks }).toEqual({ runs: 1, checks: 0 });
  expect(audits.count).toBeGreaterThan(1);
  const whole = fuel - audits.fuel;
  expect(audits.fuel).toBeLessThan(0.6 * whole);
  expect(audits.fuel).toBeGreaterThan(0.1 * whole);
  expect((await place.hostOf('bob'))?.fuel).toBe(audits.fuel);
  const receipts: WireReceipt[] = [];
  for await (const receipt of receiptsOf(place)) {
    expect(faultsOf(receipt)).toEqual([]);
    receipts.push(receipt);
  }
  const parts = receipts.filter(({ entry }) => entry.interval);
  expect(parts.reduce((total, { entry }) => total + (entry.fuel ?? 0), 0)).toBe(audits.fuel);
  expect(receipts.filter(({ entry }) => entry.marks)).toHaveLength(1);
}, 120_000);

test.each<[string, Lie]>([
  ['whose output is another', 'output'],
  ['who goes wrong from one step on', { from: 130 }],
])(
  'of two results, that of a host %s is found out by one interval that a third host runs again',
  async (_, lie) => {
    const place = await open();
    const { sum } = await place.submit(WHOLE);
    await place.host('liar', lie);
    await expect.poll(place.why, WAIT).toContain('there is a result that another host has to confirm');
    await place.host('ann');
    await expect
      .poll(place.why, WAIT)
      .toMatch(/^results of two hosts differ first in steps \d+ to (?:\d+|the end), and/);
    expect(await isBanned(place, 'liar')).toBe(false);
    await place.restart();
    await place.own();
    await expect.poll(() => isBanned(place, 'liar'), WAIT).toBe(true);
    expect(await sum).toBe(SUM);
    expect(await isBanned(place, 'ann')).toBe(false);
    const { audits } = await place.job();
    expect(audits.count).toBe(1);
    expect(audits.fuel).toBeLessThan(MARK_FUEL + STEP_FUEL);
  },
  120_000,
);

test('a host whose images have a page that does not come of its steps is found out by any interval that is drawn', async () => {
  const place = await open();
  const { sum } = await place.submit(PARTS);
  await place.host('liar', 'pages');
  await expect.poll(place.why, WAIT).toContain('another host runs steps');
  await place.host('ann');
  await expect.poll(place.why, WAIT).toContain('of the result to be wrong, and a third one runs those again');
  await place.host('bob');
  expect(await sum).toBe(SUM);
  expect(await isBanned(place, 'liar')).toBe(true);
  expect(await isBanned(place, 'ann')).toBe(false);
}, 120_000);

test('a host that says of an interval what it does not come to is found out by a third one, and the result stands', async () => {
  const place = await open();
  const { sum } = await place.submit(PARTS);
  await place.host('ann');
  await expect.poll(place.why, WAIT).toContain('another host runs steps');
  await place.host('liar', 'audit');
  await expect.poll(place.why, WAIT).toContain('of the result to be wrong, and a third one runs those again');
  await place.host('bob');
  expect(await sum).toBe(SUM);
  expect(await isBanned(place, 'liar')).toBe(true);
  expect(await isBanned(place, 'ann')).toBe(false);
  expect((await place.job()).runs).toBe(1);
}, 120_000);

test.each<[string, Lie]>([
  ['are damaged', 'damaged'],
  ['are not there', 'unserved'],
])(
  'a result whose images %s is run as a whole, and believed',
  async (_, lie) => {
    const place = await open();
    const { sum } = await place.submit(PARTS);
    await place.host('ann', lie);
    await expect.poll(place.why, WAIT).toMatch(/another host (?:runs|has to)/);
    await place.host('bob');
    expect(await sum).toBe(SUM);
    expect(await isBanned(place, 'ann')).toBe(false);
    expect((await place.job()).runs).toBe(2);
  },
  120_000,
);

test('an interval whose host falls silent is run by the next one', async () => {
  const place = await open({ leaseMs: 2_000 });
  const { sum } = await place.submit(PARTS);
  await place.host('ann');
  await expect.poll(place.why, WAIT).toContain('another host runs steps');
  const mute = await place.host('mute', 'silent');
  await expect.poll(place.why, WAIT).toContain('; a host has it on lease');
  mute.cut();
  await place.host('bob');
  expect(await sum).toBe(SUM);
  expect((await place.job()).runs).toBe(1);
}, 120_000);

describe('a task that went from host to host', () => {
  const HALF = STEPS / 2;

  test('is gone on with, and what each of them did is checked for itself', async () => {
    const place = await open();
    const { sum } = await place.submit(PARTS);
    await place.leaver('ann', HALF);
    const bob = await place.host('bob');
    await expect.poll(place.why, WAIT).toContain('there is a result, of which another host runs steps');
    expect(bob.resumed()).toBe(1);
    await place.restart();
    await place.host('cat');
    expect(await sum).toBe(SUM);
    const { runs, audits, fuel } = await place.job();
    expect(runs).toBe(1);
    const whole = fuel - audits.fuel;
    // All of what ann did, which is one interval, and some of what bob did.
    expect(audits.fuel).toBeGreaterThan(0.5 * whole);
    expect(audits.fuel).toBeLessThanOrEqual(whole);
    for (const name of ['ann', 'bob', 'cat']) expect(await isBanned(place, name)).toBe(false);
  }, 120_000);

  test.each<[string, { readonly ann?: Lie; readonly bob?: Lie; readonly liar: string }]>([
    ['began it', { ann: { from: 70 }, liar: 'ann' }],
    ['ended it', { bob: 'output', liar: 'bob' }],
  ])(
    'is not believed where the one who %s was wrong, who alone is banned, and is done anew',
    async (_, { ann, bob, liar }) => {
      const place = await open();
      const { sum } = await place.submit(WHOLE);
      await place.leaver('ann', HALF, ann);
      const second = await place.host('bob', bob);
      await expect.poll(place.why, WAIT).toContain('there is a result, of which another host runs steps');
      expect(second.resumed()).toBe(1);
      await place.restart();
      await place.host('cat');
      await expect.poll(place.why, WAIT).toContain('of the result to be wrong, and a third one runs those again');
      await place.own();
      await expect.poll(() => isBanned(place, liar), WAIT).toBe(true);
      expect(await sum).toBe(SUM);
      for (const name of ['ann', 'bob', 'cat']) expect(await isBanned(place, name)).toBe(name === liar);
    },
    120_000,
  );

  test.each<[string, Lie | undefined, (place: Place) => Promise<unknown>]>([
    ['its image is not what was said of it', 'misstated', async () => undefined],
    ['who left it is banned by then', undefined, ({ ban }) => ban('ann')],
  ])(
    'is begun anew where %s',
    async (_, lie, happens) => {
      const place = await open();
      const { sum } = await place.submit(PARTS);
      await place.leaver('ann', HALF, lie);
      await happens(place);
      const bob = await place.host('bob');
      await place.host('cat');
      expect(await sum).toBe(SUM);
      expect(bob.resumed()).toBe(0);
    },
    120_000,
  );
});
