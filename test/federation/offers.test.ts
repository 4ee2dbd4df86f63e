// What sites leave at the server between them, and who may still speak for a batch: offers without data, small records, fencing numbers, dead letters.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { expect, onTestFinished } from 'vitest';
import type { SiteKey } from '../../host/coordinator/contracts.ts';
import { askSite } from '../../host/federation/ask.ts';
import type { Bus, Self } from '../../host/federation/contracts.ts';
import { type Ask, type Offer, parseOffer } from '../../host/federation/messages.ts';
import { leaseKey, NAMES } from '../../host/federation/names.ts';
import { openBus } from '../../host/federation/nats.ts';
import { createRunner } from '../../host/federation/running.ts';
import { told } from '../../host/federation/telling.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { submitTasks } from '../site/opened.ts';
import { natsTest, startNats } from './server.ts';
import { type FederatedSite, joinSite, OPERATOR, until } from './sites.ts';

const LEASE_MS = 500;
/** A host that keeps what it is given. */
const keeping = { pulls: 1, hears: ({ type }: { readonly type: string }) => (type === 'lease' ? false : undefined) };

async function busOf(site: string, url: string): Promise<Bus> {
  const bus = openBus({ site, servers: [url], connection: {}, leaseMs: LEASE_MS, log: () => undefined });
  onTestFinished(() => bus.close());
  await bus.ready;
  return bus;
}

/** A site as it speaks for itself; without a key it has nothing to sign. */
const selfOf = (name: string, key: SiteKey = { public: '', sign: () => new Uint8Array() }): Self => ({
  ...{ name, key, leaseMs: LEASE_MS, beatMs: LEASE_MS },
  log: () => undefined,
});

/** South holds a batch of four of north's tasks, and the test may speak for south. */
async function handed(url: string, north: FederatedSite, south: FederatedSite) {
  await submitFar(north, 4);
  await until(() => south.coordinator.site.jobs(OPERATOR).length === 1);
  const [first] = await offersTo('south', url);
  const { fence } = parseOffer(first as Uint8Array);
  const bus = await busOf('south', url);
  const revision = await bus.leases.find(leaseKey('south', 'north', fence));
  if (revision === null) throw new Error('the batch is not under way');
  const self = selfOf('south', south.coordinator.key);
  const ask = async (body: Ask) =>
    (await askSite({ self, bus, to: 'north', key: north.coordinator.key.public }, body)).state;
  return { fence, revision, ask };
}

async function submitFar({ coordinator: { site, blobs }, kernel }: FederatedSite, tasks: number): Promise<void> {
  await blobs.put(kernel, new TextEncoder().encode('a kernel'));
  await submitTasks({ site, kernel }, tasks, { sites: {} });
}

/** All that is offered to a site and not settled, as it lies in the stream. */
async function offersTo(site: string, url: string): Promise<Uint8Array[]> {
  const connection = await connect({ servers: [url] });
  const manager = await jetstreamManager(connection);
  const { stream } = NAMES.offers(site);
  const { first_seq: first, last_seq: last } = (await manager.streams.info(stream)).state;
  const found: Uint8Array[] = [];
  for (let seq = Math.max(1, first); seq <= last; seq++) {
    const message = await manager.streams.getMessage(stream, { seq }).catch(() => null);
    if (message) found.push(message.data);
  }
  await connection.close();
  return found;
}

natsTest('a stream holds ids and digests of batches, and neither inputs nor anything else of a job', async () => {
  await using nats = await startNats();
  await using north = await joinSite(nats.url, 'north', { hosts: 0 });
  await using _south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping });
  await submitFar(north, 40);
  await until(() => north.federation.status().sites[0]?.batches === 4);
  let offers: Uint8Array[] = [];
  await until(async () => {
    offers = await offersTo('south', nats.url);
    return offers.length === 4;
  });
  for (const offer of offers) {
    expect(parseOffer(offer)).toMatchObject({ asker: 'north' });
    expect(offer.byteLength).toBeLessThan(400);
    expect(Buffer.from(offer).includes('input')).toBe(false);
  }
});

natsTest(
  'a site tells its price, deadline, speed, trust and what it allows in a small record that it signs',
  async () => {
    await using nats = await startNats();
    await using south = await joinSite(nats.url, 'south', { price: 3, deadlineMs: 60_000 });
    await south.coordinator.site.setPolicy(OPERATOR, parsePolicy({ version: 1, grants: [{ kind: 'log' }] }));
    const connection = await connect({ servers: [nats.url] });
    onTestFinished(() => connection.close());
    await until(() => south.federation.status().connected);
    const bucket = await new Kvm(jetstream(connection)).open(NAMES.sites);
    let entry: Uint8Array | undefined;
    await until(async () => {
      entry = (await bucket.get('south'))?.value;
      return entry !== undefined && told('south', entry)?.record.policy.grants.length === 1;
    });
    expect(entry?.byteLength).toBeLessThan(2_048);
    expect(told('south', entry as Uint8Array)?.record).toMatchObject({
      ...{ name: 'south', key: south.coordinator.key.public, url: south.coordinator.url, price: 3, deadlineMs: 60_000 },
      ...{ hosts: 2, threads: 2, queuedFuel: 0, fuelPerSecond: expect.any(Number), confidence: 'trusted' },
      policy: { grants: [{ kind: 'log' }] },
    });
    expect(told('north', entry as Uint8Array)).toBeUndefined();
  },
);

natsTest('whoever comes with an older fencing number has lost the batch, whatever key it has', async () => {
  await using nats = await startNats();
  await using north = await joinSite(nats.url, 'north', { hosts: 0 });
  await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping });
  const { fence, revision, ask } = await handed(nats.url, north, south);
  expect(await ask({ kind: 'lease', fence, revision })).toBe('lease');
  expect(await ask({ kind: 'lease', fence, revision: revision + 1 })).toBe('lease');
  expect(await ask({ kind: 'lease', fence, revision })).toBe('gone');
  expect(await ask({ kind: 'release', fence, revision, tasks: [0, 1, 2, 3], dead: false })).toBe('gone');
  expect(north.federation.status().sites).toMatchObject([{ batches: 1, tasks: 4 }]);
});

natsTest(
  'a batch that ends its site again and again is out of its hands, and offered anew with a higher number',
  async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south', { hosts: 1, echo: keeping });
    const { fence, revision, ask } = await handed(nats.url, north, south);
    const offered = async () => (await offersTo('south', nats.url)).map((bytes) => parseOffer(bytes).fence);
    expect(await ask({ kind: 'release', fence, revision, tasks: [], dead: true })).toBe('taken');
    expect(await ask({ kind: 'lease', fence, revision })).toMatch(/gone|later/);
    await until(async () => (await offered()).some(([first, last]) => first > fence[0] || last > fence[1]));
  },
);

natsTest(
  'a batch that takes longer than its lease stays with a site that gives signs of life, and with no other',
  async () => {
    await using nats = await startNats();
    const connection = await connect({ servers: [nats.url] });
    onTestFinished(() => connection.close());
    const manager = await jetstreamManager(connection);
    const redelivered = async (name: string, beats: boolean) => {
      const [north, bus] = await Promise.all(['north', name].map((each) => busOf(each, nats.url)));
      const fence: Offer['fence'] = [1, 1];
      await north?.leases.create(leaseKey(name, 'north', fence));
      await north?.offer(name, { version: 1, asker: 'north', job: 'job', fence, tasks: 1, digest: '0'.repeat(64) });
      let begun = false;
      const runner = createRunner({
        self: selfOf(name),
        bus: bus as Bus,
        hasRoom: () => true,
        work: ({ signal }) => {
          begun = true;
          return new Promise((_, reject) => signal.addEventListener('abort', reject));
        },
        bury: async () => undefined,
      });
      const beating = beats ? setInterval(runner.beat, LEASE_MS / 5) : undefined;
      await until(() => begun);
      await new Promise((resolve) => setTimeout(resolve, 4 * LEASE_MS));
      const { num_redelivered: again } = await manager.consumers.info(NAMES.offers(name).stream, name);
      clearInterval(beating);
      await runner.close();
      return again;
    };
    expect(await redelivered('south', true)).toBe(0);
    expect(await redelivered('silent', false)).toBeGreaterThan(0);
  },
);

natsTest(
  'a batch that is offered twice is there once, and one that ends its site each time is given up in the end',
  async () => {
    await using nats = await startNats();
    const [north, south] = await Promise.all(['north', 'south'].map((name) => busOf(name, nats.url)));
    const fence: Offer['fence'] = [1, 1];
    const offer: Offer = { version: 1, asker: 'north', job: 'job', fence, tasks: 1, digest: '0'.repeat(64) };
    await north?.leases.create(leaseKey('south', 'north', fence));
    for (let times = 0; times < 2; times++) await north?.offer('south', offer);
    expect(await offersTo('south', nats.url)).toHaveLength(1);
    const buried: Offer[] = [];
    let tries = 0;
    const runner = createRunner({
      self: selfOf('south'),
      bus: south as Bus,
      hasRoom: () => true,
      work: async () => {
        tries += 1;
        throw new Error('it ended the site');
      },
      bury: async (batch) => void buried.push(batch.offer),
    });
    onTestFinished(() => runner.close());
    await until(() => buried.length > 0);
    expect(buried).toEqual([offer]);
    expect(tries).toBeGreaterThan(1);
    expect(tries).toBeLessThanOrEqual(5);
    await until(async () => (await offersTo('south', nats.url)).length === 0);
  },
);
