// A tab at a real site that prepares kernels for it: of each it is told, in no case are its bytes sent, and what a host in Node refuses it refuses.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { frameOf } from '../../host/wire/frame.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { startSite } from '../client/process.ts';
import { kernelOf } from '../wasm/kernel.ts';
import { openBrowser } from './chromium.ts';

/** The tab is believed here, so that its answers are the job's. */
async function believe(runner: SiteRunner): Promise<void> {
  const host = await vi.waitFor(
    async () => {
      const tab = (await runner.site.ask('hosts', {})).find(({ kind, connected }) => kind === 'tab' && connected);
      expect(tab).toBeDefined();
      return tab?.host ?? '';
    },
    { timeout: 30_000, interval: 50 },
  );
  await runner.site.ask('setStanding', { params: { host }, json: { standing: 'trusted' } });
}

/** How a task of a kernel ends whose bytes nobody looked at before they were sent. */
async function runOne(runner: SiteRunner, kernel: string): Promise<object | undefined> {
  const { id: job } = await runner.site.ask('submit', { json: { version: 1, kernel } });
  const bytes = frameOf({ from: 0, inputs: [1], last: true }, new Uint8Array(1));
  await runner.site.ask('inputs', { params: { job }, bytes });
  for await (const outcome of runner.site.outcomes(job, 0)) return outcome;
  return undefined;
}

test('a tab refuses what a host in Node refuses, with its code and its words, and is never sent the bytes of a kernel', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-prepares-'));
  const site = await startSite(['--data', join(folder, 'site'), '--listen', '127.0.0.1:0']);
  const runner = await connect(site.url, site.token ?? '');
  const browser = await openBrowser();
  const page = await browser.newPage();
  const paths = new Set<string>();
  page.context().on('request', (request) => paths.add(new URL(request.url()).pathname));
  await page.goto(`${site.url}/join`);
  await page.getByRole('button', { name: 'Start lending' }).click();
  await believe(runner);
  const imports = [{ module: 'env', name: 'print', type: 'i>' }];
  for (const bytes of [kernelOf(), kernelOf({ imports }), Buffer.from('no kernel')]) {
    const kernel = await runner.site.putBlob(bytes);
    const refusal: { code?: string; message?: string } = await admit(bytes).then(
      () => ({}),
      (error) => error,
    );
    const { code, message } = refusal;
    const wanted = code === undefined ? { state: 'done' } : { state: 'failed', code, message };
    expect(await runOne(runner, kernel)).toMatchObject(wanted);
    expect(paths).toContain(`/api/1/kernels/${kernel}/prepared`);
    expect(paths).not.toContain(`/api/1/blobs/${kernel}`);
  }
  await browser.close();
  await runner.close();
  await site.kill();
  await rm(folder, { recursive: true });
});
