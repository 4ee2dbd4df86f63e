// Sites that do each other's work, over a real server.
import { expect, test } from 'vitest';
import { collect, inputOf, SUBMITTER, submitTasks } from '../site/opened.ts';
import { hasNats, startNats } from './server.ts';
import { joinSite, trustEach } from './sites.ts';

test('nats-server is installed where tests of sites run', () => {
  if (process.env.CI === 'true') expect(hasNats).toBe(true);
});

test('a job that is submitted at a site without hosts is done by another, in order', async () => {
  await using nats = await startNats();
  await using north = await joinSite(nats.url, 'north', { hosts: 0 });
  await using south = await joinSite(nats.url, 'south');
  await trustEach([north, south]);
  const { site, blobs } = north.coordinator;
  await blobs.put(north.kernel, new TextEncoder().encode('a kernel'));
  const job = await submitTasks({ site, kernel: north.kernel }, 500, { sites: {} });
  const outcomes = await collect(site, job);
  expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 500 }, (_, index) => index));
  expect(outcomes.every(({ output, index }) => Buffer.compare(output as Uint8Array, inputOf(index)) === 0)).toBe(true);
  expect(site.job(SUBMITTER, job)).toMatchObject({ state: 'done', runs: 500 });
}, 60_000);
