// Sites that do each other's work, over a real server: order, receipts, trust, cancelling, taking back, and what strangers send.
import { connect } from '@nats-io/transport-node';
import { describe, expect } from 'vitest';
import { faultsOf } from '../../host/client/receipt.ts';
import { NAMES } from '../../host/federation/names.ts';
import { encode } from '../../host/wire/codec.ts';
import type { Lease } from '../../host/wire/site.ts';
import { createDice } from '../fuzz/dice.ts';
import { createEcho, OWN_CALLER } from '../site/echo.ts';
import { collect, inputOf, SUBMITTER, submitTasks } from '../site/opened.ts';
import { natsTest, startNats } from './server.ts';
import { type FederatedSite, joinSite, OPERATOR, trustEach, until } from './sites.ts';

/** Submits a job that may run anywhere. */
async function submitFar({ coordinator: { site, blobs }, kernel }: FederatedSite, tasks: number, manifest = {}) {
  await blobs.put(kernel, new TextEncoder().encode('a kernel'));
  return submitTasks({ site, kernel }, tasks, { sites: {}, ...manifest });
}

const rightOutput = ({ index, output }: { index: number; output: unknown }) =>
  Buffer.compare(output as Uint8Array, inputOf(index)) === 0;

/** A host that keeps what it is given. */
const keeping = (leases: Lease[]) => ({
  pulls: 1,
  hears: (message: { readonly type: string }) => {
    if (message.type !== 'lease') return undefined;
    leases.push(message as Lease);
    return false;
  },
});

describe('a job that may run anywhere', () => {
  natsTest(
    'is done by another site where its own has no hosts: in order, with receipts that both have signed',
    async () => {
      await using nats = await startNats();
      await using north = await joinSite(nats.url, 'north', { hosts: 0 });
      await using south = await joinSite(nats.url, 'south');
      await trustEach([north, south]);
      const { site, key } = north.coordinator;
      const job = await submitFar(north, 500);
      const outcomes = await collect(site, job);
      expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 500 }, (_, index) => index));
      expect(outcomes.every(rightOutput)).toBe(true);
      let receipts = 0;
      for await (const receipt of site.receipts(SUBMITTER, job, 0)) {
        expect([...faultsOf(receipt, key.public), receipt.hostKey]).toEqual([south.coordinator.key.public]);
        receipts++;
      }
      expect(receipts).toBe(500);
      const [place] = site.places(OPERATOR, job);
      expect(place).toMatchObject({ name: 'south', site: 'south', ran: 500, leased: 0 });
      expect(site.places(SUBMITTER, job)).toEqual([{ ...place, name: '' }]);
    },
  );

  natsTest('gets seeds by the numbers that its tasks have where it was submitted', async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    const leases: Lease[] = [];
    await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping(leases) });
    await trustEach([north, south]);
    await submitFar(north, 8, { seed: 7 });
    await until(() => leases.flatMap(({ numbers }) => numbers ?? []).length === 4);
    const batch = south.coordinator.site.jobs(OPERATOR).map(({ manifest }) => manifest.seed);
    expect(new Set(batch)).toEqual(new Set([7]));
    const [{ tasks = [], numbers = [], inputs = [] } = {}] = leases;
    expect(inputs.map((input) => Buffer.from(input as Uint8Array).toString())).toEqual(
      numbers.map((number) => `input ${number}`),
    );
    expect(tasks).toEqual([0, 1, 2, 3]);
  });

  natsTest('ends everywhere when it is cancelled', async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    const leases: Lease[] = [];
    await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping(leases) });
    const job = await submitFar(north, 40);
    await until(() => leases.length > 0);
    await north.coordinator.site.cancel(SUBMITTER, job);
    await until(() => south.coordinator.site.jobs(OPERATOR).every(({ state }) => state === 'cancelled'));
    await until(() => south.federation.status().batches === 0);
  });

  natsTest('is taken back, as far as nobody has begun it, when a host of its own site has nothing to do', async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping([]) });
    const { site } = north.coordinator;
    const job = await submitFar(north, 16);
    const begun = () => south.coordinator.site.jobs(OPERATOR).reduce((sum, { tasks }) => sum + tasks, 0);
    await until(() => north.federation.status().sites[0]?.batches === 4 && begun() === 8);
    createEcho({ caller: OWN_CALLER }).join(site);
    await until(() => site.job(SUBMITTER, job).counts.done === 16 - begun());
    expect(begun()).toBe(8);
  });

  natsTest('goes on at its own site when the other falls silent with its tasks', async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping([]) });
    const { site } = north.coordinator;
    const job = await submitFar(north, 8);
    await until(() => south.federation.status().batches === 2);
    createEcho({ caller: OWN_CALLER }).join(site);
    await south.federation.close();
    expect((await collect(site, job)).every(rightOutput)).toBe(true);
  });

  natsTest('stays at its site if it does not say so', async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south');
    await trustEach([north, south]);
    const { site, blobs } = north.coordinator;
    await blobs.put(north.kernel, new TextEncoder().encode('a kernel'));
    const job = await submitTasks({ site, kernel: north.kernel }, 5);
    expect(site.task(SUBMITTER, job, 0).why).toMatch(/the job stays at this one/);
    expect(site.work().jobs).toEqual([]);
  });
});

describe('a site that nobody knows', () => {
  const lies = [
    ['results', { code: '', output: Buffer.from('a lie'), fuel: 100 }],
    ['fuel', { code: '', output: null, fuel: 101 }],
  ] as const;

  for (const [what, lie] of lies)
    natsTest(`is found when it lies about ${what}, and gets nothing more`, async () => {
      await using nats = await startNats();
      await using north = await joinSite(nats.url, 'north', { hosts: 0 });
      const answer = (_job: string, _task: number, input: string | Uint8Array) => ({
        ...lie,
        output: lie.output ?? input,
      });
      await using lair = await joinSite(nats.url, 'lair', { hosts: 1, echo: { answer } });
      const { site } = north.coordinator;
      const job = await submitFar(north, 300);
      await until(() => site.job(SUBMITTER, job).runs > 0);
      // Its own hosts believe each other: that is worth nothing here.
      expect(site.job(SUBMITTER, job).counts.done).toBe(0);
      createEcho({ caller: OWN_CALLER }).join(site);
      const outcomes = await collect(site, job);
      expect(outcomes.every(rightOutput)).toBe(true);
      expect(new Set(outcomes.map(({ fuel }) => fuel))).toEqual(new Set([100]));
      const found = site.hosts(OPERATOR).find(({ account }) => account === '@lair');
      expect(found).toMatchObject({ banned: true });
      const before = lair.coordinator.site.jobs(OPERATOR).length;
      await collect(site, await submitFar(north, 50));
      expect(lair.coordinator.site.jobs(OPERATOR)).toHaveLength(before);
    });

  natsTest('is not the only judge of its own hosts: what it brings waits for another site', async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south');
    const { site } = north.coordinator;
    const job = await submitFar(north, 20);
    await until(() => site.job(SUBMITTER, job).runs === 20);
    expect(site.job(SUBMITTER, job).counts.done).toBe(0);
    expect(south.hosts[0]?.acks).toBeGreaterThan(0);
    await using west = await joinSite(nats.url, 'west');
    expect((await collect(site, job)).every(rightOutput)).toBe(true);
    expect(west.hosts[0]?.acks).toBeGreaterThan(0);
  });
});

natsTest('garbage and oversize messages on every subject do no harm', async () => {
  await using nats = await startNats();
  await using north = await joinSite(nats.url, 'north', { hosts: 0 });
  await using south = await joinSite(nats.url, 'south');
  await trustEach([north, south]);
  const stranger = await connect({ servers: nats.url });
  const dice = createDice(3);
  const bytes = (length: number) => Uint8Array.from({ length }, () => dice.below(256));
  const letter = { version: 1, from: 'south', to: 'north', body: bytes(64), signature: bytes(64) };
  const offer = { version: 1, asker: 'north', job: 'j', fence: [1, 999_999], tasks: 1, digest: '0'.repeat(64) };
  const messages = [
    ...[0, 1, 40, 400, 5_000, 1_000_000].map(bytes),
    ...[letter, { ...letter, to: '*' }, { ...letter, from: 'nobody' }, { ...letter, from: 'north' }].map(encode),
    ...[offer, { ...offer, tasks: -1 }, { ...offer, asker: '../..' }, [], null].map((value) => JSON.stringify(value)),
  ];
  const subjects = [
    ...['north', 'south', 'nobody', '*'].flatMap((name) => [
      NAMES.asks(name),
      NAMES.offers(name).subject,
      `$KV.${NAMES.sites}.${name}`,
      `$KV.${NAMES.leases}.south.${name}.1.1`,
    ]),
  ].filter((subject) => !subject.includes('*'));
  for (const subject of subjects) for (const message of messages) stranger.publish(subject, message);
  await stranger.flush();
  const outcomes = await collect(north.coordinator.site, await submitFar(north, 200));
  expect(outcomes.every(rightOutput)).toBe(true);
  for (const subject of subjects) for (const message of messages) stranger.publish(subject, message);
  await stranger.close();
  expect((await collect(north.coordinator.site, await submitFar(north, 200))).every(rightOutput)).toBe(true);
});
