// Tabs that are lent to a real site: they work beside a host in Node, pause for named reasons, and leave without loss.
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAgent } from 'lodger/host';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Agent } from '../../host/agent/contracts.ts';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { openInputs } from '../../host/jobs/inputs.ts';
import { loadJob } from '../../host/jobs/load.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { Job } from '../../runtime/job/task.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { type SiteProcess, startSite } from '../client/process.ts';
import { ROOT } from '../project/files.ts';
import { openBrowser } from './chromium.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

let folder: string;
let site: SiteProcess;
let runner: SiteRunner;
let agent: Agent | undefined;
let context: BrowserContext;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lodger-visit-'));
  site = await startSite(['--data', join(folder, 'site'), '--listen', '127.0.0.1:0']);
  runner = await connect(site.url, site.token ?? '');
  context = await browser.newContext();
  // Nothing of this machine's own state: tests say what the browser tells.
  await context.addInitScript(() => {
    Object.assign(globalThis, { PressureObserver: undefined });
  });
});
afterEach(async () => {
  await context.close();
  await runner.close();
  await agent?.close();
  agent = undefined;
  await site.kill();
  await rm(folder, { recursive: true, force: true });
});

const lend = async () => {
  agent = await createAgent({
    ...{ site: site.url, token: site.token ?? '', data: join(folder, 'host'), isolation: 'thread' },
    policy: { version: 1, threads: 1, battery: 'always' },
  });
};
const tabOf = async () => (await runner.site.ask('hosts', {})).find(({ kind }) => kind === 'tab');
const tabState = async (want: object) =>
  vi.waitFor(async () => expect(await tabOf()).toMatchObject(want), { timeout: 30_000, interval: 100 });

/** Opens the page and starts lending. */
async function visit(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}/join`);
  await page.getByRole('button', { name: 'Start lending' }).click();
  await tabState({ connected: true });
  return page;
}

/** The protein search, in tasks so small that there are some for everybody. */
async function search(): Promise<Job> {
  const { file, folder: place, terms } = await loadJob(join(ROOT, 'kernels/align/job.json'));
  const plan = { ...file.inputs, perTask: { bytes: 16_384 } } as typeof file.inputs;
  const { each } = await openInputs(plan, place, 2 ** 20);
  return { ...terms, inputs: each() };
}

const plain = ({ state, output, receipt }: { state: string; output?: Uint8Array; receipt: { fuel?: number } }) => ({
  ...{ state, fuel: receipt.fuel, output: Buffer.from(output ?? []).toString('hex') },
});

describe('a tab', () => {
  test('and a host in Node share a job, and agree on every byte and every unit of fuel', async () => {
    const scripts = new Set<string>();
    context.on('request', (request) => scripts.add(request.url().replace(/^.*\//, '')));
    await visit();
    const job = await search();
    const outcomes: object[] = [];
    const going = (async () => {
      for await (const outcome of runner.mapAs('search', job)) outcomes.push(plain(outcome as never));
    })();
    // What a tab delivers is run again by a host that the site believes.
    await vi.waitFor(async () => expect((await tabOf())?.tasksDone).toBeGreaterThan(3), { timeout: 40_000 });
    await lend();
    await going;
    // This kernel is plain: of all that there is for others, nothing was loaded.
    const ofTabs = ['browser', 'join/assets'].flatMap((folder) => readdirSync(join(ROOT, 'dist/host/pages', folder)));
    const asked = ofTabs
      .filter((name) => name.endsWith('.js') && scripts.has(name))
      .map((name) => name.replace(/-[\w-]{8}\.js$/, '.js'));
    // `way-out.js` is what workers try and do not get.
    expect(asked.sort()).toEqual(['index.js', 'io-worker.js', 'kernel-worker.js', 'way-out.js']);
    const wanted = [];
    for await (const outcome of createSandbox().map(await search())) wanted.push(plain(outcome as never));
    expect(outcomes).toEqual(wanted);
    const { host } = (await tabOf()) ?? {};
    const tasks = await Promise.all(
      wanted.map((_, task) => runner.site.ask('task', { params: { job: 'search', task } })),
    );
    const both = tasks.filter(
      ({ runs }) => runs.some((run) => run.host === host) && runs.some((run) => run.host !== host),
    );
    expect(both.length).toBeGreaterThan(0);
    for (const { runs } of both) expect(new Set(runs.map(({ answer, fuel }) => `${answer} ${fuel}`)).size).toBe(1);
  });

  test('is never taken on its word alone', async () => {
    await visit();
    const job = await search();
    const ended: unknown[] = [];
    const going = (async () => {
      for await (const outcome of runner.mapAs('search', job)) ended.push(outcome);
    })();
    await vi.waitFor(async () => expect((await tabOf())?.tasksDone).toBeGreaterThan(3), { timeout: 40_000 });
    expect(ended).toEqual([]);
    await lend();
    await going;
    expect(ended.length).toBeGreaterThan(3);
  });

  test('that is closed in the middle of a task loses nothing: the work is done elsewhere', async () => {
    const page = await visit();
    const job = await search();
    const outcomes: string[] = [];
    const going = (async () => {
      for await (const { state } of runner.mapAs('search', job)) outcomes.push(state);
    })();
    await vi.waitFor(async () => expect((await tabOf())?.leased).toBeGreaterThan(0), { timeout: 20_000, interval: 20 });
    await page.close({ runBeforeUnload: false });
    await lend();
    await going;
    expect(outcomes).toEqual(outcomes.map(() => 'done'));
  });
});

describe('a tab pauses', () => {
  test('when its visitor says so, and goes on again', async () => {
    const page = await visit();
    await page.getByRole('button', { name: 'Pause' }).click();
    await tabState({ paused: 'asked' });
    await expect.poll(() => page.textContent('main')).toContain('Paused: you pressed Pause.');
    await page.getByRole('button', { name: 'Resume' }).click();
    await tabState({ paused: null });
  });

  test('on battery, until the charger is in, or its visitor lends on battery too', async () => {
    await context.addInitScript(() => {
      const battery = Object.assign(new EventTarget(), { charging: false });
      Object.assign(navigator, { getBattery: async () => battery });
      Object.assign(globalThis, {
        plugIn: () => {
          battery.charging = true;
          battery.dispatchEvent(new Event('chargingchange'));
        },
      });
    });
    const page = await visit();
    await tabState({ paused: 'battery' });
    await expect.poll(() => page.textContent('main')).toContain('Paused: on battery.');
    await page.getByLabel('Pause on battery').uncheck();
    await tabState({ paused: null });
    await page.getByLabel('Pause on battery').check();
    await tabState({ paused: 'battery' });
    await page.evaluate(() => (globalThis as never as { plugIn(): void }).plugIn());
    await tabState({ paused: null });
  });

  test('while it is hidden, if its visitor wants that', async () => {
    const page = await visit();
    const hide = (hidden: boolean) =>
      page.evaluate((now) => {
        Object.defineProperty(document, 'hidden', { value: now, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await tabState({ paused: null });
    await page.getByLabel('Pause while I look at another tab').check();
    await tabState({ paused: 'hidden' });
    await hide(false);
    await tabState({ paused: null });
  });

  test('while the browser saves data', async () => {
    await context.addInitScript(() => {
      const connection = Object.assign(new EventTarget(), { saveData: true });
      Object.defineProperty(navigator, 'connection', { value: connection });
      Object.assign(globalThis, {
        spend: () => {
          connection.saveData = false;
          connection.dispatchEvent(new Event('change'));
        },
      });
    });
    const page = await visit();
    await tabState({ paused: 'data saver' });
    await expect.poll(() => page.textContent('main')).toContain('Paused: your browser saves data.');
    await page.evaluate(() => (globalThis as never as { spend(): void }).spend());
    await tabState({ paused: null });
  });

  test('while the processor has more to do than it can', async () => {
    await context.addInitScript(() => {
      Object.assign(globalThis, {
        PressureObserver: class {
          constructor(hear: (records: readonly object[]) => void) {
            Object.assign(globalThis, { press: (state: string) => hear([{ state }, { state }, { state }]) });
          }
          observe = async () => {};
        },
      });
    });
    const page = await visit();
    const press = (state: string) =>
      page.evaluate((now) => (globalThis as never as { press(s: string): void }).press(now), state);
    await press('critical');
    await tabState({ paused: 'pressure' });
    await press('fair');
    await tabState({ paused: null });
  });
});

test("a tab's slider changes the share of a core that its tasks get, as the system measures it", async () => {
  const page = await visit();
  const control = new AbortController();
  const kernel = await admit(await readFile(join(ROOT, 'dist/kernels/fractal.wasm')));
  const input = Buffer.from('width = 1024\nheight = 1024\ncentre = 0 0\nspan = 0.01\niterations = 1048576\n');
  const going = runner.map({ kernel, inputs: [input] }, { signal: control.signal }).next();
  await expect.poll(() => page.textContent('main'), { timeout: 30_000 }).toContain('1 under way');
  const session = await browser.newBrowserCDPSession();
  const used = async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return Math.max(...processInfo.filter(({ type }) => type === 'renderer').map(({ cpuTime }) => cpuTime));
  };
  const shareAt = async (percent: number) => {
    await page.getByLabel('Share of each core').fill(String(percent));
    await page.waitForTimeout(500);
    const [at, before] = [performance.now(), await used()];
    await page.waitForTimeout(2_000);
    return ((await used()) - before) / ((performance.now() - at) / 1_000);
  };
  // Other work on the machine takes from both, and more from the larger one.
  await expect.poll(async () => (await shareAt(100)) / (await shareAt(10)), { timeout: 40_000 }).toBeGreaterThan(2);
  control.abort();
  await going.catch(() => undefined);
});

test('a tab asks nobody but its site for anything', async () => {
  const asked = new Set<string>();
  context.on('request', (request) => asked.add(new URL(request.url()).origin));
  await visit();
  await lend();
  const outcomes = [];
  for await (const { state } of runner.mapAs('search', await search())) outcomes.push(state);
  expect(outcomes.length).toBeGreaterThan(3);
  expect([...asked].filter((origin) => origin !== 'null')).toEqual([site.url]);
});

test('a tab remembers what its visitor chose', async () => {
  const page = await visit();
  await page.getByLabel('Share of each core').fill('30');
  await page.getByLabel('Pause on battery').uncheck();
  await page.reload();
  await expect.poll(() => page.textContent('main')).toContain('at 30% speed');
  await page.getByRole('button', { name: 'Start lending' }).click();
  expect(await page.getByLabel('Pause on battery').isChecked()).toBe(false);
});

test('a site that takes no visitors says so to a tab, and nothing runs', async () => {
  const closed = await startSite(['--data', join(folder, 'closed'), '--listen', '127.0.0.1:0', '--no-visitors']);
  const page = await context.newPage();
  await page.goto(`${closed.url}/join`);
  await page.getByRole('button', { name: 'Start lending' }).click();
  await expect.poll(() => page.textContent('main')).toContain('this site takes no visitors without a token');
  await closed.kill();
});
