// Tabs that are lent from pages of others: in a frame that the operator allows, and from a server of plain files, where a frame has the walls.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { freePort, type SiteProcess, startSite } from '../client/process.ts';
import { settingsText } from '../kernels/task.ts';
import { ROOT } from '../project/files.ts';
import { block } from '../project/readme.ts';
import { openBrowser } from './chromium.ts';
import { type Elsewhere, openElsewhere } from './elsewhere.ts';

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const WAIT = { timeout: 30_000, interval: 50 };
/** As the README has it. */
const SNIPPET = block('volunteer');
/** A picture of points that never leave: a task of hours. */
const HOURS = 'width = 1024\nheight = 1024\ncentre = 0 0\nspan = 0.01\niterations = 1048576\n';
const SHOT = settingsText({
  ...{ width: 100, depth: 100, spacing: 10, steps: 900, dt: 0.001, record: 20, peak: 15 },
  ...{ source: [500, 40], receivers: [0, 900, 30, 20] },
  layer: [
    [0, 1500],
    [500, 2600],
  ],
});

let browser: Browser;
let folder: string;
let url: string;
let site: SiteProcess;
let runner: SiteRunner;
/** Servers of other people, by what is on them. The site names all but those that say so. */
let on: Readonly<
  Record<'page' | 'isolated' | 'unnamedPage' | 'frames' | 'copy' | 'leaky' | 'loading' | 'unnamedCopy', Elsewhere>
>;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), 'lodger-embed-'));
  url = `http://127.0.0.1:${await freePort()}`;
  const door = await readFile(join(ROOT, 'dist/host/browser/volunteer.js'), 'utf8');
  on = {
    page: await pageOfOthers(door),
    isolated: await pageOfOthers(door, ISOLATED),
    unnamedPage: await pageOfOthers(door),
    frames: await openElsewhere({
      files: { '/': `<iframe src="${url}/"></iframe><iframe src="${url}/join/"></iframe>` },
    }),
    copy: await copyOfPages(),
    leaky: await copyOfPages("default-src 'none'", 'default-src *'),
    loading: await copyOfPages("'wasm-unsafe-eval'", "'wasm-unsafe-eval' * data: blob: 'unsafe-eval'"),
    unnamedCopy: await copyOfPages(),
  };
  const named = Object.entries(on).filter(([name]) => !name.startsWith('unnamed'));
  const allowed = named.flatMap(([, { origin }]) => ['--embed', origin]);
  site = await startSite(['--data', join(folder, 'site'), '--listen', url.slice('http://'.length), ...allowed]);
  runner = await connect(site.url, site.token ?? '');
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await vi.waitFor(async () => expect(await tabOf()).toBeUndefined(), WAIT);
});
afterAll(async () => {
  await runner.close();
  await browser.close();
  await site.kill();
  for (const other of Object.values(on)) other.close();
  await rm(folder, { recursive: true, force: true });
});

/** A page of somebody else's with the element in it. */
const pageOfOthers = (door: string, headers = {}) =>
  openElsewhere({
    headers,
    files: {
      '/volunteer.js': door,
      '/': `<!doctype html><title>ours</title><h1>Our page</h1>${SNIPPET.replace('https://grid.example.org', url)}
        <script>addEventListener('state', ({ detail }) => { globalThis.told = detail; }, true);</script>`,
    },
  });
/** A copy of the pages of the site on a server of plain files, with something changed in its script. */
const copyOfPages = (from = '', to = '') =>
  openElsewhere({
    copy: (path, text) =>
      path.includes('/join/assets/')
        ? text.replace(from, to)
        : text.replace('name="lodger-site" content=""', `name="lodger-site" content="${url}"`),
  });

const visit = async (address: string): Promise<Page> => {
  const context = await browser.newContext();
  await context.addInitScript(() => void Object.assign(globalThis, { PressureObserver: undefined }));
  const page = await context.newPage();
  await page.goto(address);
  return page;
};
const press = (where: Page | Frame, name: string) => where.getByRole('button', { name }).click();
const start = async (where: Page | Frame) => {
  await press(where, 'Start lending');
  await vi.waitFor(async () => expect(await tabOf()).toBeDefined(), WAIT);
};
const tabOf = async () =>
  (await runner.site.ask('hosts', {})).find(({ kind, connected }) => kind === 'tab' && connected);
const frameOf = (page: Page) =>
  vi.waitFor(() => {
    const found = page.frames().find((frame) => frame.url().startsWith(`${url}/join`));
    expect(found).toBeDefined();
    return found as Frame;
  }, WAIT);
/** What the page around a frame was told last. */
const told = (page: Page) => page.evaluate(() => (globalThis as { told?: object }).told);
/** The tab is believed here, so that its answers are the job's. */
const believe = async () => {
  const host = (await tabOf())?.host ?? '';
  await runner.site.ask('setStanding', { params: { host }, json: { standing: 'trusted' } });
};

const kernelAt = async (name: string) => admit(await readFile(join(ROOT, `dist/kernels/${name}.wasm`)));

/** The same at the site, where a tab alone works, and in Node: a kernel of short tasks, and a stepper. */
async function mustAgree(): Promise<void> {
  const jobs = [
    { kernel: await kernelAt('echo'), inputs: [Buffer.from('one'), Buffer.from('two')] },
    { kernel: await kernelAt('wave'), inputs: [Buffer.from(SHOT)] },
  ];
  for (const job of jobs) {
    const [wanted, got]: object[][] = [[], []];
    for await (const outcome of createSandbox().map(job)) wanted?.push(plain(outcome as never));
    for await (const outcome of runner.map(job)) got?.push(plain(outcome as never));
    expect(got).toEqual(wanted);
  }
}

const plain = ({ state, output, receipt }: { state: string; output?: Uint8Array; receipt: { fuel?: number } }) => ({
  ...{ state, fuel: receipt.fuel, output: Buffer.from(output ?? []).toString('hex') },
});

describe('<lodger-volunteer> on a page of another origin', () => {
  test('lends the tab in a frame, and page and console say that it shares no memory', async () => {
    const page = await visit(on.page.origin);
    const frame = await frameOf(page);
    await start(frame);
    await believe();
    await mustAgree();
    expect((await tabOf())?.isolation).toEqual(['tab']);
    await expect.poll(() => frame.textContent('main')).toContain('shares no memory with its tasks');
    await expect.poll(() => told(page)).toMatchObject({ lending: true, paused: null, tasksDone: 3 });
    await press(frame, 'Pause');
    await expect.poll(() => told(page)).toMatchObject({ paused: 'asked' });
    await page.evaluate(() => document.querySelector('lodger-volunteer')?.remove());
    await vi.waitFor(async () => expect(await tabOf()).toBeUndefined(), WAIT);
  });

  test('shares memory with its tasks where the page around it is isolated itself', async () => {
    const frame = await frameOf(await visit(on.isolated.origin));
    await start(frame);
    expect((await tabOf())?.isolation).toEqual(['tab', 'cross-origin']);
    expect(await frame.textContent('main')).not.toContain('shares no memory');
  });

  test('is empty on a page of an origin that the operator has not named', async () => {
    const page = await visit(on.unnamedPage.origin);
    await vi.waitFor(() => expect(page.frames()[1]?.url()).toContain('chrome-error:'), WAIT);
    expect(await tabOf()).toBeUndefined();
  });

  test('frames the page of a tab alone: the console of the same site stays out of reach', async () => {
    const page = await visit(on.frames.origin);
    const [, console_, join_] = page.frames();
    await vi.waitFor(() => expect(join_?.url()).toBe(`${url}/join/`), WAIT);
    await vi.waitFor(() => expect(console_?.url()).toContain('chrome-error:'), WAIT);
  });
});

describe('a tab without shared memory', () => {
  test('gives a long task back, and is not given another of its kernel', async () => {
    const kernel = await kernelAt('fractal');
    await start(await frameOf(await visit(on.page.origin)));
    await believe();
    const control = new AbortController();
    const outcomes = runner.map({ kernel, inputs: [Buffer.from(HOURS)] }, { signal: control.signal });
    const going = outcomes.next().catch(() => undefined);
    await vi.waitFor(async () => expect((await tabOf())?.why).toContain('does not take this kernel'), WAIT);
    await mustAgree();
    control.abort();
    await going;
  });
});

describe('a copy of the page on a server of plain files', () => {
  test('keeps kernel workers in frames without a network, and lends the tab to its site', async () => {
    const page = await visit(`${on.copy.origin}/lodger/join/`);
    await start(page);
    await believe();
    await mustAgree();
    expect((await tabOf())?.isolation).toEqual(['tab', 'frame']);
    await expect.poll(() => page.textContent('main')).toContain('in frames of their own');
    // A worker without a header found the ways open and ran nothing. No frame reaches anything.
    const out = () => on.copy.requests.filter((request) => request.endsWith('/browser/way-out.js')).length;
    const before = out();
    expect(before).toBeGreaterThan(0);
    await page.getByLabel('Threads').press('End');
    await mustAgree();
    expect(out()).toBe(before);
    await press(page, 'Leave');
    await vi.waitFor(() => expect(page.frames().length).toBe(1), WAIT);
  });

  test.each([
    ['lets it out to any server', 'leaky'],
    ['lets it load scripts from any server', 'loading'],
  ] as const)('runs nothing where the policy of the frame %s', async (_, name) => {
    const page = await visit(`${on[name].origin}/lodger/join/`);
    await press(page, 'Start lending');
    await expect.poll(() => page.textContent('main'), WAIT).toContain('could reach the network by');
    expect(await tabOf()).toBeUndefined();
  });

  test('is refused by a site that does not name its origin', async () => {
    const page = await visit(`${on.unnamedCopy.origin}/lodger/join/`);
    await press(page, 'Start lending');
    await expect.poll(() => page.textContent('main'), WAIT).toContain('ERR_SITE_UNREACHABLE');
  });
});
