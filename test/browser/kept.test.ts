// What a tab shows of the tasks that it is given, what it keeps of them between visits, and what is left of them when it goes.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { type SiteProcess, startSite } from '../client/process.ts';
import { settingsText } from '../kernels/task.ts';
import { ROOT } from '../project/files.ts';
import { lend } from '../site/steppers.ts';
import { openBrowser } from './chromium.ts';

const WAIT = { timeout: 40_000, interval: 50 };
/** A second of work, and many in a tab that lends a tenth of a core. */
const SHOT = settingsText({
  ...{ width: 300, depth: 300, spacing: 10, steps: 3_000, dt: 0.001, record: 20, peak: 15 },
  ...{ source: [500, 40], receivers: [0, 900, 30, 20] },
  layer: [
    [0, 1500],
    [500, 2600],
  ],
});

let browser: Browser;
let folder: string;
let site: SiteProcess;
let runner: SiteRunner;
let context: BrowserContext;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-kept-'));
  site = await startSite(['--data', join(folder, 'site'), '--listen', '127.0.0.1:0']);
  runner = await connect(site.url, site.token ?? '');
  context = await browser.newContext();
  await context.addInitScript(() => void Object.assign(globalThis, { PressureObserver: undefined }));
});
afterEach(async () => {
  await context.close();
  await runner.close();
  await site.kill();
  await rm(folder, { recursive: true, force: true });
});

const tabOf = async () =>
  (await runner.site.ask('hosts', {})).find(({ kind, connected }) => kind === 'tab' && connected);

/** Opens the page and starts lending. What the tab says is believed. */
async function visit(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}/join`);
  await page.getByRole('button', { name: 'Start lending' }).click();
  const { host } = await vi.waitFor(async () => {
    const found = await tabOf();
    expect(found).toBeDefined();
    return found as NonNullable<typeof found>;
  }, WAIT);
  await runner.site.ask('setStanding', { params: { host }, json: { standing: 'trusted' } });
  return page;
}

const kernelAt = async (name: string) => admit(await readFile(join(ROOT, `dist/kernels/${name}.wasm`)));
test('a stepper in a tab that is closed goes on elsewhere from its last image, to the same end; until then the page says whose it is', async () => {
  const kernel = await kernelAt('wave');
  const images: string[] = [];
  context.on('request', (request) => request.method() === 'PUT' && images.push(request.url()));
  const page = await visit();
  await page.getByLabel('Share of each core').fill('10');
  const { bytes, digest } = kernel;
  await runner.site.putBlob(bytes, AbortSignal.timeout(10_000));
  const { id } = await runner.site.ask('submit', { json: { version: 1, kernel: digest, everyMs: 1_000 } });
  await runner.site.addInputs(id, { from: 0, inputs: [Buffer.from(SHOT)], last: true });
  const shown = `Task 0for operator, kernel ${digest.slice(0, 12)}`;
  await expect.poll(() => page.textContent('main'), WAIT).toContain(shown);
  await expect.poll(() => page.textContent('main'), WAIT).toMatch(/[1-9]\d*% done/);
  await expect.poll(() => images.length, WAIT).toBeGreaterThan(0);
  await page.close({ runBeforeUnload: false });
  const lender = lend(site.url, site.token ?? '', { name: 'elsewhere' });
  for await (const outcome of runner.site.outcomes(id, 0, AbortSignal.timeout(120_000))) {
    const wanted = await createSandbox().run({ kernel, input: Buffer.from(SHOT) });
    const { state, output } = wanted as typeof wanted & { readonly output: Uint8Array };
    // As large an output is a blob, known by its digest.
    const found = createHash('sha256').update(output).digest('hex');
    expect({ state, code: outcome.code, output: outcome.output }).toEqual({ state: 'done', code: '', output: found });
  }
  expect(lender.resumed()).toBe(1);
  await lender.close();
}, 120_000);

test('a tab keeps what it was sent between visits, and takes nothing from there that has changed', async () => {
  const sent: string[] = [];
  context.on('request', (request) => /\/blobs\//.test(request.url()) && sent.push(request.method()));
  const job = { kernel: await kernelAt('echo'), inputs: [Buffer.from('one')] };
  const mustRun = async () => {
    for await (const outcome of runner.map(job)) expect(outcome).toMatchObject({ state: 'done' });
  };
  const [first, again] = [await visit(), () => visit()];
  await mustRun();
  expect(sent).toEqual(['GET']);
  await expect
    .poll(() => first.getByRole('region', { name: 'Recent receipts' }).textContent(), WAIT)
    .toContain('task 0');
  expect(await first.getByRole('region', { name: 'Fuel you gave' }).textContent()).toContain('in 1 task');
  await expect.poll(() => first.getByRole('img', { name: /about [1-9].* a second/ }).count(), WAIT).toBe(1);
  await first.getByRole('button', { name: 'Leave' }).click();
  await vi.waitFor(async () => expect(await tabOf()).toBeUndefined(), WAIT);
  await first.close();
  const second = await again();
  await mustRun();
  expect(sent).toEqual(['GET']);
  await second.evaluate(async () => {
    const cache = await caches.open('lodger-blobs');
    for (const request of await cache.keys()) await cache.put(request, new Response('something else'));
  });
  await second.close();
  await vi.waitFor(async () => expect(await tabOf()).toBeUndefined(), WAIT);
  await again();
  await mustRun();
  expect(sent).toEqual(['GET', 'GET']);
});

test('a tab runs nothing that is not what its digest says, which is no fault of the job', async () => {
  await context.route(/\/blobs\//, (route) => route.fulfill({ body: 'something else' }));
  await visit();
  const { value } = await runner.map({ kernel: await kernelAt('echo'), inputs: [Buffer.from('one')] }).next();
  expect(value).toMatchObject({ state: 'failed', code: 'ERR_HOST_FAULT', fault: 'host' });
  expect(value).toMatchObject({ message: expect.stringContaining('has digest') });
});

test("a tab follows its site's policy: where that lets nothing run it pauses, and says why", async () => {
  const page = await visit();
  const { policy } = await runner.site.ask('policy', {});
  const limits = { ...policy.limits, memoryBytesMax: 0 };
  await runner.site.ask('setPolicy', { json: { ...policy, limits } as never });
  await vi.waitFor(async () => expect(await tabOf()).toMatchObject({ paused: 'site policy' }), WAIT);
  await expect.poll(() => page.textContent('main')).toContain('Paused: the site wants no tasks to run in tabs now.');
  await runner.site.ask('setPolicy', { json: policy as never });
  await vi.waitFor(async () => expect(await tabOf()).toMatchObject({ paused: null }), WAIT);
});
