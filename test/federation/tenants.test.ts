// Organisations at one server, by the configuration that is in the package: each does its own work, and can do nothing to the others', tried with
// its real credentials.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { expect, onTestFinished } from 'vitest';
import { openLink } from '../../bench/federation/link.ts';
import { inboxOf, NAMES } from '../../host/federation/names.ts';
import { collect, inputOf, submitTasks } from '../site/opened.ts';
import { type Hub, startHub, startLeaf, type User } from './configured.ts';
import { natsTest } from './server.ts';
import { type FederatedSite, joinSite, trustEach, until } from './sites.ts';

/** Two sites of one organisation, of which the one without hosts has a job. */
async function acme(hub: Hub): Promise<{ readonly north: FederatedSite; readonly south: FederatedSite }> {
  const join = async (name: 'north' | 'south', hosts: number) => {
    const site = await joinSite(hub.url, name, { hosts, connection: await hub.as(name) });
    onTestFinished(() => site[Symbol.asyncDispose]());
    return site;
  };
  const [north, south] = [await join('north', 0), await join('south', 2)];
  await trustEach([north, south]);
  await north.coordinator.blobs.put(north.kernel, new TextEncoder().encode('a kernel'));
  return { north, south };
}

async function runAt(north: FederatedSite, tasks: number): Promise<void> {
  const { site } = north.coordinator;
  const job = await submitTasks({ site, kernel: north.kernel }, tasks, { sites: {} });
  const outcomes = await collect(site, job);
  expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: tasks }, (_, index) => index));
  expect(outcomes.every(({ output, index }) => Buffer.compare(output as Uint8Array, inputOf(index)) === 0)).toBe(true);
}

async function spoken(hub: Hub, user: User): Promise<NatsConnection> {
  const connection = await connect({ servers: [hub.url], inboxPrefix: inboxOf(user), ...(await hub.as(user)) });
  onTestFinished(() => connection.close());
  return connection;
}

natsTest(
  'two sites of an organisation share work over TLS, with the permissions that lodger prints and no others',
  async () => {
    const hub = await startHub();
    const { north } = await acme(hub);
    await runAt(north, 300);
    expect(await hub.violations()).toEqual([]);
  },
);

natsTest('a site reads, leases and answers nothing that is for another site of its organisation', async () => {
  const hub = await startHub();
  const { north, south } = await acme(hub);
  await runAt(north, 50);
  const { stream, subject } = NAMES.offers('south');
  const thief = await spoken(hub, 'north');
  const refused = async (act: () => Promise<unknown>) => expect(act()).rejects.toThrow(/permissions violation/i);
  const call = (name: string, body = '{}') => refused(() => thief.request(name, body, { timeout: 5_000 }));
  await call(`$JS.API.CONSUMER.MSG.NEXT.${stream}.south`, '{"batch":1}');
  await call(`$JS.API.CONSUMER.CREATE.${stream}.thief.${subject}`, '{}');
  await call(`$JS.API.CONSUMER.DURABLE.CREATE.${stream}.thief`, '{}');
  await call(`$JS.API.CONSUMER.DELETE.${stream}.south`);
  await call(`$JS.API.STREAM.MSG.GET.${stream}`, '{"seq":1}');
  await call(`$JS.API.STREAM.PURGE.${stream}`);
  await call(`$JS.API.STREAM.DELETE.${stream}`);
  await call(`$JS.ACK.${stream}.south.1.1.1.1.1`, '+ACK');
  await call(`$KV.${NAMES.sites}.south`, 'x');
  await call(`$KV.${NAMES.leases}.south.lab.1.1`, 'x');
  for (const name of [NAMES.asks('south'), `${inboxOf('south')}.>`, '_INBOX.>', '>', `$KV.>`]) {
    const ear = thief.subscribe(name);
    await expect(ear[Symbol.asyncIterator]().next()).rejects.toThrow(/permissions violation/i);
  }
  await runAt(north, 50);
  expect(south.federation.status().connected).toBe(true);
});

natsTest('a tenant sees nothing of another, and what it sends there under the same names does not arrive', async () => {
  const hub = await startHub();
  const { north } = await acme(hub);
  await runAt(north, 50);
  const lab = await spoken(hub, 'lab');
  const manager = await jetstreamManager(lab);
  const { stream, subject } = NAMES.offers('south');
  for (const name of [stream, `KV_${NAMES.sites}`, `KV_${NAMES.leases}`])
    await expect(manager.streams.info(name)).rejects.toThrow(/stream not found/);
  await expect(lab.request(NAMES.asks('south'), 'hello', { timeout: 2_000 })).rejects.toThrow(/no responders/i);
  await expect(jetstream(lab).publish(subject, '{}')).rejects.toThrow();
  const join = await joinSite(hub.url, 'lab', { connection: await hub.as('lab') });
  onTestFinished(() => join[Symbol.asyncDispose]());
  await until(() => join.federation.status().connected);
  await runAt(north, 50);
  expect(join.federation.status()).toMatchObject({ connected: true, sites: [], batches: 0 });
});

natsTest('a tenant that has used up its quota is refused by the server, and the others go on', async () => {
  const hub = await startHub({ quota: '256KB' });
  const lab = await joinSite(hub.url, 'lab', { connection: await hub.as('lab') });
  onTestFinished(() => lab[Symbol.asyncDispose]());
  await until(() => lab.federation.status().connected);
  const greedy = jetstream(await spoken(hub, 'lab'));
  const fill = async () => {
    for (let sent = 0; sent < 1_000; sent += 1) await greedy.publish(NAMES.offers('south').subject, 'x'.repeat(4_000));
  };
  await expect(fill()).rejects.toThrow(/resource limits exceeded/);
  const { north } = await acme(hub);
  await runAt(north, 50);
});

natsTest('garbage and messages of every size on every subject that a site may use do no harm', async () => {
  const hub = await startHub();
  const { north, south } = await acme(hub);
  const rude = await spoken(hub, 'north');
  const stream = jetstream(rude);
  const { subject } = NAMES.offers('south');
  const most = rude.info?.max_payload ?? 0;
  for (const bytes of [0, 1, 17, 4_000, 5_000, 60_000, most]) {
    const message = Uint8Array.from({ length: bytes }, (_, at) => (at * 197 + bytes) % 251);
    await stream.publish(subject, message).catch(() => undefined);
    for (const name of [NAMES.asks('south'), `$KV.${NAMES.sites}.north`, `$KV.${NAMES.leases}.south.north.1.1`])
      rude.publish(name, message);
    await rude.request(NAMES.asks('south'), message, { timeout: 200 }).catch(() => undefined);
  }
  await stream.publish(subject, JSON.stringify({ version: 1, asker: 'nobody', job: 'x', fence: [1, 1], tasks: 1 }));
  await rude.flush();
  await runAt(north, 100);
  // The last acknowledgement may be on its way yet.
  await until(() => south.federation.status().batches === 0);
  expect(south.federation.status().connected).toBe(true);
});

natsTest(
  'a site behind a leaf server goes on by itself while its link is cut, and settles with the others afterwards',
  async () => {
    const hub = await startHub({ leaf: true });
    await using link = await openLink(hub.leafPort);
    const leaf = await startLeaf(link.port);
    const north = await joinSite(hub.url, 'north', { hosts: 0, connection: await hub.as('north') });
    onTestFinished(() => north[Symbol.asyncDispose]());
    let cuts = 0;
    const hears = ({ type }: { readonly type: string }) => {
      if (type === 'lease' && cuts++ === 0) link.cut();
      return undefined;
    };
    const south = await joinSite(leaf.url, 'south', { hosts: 2, domain: 'hub', echo: { hears } });
    onTestFinished(() => south[Symbol.asyncDispose]());
    await trustEach([north, south]);
    const text = new TextEncoder().encode('a kernel');
    for (const { coordinator, kernel } of [north, south]) await coordinator.blobs.put(kernel, text);
    const { site } = north.coordinator;
    const job = await submitTasks({ site, kernel: north.kernel }, 2_000, { sites: {} });
    const ended = collect(site, job);
    await until(() => cuts > 0);
    const own = await submitTasks({ site: south.coordinator.site, kernel: south.kernel }, 200);
    expect(await collect(south.coordinator.site, own)).toHaveLength(200);
    link.mend();
    const outcomes = await ended;
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    await runAt(north, 100);
  },
);
