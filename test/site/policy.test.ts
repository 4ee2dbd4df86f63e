// The policy of a site, tried before it is set: which hosts would stop, and which would not.
import { afterEach, expect, test } from 'vitest';
import type { Policy } from '../../runtime/policy/policy.ts';
import { createEcho, HOST_CALLER } from './echo.ts';
import { OPERATOR, type Opened, openSite, removeFolder, SUBMITTER, submitTasks } from './opened.ts';

let opened: Opened | undefined;
afterEach(async () => {
  await opened?.close();
  if (opened) await removeFolder(opened.folder);
});

const LOG = { kind: 'log' } as const;

test('what hosts would stop is told before a policy is pushed, and nothing is pushed', async () => {
  const site = await openSite();
  opened = site;
  const host = createEcho({ caller: HOST_CALLER });
  host.join(site.site);
  while (!site.site.hosts(OPERATOR)[0]?.connected) await new Promise((resolve) => setTimeout(resolve, 5));
  const before = site.site.policy();
  const simulated = (change: Partial<Policy>) => site.site.simulatePolicy(OPERATOR, { ...before.policy, ...change });
  const none = { limits: { ...before.policy.limits, wallMsMax: 0 } };
  // Nobody works, and somebody would be stopped for all that.
  expect(simulated({})).toEqual([]);
  expect(simulated({ grants: [] })).toEqual([]);
  expect(simulated(none)).toEqual([{ host: host.id, stops: 'policy lets no task run at all' }]);

  await submitTasks(site, 2, { id: 'logs', confidence: 'trusted', grants: [LOG] });
  expect(simulated({ grants: [LOG] })).toEqual([]);
  expect(simulated({ grants: [] })).toEqual([{ host: host.id, stops: expect.stringContaining('log') }]);
  // It goes on with another job.
  await submitTasks(site, 2, { id: 'plain', confidence: 'trusted' });
  expect(simulated({ grants: [] })).toEqual([]);
  expect(site.site.policy()).toEqual(before);
});

test('only an operator sets or tries a policy', async () => {
  const site = await openSite();
  opened = site;
  const { policy } = site.site.policy();
  expect(() => site.site.simulatePolicy(SUBMITTER, policy)).toThrow(/operators/);
  await expect(site.site.setPolicy(SUBMITTER, policy)).rejects.toThrow(/operators/);
});
