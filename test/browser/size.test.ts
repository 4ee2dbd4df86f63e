// What the pages of a site send: within bounds, packed, and each part once.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { NOT_OF_TABS } from '../../host/build/pages.ts';
import { startSite } from '../client/process.ts';
import { ROOT } from '../project/files.ts';

const KB = 1_000;
const PAGES = join(ROOT, 'dist/host/pages');
const packed = (paths: readonly string[]) =>
  paths.reduce((sum, path) => sum + gzipSync(readFileSync(join(PAGES, path)), { level: 9 }).byteLength, 0);
const scripts = (folder: string) =>
  readdirSync(join(PAGES, folder))
    .filter((name) => name.endsWith('.js'))
    .map((name) => `${folder}/${name}`);
/** A browser asks for no other as long as kernels are plain and the server sends its headers: `visit.test.ts` sees to that. */
const PAGE = scripts('join/assets').filter((path) => path.includes('/index-'));
const WORKERS = ['browser/io-worker.js', 'browser/kernel-worker.js'];
const AT_ONCE = [...PAGE, ...WORKERS];
/** What admits and prepares kernels, for those who do not have their scripts from the site. */
const READERS = /\/(?:own-kernels|admit|read|reading|component|open|preview1|remedies|bounds)\.js$/;
const LATE = [...scripts('join/assets'), ...scripts('browser')].filter((path) => !AT_ONCE.includes(path));

test.each([
  ['a visitor reads before anything runs', PAGE, 13],
  ['a volunteer is sent', AT_ONCE, 50],
  ['few visits load beside it', LATE.filter((path) => !READERS.test(path)), 42],
  ['pages of others load to prepare kernels', LATE.filter((path) => READERS.test(path)), 52],
  ['an operator is sent', scripts('console/assets'), 120],
])('the JavaScript that %s is bounded', (_, paths, most) => {
  expect(packed(paths)).toBeLessThanOrEqual(most * KB);
});

test('kernel workers load nothing, and the I/O worker at once nothing but a kernel worker', () => {
  const importsOf = (name: string) =>
    [
      ...readFileSync(join(PAGES, 'browser', name), 'utf8').matchAll(
        /\bimport\s*(?:\{[^}]*\}\s*from\s*)?["']([^"']+)["']/g,
      ),
    ].map(([, from]) => from);
  for (const name of ['kernel-worker.js', 'whole-kernel-worker.js']) {
    expect(importsOf(name)).toEqual([]);
    expect(readFileSync(join(PAGES, 'browser', name), 'utf8')).not.toMatch(/\bimport\(["'`]\./);
  }
  expect(importsOf('io-worker.js')).toEqual(['./kernel-worker.js']);
});

test('errors whose texts no worker of a tab has are raised in none', () => {
  for (const name of readdirSync(join(PAGES, 'browser'))) {
    const script = readFileSync(join(PAGES, 'browser', name), 'utf8');
    for (const code of NOT_OF_TABS)
      expect(script.replaceAll(`${code}:{`, '').includes(code), `${code} in ${name}`).toBe(false);
  }
});

test('scripts go over the wire packed, to those who unpack them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-size-'));
  const site = await startSite(['--data', join(folder, 'site'), '--listen', '127.0.0.1:0']);
  const path = '/browser/io-worker.js';
  const [plain, small] = [await get(site.url + path), await get(site.url + path, { 'accept-encoding': 'br, gzip' })];
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(small.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
  expect(small.body.byteLength).toBeLessThan(plain.body.byteLength / 2);
  expect(gunzipSync(small.body).equals(plain.body)).toBe(true);
  const again = await get(site.url + path, { 'if-none-match': String(small.headers.etag) });
  expect(again.status).toBe(304);
  await site.kill();
  await rm(folder, { recursive: true });
});

/** As it comes over the wire. */
function get(url: string, headers = {}) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      const asked = request(url, { headers }, async (answer) => {
        const parts: Buffer[] = [];
        for await (const part of answer) parts.push(part);
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) });
      });
      asked.on('error', reject).end();
    },
  );
}
