// A server between sites as an operator sees it: who is there, what waits, and what is wrong, in words; and the permissions of a site.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { expect, onTestFinished, test } from 'vitest';
import { lookAt } from '../../host/federation/look.ts';
import { NAMES } from '../../host/federation/names.ts';
import { permissionsText } from '../../host/federation/permissions.ts';
import { scratch } from '../agent/started.ts';
import { lodger, ROOT } from '../cli/lodger.ts';
import { startHub } from './configured.ts';
import { natsTest, startNats } from './server.ts';
import { joinSite, until } from './sites.ts';

natsTest('a federation that is well is shown with its sites, and nothing is wrong with it', async () => {
  const hub = await startHub();
  const site = await joinSite(hub.url, 'north', { hosts: 2, connection: await hub.as('north') });
  onTestFinished(() => site[Symbol.asyncDispose]());
  await until(() => site.federation.status().connected);
  const file = join(await scratch(), 'north.creds');
  await writeFile(file, 'north:secret-of-north\n');
  const args = ['--nats', hub.url, '--nats-credentials', file, '--nats-ca', join(ROOT, 'test/fixtures/tls/cert.pem')];
  await until(
    async () =>
      (await lookAt({ servers: [hub.url], connection: await hub.as('north'), site: 'north' })).sites.length > 0,
  );
  const shown = await lodger(['federation', 'status', 'north', ...args]);
  expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
  expect(shown.stdout).toMatch(
    /^server hub, version [\d.]+, encrypted(?:, used of what is newer than 2\.9: metadata)?$/m,
  );
  expect(shown.stdout).toMatch(/^north +2 +2 +2 G +2 G +0 +0 +\d+ ms ago|^north +2 +2 +2 G +2 G +0 +0 +[\d.]+ s ago/m);
  expect(await hub.violations()).toEqual([]);
});

natsTest('what is wrong with a server is said in words, with what to do about it', async () => {
  await using nats = await startNats();
  const look = async () => (await lookAt({ servers: [nats.url], connection: {} })).problems;
  const open = 'the server asks nobody who they are: give each site a user, see hub.conf';
  expect(await look()).toEqual([open, 'no site has joined yet: lodger serve --nats does']);
  const connection = await connect({ servers: [nats.url] });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ ...NAMES.stream(1), storage: StorageType.Memory });
  const sites = await new Kvm(jetstream(connection)).create(NAMES.sites);
  await sites.put('mallory', 'I am north');
  expect(await look()).toEqual([
    open,
    `stream ${NAMES.stream(1).name} keeps what is settled: delete it, and a site makes it anew`,
    `stream ${NAMES.stream(1).name} is in memory alone, and gone with the server: delete it, and a site makes it anew`,
    'the record of site mallory is not signed by its key: somebody else uses its name',
  ]);
});

test.each<[string[], string]>([
  [['federation', 'status'], 'option "--nats" must be given with status'],
  [['federation', 'permissions'], 'option "site" must be given with permissions'],
  [['federation', 'permissions', 'a.*'], 'lower-case letters, digits and "-"'],
  [['federation', 'sit'], 'option "action" must be one of status, permissions'],
  [['federation', 'status', '--nats', 'nats://127.0.0.1:1'], 'ERR_SITE_UNREACHABLE'],
  [['federation', 'status', '--nats', 'nats://north:secret@127.0.0.1:1'], '"--nats" must be an address alone'],
  [
    ['federation', 'status', '--nats', 'nats://127.0.0.1:1', '--nats-ca', 'package.json'],
    'must be certificates in PEM',
  ],
])('lodger %j is refused', async (args, message) => {
  const { exitCode, stderr } = await lodger(args);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('the permissions of a site are printed as a server reads them', async () => {
  const printed = await lodger(['federation', 'permissions', 'north']);
  expect(printed).toMatchObject({ exitCode: 0, stdout: permissionsText('north') });
  const leaf = JSON.parse((await lodger(['federation', 'permissions', 'north', '--leaf', '--json'])).stdout);
  expect(leaf.publish).toContain('_INBOX.>');
  expect(leaf.subscribe).toEqual(['lodger.site.north', '_INBOX.north.>']);
});
