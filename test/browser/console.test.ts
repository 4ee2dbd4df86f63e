// The operator's console in a real browser, on a real site: signing in, a job from the page, hosts, policy, accounts, and nobody kept out.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type SiteRunner } from '../../host/client/connect.ts';
import { lodger } from '../cli/lodger.ts';
import { type SiteProcess, startSite } from '../client/process.ts';
import { coreOf, SUBJECTS, type Subject } from '../kernels/subjects.ts';
import { ROOT } from '../project/files.ts';
import { wrongs } from './axe.ts';
import { openBrowser } from './chromium.ts';

const PHONE = { width: 320, height: 700 };
const DESKTOP = { width: 1280, height: 900 };

let browser: Browser;
let folder: string;
let site: SiteProcess;
let runner: SiteRunner;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), 'lodger-console-'));
  site = await startSite(['--data', join(folder, 'site'), '--listen', '127.0.0.1:0', '--threads', '1']);
  runner = await connect(site.url, site.token ?? '');
  context = await browser.newContext({ viewport: DESKTOP });
  page = await context.newPage();
});
afterAll(async () => {
  await runner.close();
  await browser.close();
  await site.kill();
  await rm(folder, { recursive: true, force: true });
});

/** A picture of one point. */
const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const soon = () => AbortSignal.timeout(10_000);
const main = () => page.textContent('main');
const follow = (name: string) => page.getByRole('navigation').getByRole('link', { name }).click();

describe('the console', () => {
  test('lets nobody in without a token, and says what is wrong with one', async () => {
    await page.goto(site.url);
    await page.getByLabel('Token').fill('lodger_operator_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(main).toContain('this token is not known');
    expect(await wrongs(page)).toEqual([]);
  });

  test('signs in with a token, which no script of the page can read afterwards', async () => {
    await page.getByLabel('Token').fill(site.token ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(main).toContain('Hosts lending');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(await page.evaluate(() => document.cookie + JSON.stringify(localStorage))).not.toContain(site.token);
  });

  test('submits the protein search from the page, and shows its hits', async () => {
    await follow('Submit a job');
    await page.getByLabel(/A \.wasm file/).setInputFiles(join(ROOT, 'dist/kernels/align.wasm'));
    await expect.poll(main).toContain('What it asks for');
    await page.getByLabel('Name of a blob').fill('query');
    await page.getByLabel('Its file').setInputFiles(join(ROOT, 'kernels/align/data/query.fasta'));
    await page.getByLabel('Files').setInputFiles(join(ROOT, 'kernels/align/data/proteins.fasta'));
    await page.getByLabel(/Records that begin/).check();
    await page.getByRole('button', { name: 'Run' }).click();
    await expect.poll(main, { timeout: 60_000 }).toContain('15 of 15');
    const first = JSON.parse(await outputOf('0'));
    const [hit] = Object.values(first).find(Array.isArray) as Record<string, unknown>[];
    await expect.poll(main).toContain(String(Object.values(hit ?? {})[0]));
    expect(await wrongs(page)).toEqual([]);
  });

  test('shows the life of a task that is chosen by keys', async () => {
    const map = page.getByRole('listbox');
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(main).toContain('Task 0');
    await page.keyboard.press('ArrowRight');
    await expect.poll(main).toContain('Task 1');
    await expect.poll(() => page.locator('section', { hasText: 'Task 1' }).last().textContent()).toContain('Runs');
    expect(await wrongs(page)).toEqual([]);
  });

  test('adds up the receipts of a job by host, and gives a file of them that anybody can check', async () => {
    const receipts = page.locator('section', { has: page.getByRole('heading', { name: 'Receipts' }) });
    await expect.poll(() => receipts.textContent()).toMatch(/15 in \d+ signed batch/);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      receipts.getByRole('link', { name: 'Save all receipts' }).click(),
    ]);
    const path = join(folder, 'receipts.ndjson');
    await file.saveAs(path);
    const { exitCode, stdout } = await lodger(['verify', path, '--json']);
    expect(exitCode).toBe(0);
    const verdict = JSON.parse(stdout);
    expect(verdict).toMatchObject({ state: 'holds', receipts: 15 });
    expect(await receipts.textContent()).toContain(`15 in ${verdict.batches} signed`);
    expect(await wrongs(page)).toEqual([]);
  });

  test('shows what hosts and jobs call themselves as text, whatever it is', async () => {
    const name = '<img src=x onerror="document.title=1">';
    const kernel = await readFile(join(ROOT, 'dist/kernels/echo.wasm'));
    const digest = await runner.site.putBlob(kernel, AbortSignal.timeout(10_000));
    await runner.site.ask('submit', { json: { version: 1, name, kernel: digest } });
    await follow('Overview');
    await expect.poll(main).toContain(name);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Lodger');
    expect(await wrongs(page)).toEqual([]);
  });

  test('shows what guests log while their job still goes on, as text', async () => {
    const kernel = await coreOf(SUBJECTS['caps'] as Subject);
    const digest = await runner.site.putBlob(kernel, AbortSignal.timeout(10_000));
    const query = await readFile(join(ROOT, 'kernels/align/data/query.fasta'));
    const blob = await runner.site.putBlob(query, AbortSignal.timeout(10_000));
    const grants = [
      { kind: 'log' },
      { kind: 'random' },
      { kind: 'clock' },
      { kind: 'blobs', name: 'query', digest: blob },
    ];
    const job = { version: 1, name: 'a log', kernel: digest, grants, blobs: { query: blob } };
    const { id } = await runner.site.ask('submit', { json: job });
    await runner.site.addInputs(id, { from: 0, inputs: [Buffer.from('query')], last: false });
    await follow('Overview');
    await page.getByRole('link', { name: 'a log' }).click();
    await expect.poll(main, { timeout: 30_000 }).toContain('Log of the guests');
    await expect.poll(main).toMatch(/task 0 \w+: /);
    expect(await main()).toContain('under way');
    expect(await wrongs(page)).toEqual([]);
    await runner.site.ask('cancel', { params: { job: id } });
    await follow('Overview');
  });

  test('shows a picture as a picture, and markup as text', async () => {
    const digest = await runner.site.putBlob(await readFile(join(ROOT, 'dist/kernels/echo.wasm')), soon());
    const { id } = await runner.site.ask('submit', { json: { version: 1, name: 'shown', kernel: digest } });
    const markup = '<svg onload="document.title=2"></svg>';
    await runner.site.addInputs(id, { from: 0, inputs: [DOT, Buffer.from(markup)], last: true });
    await follow('Overview');
    await page.getByRole('link', { name: 'shown' }).click();
    const picture = page.locator('main img');
    await expect.poll(() => picture.count(), { timeout: 30_000 }).toBe(1);
    expect(await picture.getAttribute('src')).toMatch(/^blob:/);
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1);
    await page.getByLabel('Task', { exact: true }).selectOption('1');
    await expect.poll(main).toContain(markup);
    expect([await picture.count(), await page.locator('main svg[onload]').count(), await page.title()]).toEqual([
      0,
      0,
      'Lodger',
    ]);
    expect(await wrongs(page)).toEqual([]);
    await follow('Overview');
  });

  test('asks before it cancels a job, and keeps it where the answer is no', async () => {
    await page.getByRole('link', { name: /onerror/ }).click();
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('button', { name: 'Keep it running' }).click();
    await expect.poll(main).toContain('under way');
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
    await expect.poll(main).toContain('cancelled');
  });

  test('shows the host of the site, and why it has no work', async () => {
    await follow('Hosts');
    await page.getByRole('link', { name: 'this site' }).click();
    await expect.poll(main).toContain('a desktop');
    await expect.poll(main, { timeout: 20_000 }).toContain('there are no jobs');
    expect(await wrongs(page)).toEqual([]);
  });

  test('says what a policy would stop before it is pushed, and pushes it', async () => {
    const digest = await runner.site.putBlob(await readFile(join(ROOT, 'dist/kernels/echo.wasm')), soon());
    const { id } = await runner.site.ask('submit', { json: { version: 1, name: 'waiting', kernel: digest } });
    await follow('Policy');
    await expect.poll(main, { timeout: 10_000 }).toContain('No host would have less to do');
    const shown = ['Memory a task', 'Time a task'].map((label) => page.getByLabel(label).inputValue());
    expect(await Promise.all(shown)).toEqual(['4GiB', '168h']);
    await page.getByLabel('Memory a task').fill('64 bananas');
    await expect.poll(main).toContain('One field needs mending');
    await page.getByLabel('Memory a task').fill('64MiB');
    await expect.poll(main).not.toContain('One field needs mending');
    await expect.poll(main, { timeout: 10_000 }).toContain('policy allows memoryBytesMax up to 64 MiB');
    expect(await wrongs(page)).toEqual([]);
    await runner.site.ask('cancel', { params: { job: id } });
    await page.getByRole('button', { name: 'Push policy' }).click();
    await expect.poll(main).toContain('was pushed to every host');
    const { policy } = await runner.site.ask('policy', {});
    expect(policy.limits.memoryBytesMax).toBe(64 * 2 ** 20);
  });

  test('makes an account and a token for it, which is shown once', async () => {
    await follow('Accounts');
    await page.getByLabel('A new account').fill('ann');
    await page.getByRole('button', { name: 'Make it' }).click();
    const card = page.locator('section', { has: page.getByRole('heading', { name: 'ann' }) });
    await card.getByRole('button', { name: 'New submitter token' }).click();
    await expect.poll(main).toContain('shown this once');
    const told = page.locator('section', { has: page.getByRole('heading', { name: /A new token/ }) });
    const token = (await told.locator('code').textContent()) ?? '';
    const ann = await connect(site.url, token);
    expect(await ann.site.ask('who', {})).toMatchObject({ account: 'ann', role: 'submitter' });
    await ann.close();
    await page.getByRole('button', { name: 'I have it' }).click();
    await expect.poll(main).not.toContain(token);
    expect(await wrongs(page)).toEqual([]);
  });

  test('changes the quotas of an account', async () => {
    await follow('Accounts');
    const account = page.locator('section', { has: page.getByRole('heading', { name: 'ann' }) });
    await account.getByRole('button', { name: 'Change quotas' }).click();
    await account.getByLabel('Tasks queued at most').fill('1234567');
    expect(await wrongs(page)).toEqual([]);
    await account.getByRole('button', { name: 'Save quotas' }).click();
    await expect.poll(() => account.textContent()).toContain('0 of 1.23 M');
  });

  test("shows the site's own figures, and leads to all of its metrics", async () => {
    await follow('Overview');
    await expect.poll(main).toContain('Key that signs receipts');
    const address = await page.getByRole('link', { name: /All metrics/ }).getAttribute('href');
    const answer = await page.request.get(new URL(address ?? '', site.url).href);
    expect(await answer.text()).toContain('lodger_tasks_per_second');
  });

  test.each(['light', 'dark'] as const)('fits a phone and keeps its contrast when it is %s', async (theme) => {
    await page.getByRole('radio', { name: theme === 'light' ? 'Light' : 'Dark' }).check({ force: true });
    await page.setViewportSize(PHONE);
    for (const name of ['Overview', 'Submit a job', 'Hosts', 'Sites', 'Policy', 'Accounts']) {
      await follow(name);
      await page.waitForTimeout(300);
      const [wide, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect({ name, wide }).toEqual({ name, wide: there });
      expect(await wrongs(page)).toEqual([]);
    }
    await page.setViewportSize(DESKTOP);
  });
});

test('the page of a tab has nothing that keeps anybody out, on a phone and a desktop, light and dark', async () => {
  const visitor = await browser.newContext();
  const join_ = await visitor.newPage();
  for (const viewport of [PHONE, DESKTOP]) {
    await join_.setViewportSize(viewport);
    await join_.goto(`${site.url}/join`);
    for (const theme of ['Light', 'Dark']) {
      await join_.getByRole('radio', { name: theme }).check({ force: true });
      expect(await wrongs(join_)).toEqual([]);
    }
    await join_.getByRole('button', { name: 'Start lending' }).click();
    await expect.poll(() => join_.textContent('main')).toContain('What you lend');
    expect(await wrongs(join_)).toEqual([]);
    expect(await join_.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
  }
  await visitor.close();
});

/** An output, as the page shows it: from the site itself. */
async function outputOf(task: string): Promise<string> {
  const [job] = (await runner.site.ask('jobs', {})).filter(({ name }) => name === 'align');
  for await (const outcome of runner.site.outcomes(job?.id ?? '', Number(task), AbortSignal.timeout(20_000)))
    return Buffer.from(outcome.output as Uint8Array).toString('utf8');
  return '';
}
