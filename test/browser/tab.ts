// A tab for tests: a server on this machine that sends the headers of a site, and a page whose I/O worker does what it is told.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { bundle } from '../../host/build/pages.ts';
import { ROOT } from '../project/files.ts';

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const KERNEL_WORKER = "default-src 'none'";

export interface Tab {
  readonly page: Page;
  readonly origin: string;
  /** Requests that came, as `METHOD /path`. */
  readonly requests: readonly string[];
  do(act: string, given?: object): Promise<never>;
  close(): Promise<void>;
}

export interface TabSettings {
  /** The kernel worker's own header; undefined for none, as a server that was set up wrongly. */
  readonly header?: string | null;
  readonly isolated?: boolean;
  /** What else it serves, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** Opens a tab on a site of its own. */
export async function openTab(
  browser: Browser,
  { header = KERNEL_WORKER, isolated = true, files = {} }: TabSettings = {},
): Promise<Tab> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-tab-'));
  await bundle(ROOT, 'test/browser/tab-script.ts', join(folder, 'tab-script.js'));
  const requests: string[] = [];
  const server = createServer(async ({ method, url = '/' }, response) => {
    requests.push(`${method} ${url}`);
    const bytes = url === '/' ? PAGE : (files[url] ?? (await readFile(fileAt(url, folder)).catch(() => undefined)));
    response.writeHead(bytes ? 200 : 404, {
      'content-type': typeOf(url),
      ...(isolated && { ...ISOLATED, 'cross-origin-resource-policy': 'same-origin' }),
      ...(url.endsWith('kernel-worker.js') && header !== null && { 'content-security-policy': header }),
    });
    response.end(bytes);
  });
  const origin = await listen(server);
  const page = await browser.newPage();
  await page.goto(origin);
  await page.evaluate(() => {
    const worker = new Worker('/tab-script.js');
    const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
    worker.onmessage = ({ data }) => {
      const { resolve, reject } = waiting.get(data.id) as never as {
        resolve(v: unknown): void;
        reject(e: unknown): void;
      };
      if (data.error) reject(new Error(`${data.error.code}: ${data.error.message}`));
      else resolve(data.value);
    };
    let next = 0;
    Object.assign(globalThis, {
      act: (name: string, given: object) =>
        new Promise((resolve, reject) => {
          const id = next++;
          waiting.set(id, { resolve, reject });
          worker.postMessage({ id, act: name, given });
        }),
    });
  });
  return {
    page,
    origin,
    requests,
    do: (act, given = {}) =>
      page.evaluate(
        ([name, what]) => (globalThis as never as { act(n: string, g: object): Promise<never> }).act(name, what),
        [act, given] as const,
      ),
    close: async () => {
      await page.close();
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

const PAGE = Buffer.from('<!doctype html><title>tab</title>');

function fileAt(url: string, folder: string): string {
  const built = '/browser/';
  return url.startsWith(built)
    ? join(ROOT, 'dist/host/pages/browser', url.slice(built.length))
    : join(folder, url.slice(1));
}

function typeOf(url: string): string {
  if (url === '/') return 'text/html';
  return url.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
