// What a site asks for its work and allows, and what another keeps for its own hosts, as they are held to between real sites.
import { expect, vi } from 'vitest';
import type { Manifest } from '../../host/wire/api.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { createEcho, OWN_CALLER } from '../site/echo.ts';
import { collect, inputOf, SUBMITTER, submitTasks } from '../site/opened.ts';
import { natsTest, startNats } from './server.ts';
import { type FederatedSite, joinSite, OPERATOR, type SiteSetting, trustEach, until } from './sites.ts';

async function submit({ coordinator: { site, blobs }, kernel }: FederatedSite, tasks: number, manifest = {}) {
  await blobs.put(kernel, new TextEncoder().encode('a kernel'));
  return submitTasks({ site, kernel }, tasks, { sites: {}, ...manifest });
}

const ranAt = ({ coordinator }: FederatedSite, job: string) =>
  coordinator.site.places(OPERATOR, job).map(({ site, ran }) => [site, ran]);

const TERMS: readonly [string, SiteSetting, Partial<Manifest>][] = [
  ['asks more than the job pays', { price: 3 }, { sites: { priceMax: 2 } }],
  ['does not allow what the job needs', {}, { grants: [{ kind: 'log' }] }],
  ['is left out by name', {}, { sites: { not: ['south'] } }],
  ['gives work back later than the job ends', { deadlineMs: 86_400_000 }, { deadline: Date.now() + 3_600_000 }],
];

for (const [what, setting, manifest] of TERMS)
  natsTest(`a site that ${what} gets none of it, and another one does it`, async () => {
    await using nats = await startNats();
    await using north = await joinSite(nats.url, 'north', { hosts: 0 });
    await using south = await joinSite(nats.url, 'south', setting);
    await using west = await joinSite(nats.url, 'west', { price: 2, deadlineMs: 60_000 });
    await south.coordinator.site.setPolicy(OPERATOR, parsePolicy({ version: 1 }));
    for (const { coordinator } of [north, west])
      await coordinator.site.setPolicy(OPERATOR, parsePolicy({ version: 1, grants: [{ kind: 'log' }] }));
    await trustEach([north, south, west]);
    const told = ({ name }: FederatedSite) =>
      north.federation.status().sites.find(({ record }) => record.name === name)?.record.policy.grants.length;
    await until(() => told(south) === 0 && told(west) === 1);
    const job = await submit(north, 40, manifest);
    expect(await collect(north.coordinator.site, job)).toHaveLength(40);
    expect(ranAt(north, job)).toEqual([['west', 40]]);
    expect(south.coordinator.site.jobs(OPERATOR)).toEqual([]);
  });

natsTest('a site keeps what its own hosts can do in the time that it is told, and sends out what is over', async () => {
  await using nats = await startNats();
  await using north = await joinSite(nats.url, 'north', { hosts: 0, keepSeconds: 3_600 });
  await using south = await joinSite(nats.url, 'south', { hosts: 2 });
  await trustEach([north, south]);
  const { site } = north.coordinator;
  // A task is taken for a second of a thread while nobody knows better: 3,600 of them are an hour for the one host, which keeps what it is given.
  createEcho({ caller: OWN_CALLER, pulls: 1, hears: ({ type }) => (type === 'lease' ? false : undefined) }).join(site);
  await until(() => north.federation.status().own.hosts === 1);
  const small = await submit(north, 3_000);
  await until(() => site.job(SUBMITTER, small).counts.leased > 0 && north.federation.status().own.queuedFuel > 0);
  // It has chosen again, knowing its own queue.
  const chosen = vi.spyOn(site, 'work');
  await until(() => chosen.mock.calls.length > 2);
  expect(north.federation.status().sites).toMatchObject([{ open: true, batches: 0 }]);
  const large = await submit(north, 6_000);
  await until(() => site.job(SUBMITTER, large).counts.done > 0);
  expect(ranAt(north, large)[0]?.[0]).toBe('south');
});

natsTest('a site that was believed and lies later is found by spot checks, and gets nothing more', async () => {
  await using nats = await startNats();
  let lies = false;
  const lie = { code: '', output: Buffer.from('a lie'), fuel: 100 };
  const answer = (_job: string, _task: number, output: string | Uint8Array) =>
    lies ? lie : { code: '', output, fuel: 100 };
  await using north = await joinSite(nats.url, 'north', { hosts: 0 });
  await using _south = await joinSite(nats.url, 'south', { hosts: 1, echo: { answer } });
  const { site } = north.coordinator;
  const own = createEcho({ caller: OWN_CALLER });
  const found = () => site.hosts(OPERATOR).find(({ account }) => account === '@south');
  await until(() => found()?.connected === true);
  const run = async () => {
    const job = await submit(north, 300, { confidence: 0.99 });
    await until(() => site.job(SUBMITTER, job).runs > 0);
    own.join(site);
    const outcomes = await collect(site, job);
    own.leave();
    return outcomes;
  };
  await run();
  expect(found()).toMatchObject({ banned: false });
  expect(found()?.agreed).toBeGreaterThan(0);
  lies = true;
  const outcomes = await run();
  expect(found()).toMatchObject({ banned: true });
  expect(outcomes.every(({ index, output }) => Buffer.compare(output as Uint8Array, inputOf(index)) === 0)).toBe(true);
});
