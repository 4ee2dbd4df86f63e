// The console of a site that works with another: who that is, what it lends, what goes between them, and the server between them away.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connect } from '../../host/client/connect.ts';
import { startSite } from '../client/process.ts';
import { natsTest, startNats } from '../federation/server.ts';
import { joinSite } from '../federation/sites.ts';
import { wrongs } from './axe.ts';
import { openBrowser } from './chromium.ts';

natsTest(
  'the console shows the other sites, their capacity and what goes between them, and says when the server is away',
  async () => {
    await using nats = await startNats();
    await using folder = await temporary();
    const place = ['--data', join(folder.path, 'north'), '--listen', '127.0.0.1:0'];
    const north = await startSite([...place, '--nats', nats.url, '--site', 'north', '--keep', '0']);
    await using south = await joinSite(nats.url, 'south', { hosts: 2, echo: { pulls: 1, hears: keepLeases } });
    const browser = await openBrowser();
    const runner = await connect(north.url, north.token ?? '');
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const main = () => page.textContent('main');
      await page.goto(`${north.url}/#/sites`);
      await page.getByLabel('Token').fill(north.token ?? '');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('navigation').getByRole('link', { name: 'Sites' }).click();
      await expect.poll(main, { timeout: 20_000 }).toContain('1 other site');
      const row = page.getByRole('row', { name: /south/ });
      await expect.poll(() => row.textContent(), { timeout: 20_000 }).toContain('here');
      expect(await row.textContent()).toContain('2 G100 %0');

      const kernel = await runner.site.putBlob(new TextEncoder().encode('a kernel'), AbortSignal.timeout(10_000));
      const { id } = await runner.site.ask('submit', { json: { version: 1, kernel, sites: {} } });
      await runner.site.addInputs(id, { from: 0, inputs: [Buffer.from('one'), Buffer.from('two')], last: true });
      await expect.poll(() => row.getByRole('cell').nth(-2).textContent(), { timeout: 20_000 }).toBe('2');
      expect(await wrongs(page)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 700 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
      expect(await wrongs(page)).toEqual([]);

      await page.setViewportSize({ width: 1280, height: 900 });
      await nats.kill();
      await expect.poll(main, { timeout: 20_000 }).toContain('The server between the sites is away');
      expect(await wrongs(page)).toEqual([]);
      expect(south.federation.status().connected).toBe(false);
    } finally {
      await runner.close();
      await browser.close();
      await north.kill();
    }
  },
);

natsTest('the page of a job shows which sites and hosts ran its tasks, as they do', async () => {
  await using nats = await startNats();
  await using folder = await temporary();
  const place = ['--data', join(folder.path, 'north'), '--listen', '127.0.0.1:0'];
  const north = await startSite([...place, '--nats', nats.url, '--site', 'north', '--keep', '0']);
  await using south = await joinSite(nats.url, 'south', { hosts: 2, echo: { hears: keepSecond() } });
  const browser = await openBrowser();
  const runner = await connect(north.url, north.token ?? '');
  try {
    const met = async () => (await runner.site.ask('hosts')).find(({ account }) => account === '@south')?.host;
    await expect.poll(met, { timeout: 20_000 }).toBeDefined();
    const host = (await met()) ?? '';
    await runner.site.ask('setStanding', { params: { host }, json: { standing: 'trusted' } });
    const kernel = await runner.site.putBlob(new TextEncoder().encode('a kernel'), AbortSignal.timeout(10_000));
    const { id } = await runner.site.ask('submit', { json: { version: 1, kernel, sites: {} } });
    const inputs = Array.from({ length: 4 }, (_, task) => Buffer.from(`task ${task}`));
    await runner.site.addInputs(id, { from: 0, inputs, last: true });

    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(`${north.url}/#/jobs/${id}`);
    await page.getByLabel('Token').fill(north.token ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const row = page.getByRole('region', { name: 'Where the tasks ran' }).getByRole('row', { name: /south/ });
    await expect.poll(() => row.textContent(), { timeout: 20_000 }).toBe('southits own22');
    await page.getByRole('option', { name: 'task 0, done' }).click();
    const task = page.getByRole('region', { name: 'Task 0' });
    await expect.poll(() => task.getByRole('rowheader').textContent(), { timeout: 20_000 }).toBe('site south');
    expect(await wrongs(page)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    expect(await wrongs(page)).toEqual([]);
    expect(south.hosts.some(({ acks }) => acks > 0)).toBe(true);
  } finally {
    await runner.close();
    await browser.close();
    await north.kill();
  }
});

/** Of what the hosts are given, they do the first half and keep the rest. */
function keepSecond(): (message: { readonly type: string }) => boolean | undefined {
  let leases = 0;
  return ({ type }) => (type === 'lease' && ++leases > 1 ? false : undefined);
}

/** The hosts take tasks and never do them. */
function keepLeases({ type }: { readonly type: string }): boolean | undefined {
  return type === 'lease' ? false : undefined;
}

async function temporary(): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'lodger-sites-page-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
