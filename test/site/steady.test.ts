// Jobs whose results cannot be compared, since what they are granted is not the same everywhere.
import { expect, test } from 'vitest';
import { createEcho, HOST_CALLER, OWN_CALLER } from './echo.ts';
import { collect, OPERATOR, openerOfTests, SUBMITTER, submitTasks, until } from './opened.ts';

const open = openerOfTests();

test.each([
  ['is granted the clock', { grants: [{ kind: 'clock' as const }] }],
  ['says of itself that it is not deterministic', { deterministic: false }],
])('a job that %s runs once, on trusted hosts, and on no other', async (_, asked) => {
  const site = await open();
  const strangers = ['ada', 'bob'].map((account) => createEcho({ caller: { ...HOST_CALLER, account } }));
  for (const each of strangers) each.join(site.site);
  await until(() => site.site.status().hosts === 2);
  const job = await submitTasks(site, 40, asked);
  expect(site.site.task(SUBMITTER, job, 7).why).toContain('is not trusted, and results of this job cannot be compared');
  expect(site.site.hosts(OPERATOR)[0]?.why).toContain('results of this job cannot be compared');
  createEcho({ caller: OWN_CALLER, name: 'own' }).join(site.site);
  expect((await collect(site.site, job)).every(({ state }) => state === 'done')).toBe(true);
  expect(site.site.job(SUBMITTER, job)).toMatchObject({ runs: 40, checks: 0 });
  expect(strangers.map(({ reports }) => reports)).toEqual([0, 0]);
});
