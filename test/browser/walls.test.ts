// The walls of kernel workers, tried from inside by a guest that has broken out, while another server counts who connects to it.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBrowser } from './chromium.ts';
import { PROBE } from './probe.ts';
import { openTab, type Tab } from './tab.ts';

/** Ways that are open without the header. */
const WITHOUT = ['fetch of another', 'fetch of the site', 'import of a blob', 'nested worker of the site', 'eval'];

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** It answers nobody: that somebody has connected is all that it tells. */
let canary: Server;
let connections: number;
let tab: Tab;
beforeEach(async () => {
  connections = 0;
  canary = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  canary.listen(0, '127.0.0.1');
  await once(canary, 'listening');
});
afterEach(async () => {
  await tab.close();
  canary.close();
});

const files = { '/probe/kernel-worker.js': Buffer.from(PROBE) };

/** Starts the guest's script as kernel workers are started, and has it try. */
function tried(how: 'worker' | 'module'): Promise<{ tried: number; open: string[] }> {
  const other = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  return tab.page.evaluate(
    ([type, origin]) =>
      new Promise((resolve) => {
        const options: WorkerOptions = type === 'module' ? { type } : {};
        const worker = new Worker('/probe/kernel-worker.js', options);
        // Scripts that it loads on its way speak, too.
        worker.onmessage = ({ data }) => data.tried && resolve(data);
        worker.postMessage([location.origin, origin]);
      }),
    [how, other] as const,
  );
}

describe.each(['worker', 'module'] as const)('a kernel worker that is a %s', (how) => {
  test('has none of 26 ways out, and nobody is connected to', async () => {
    tab = await openTab(browser, { files });
    expect(await tried(how)).toEqual({ tried: 26, open: [] });
    expect(connections).toBe(0);
    expect([...tab.requests].sort()).toEqual(['GET /', 'GET /probe/kernel-worker.js', 'GET /tab-script.js']);
  });

  test('would have them without its header: the same tries get through', async () => {
    tab = await openTab(browser, { files, header: null });
    const { open } = await tried(how);
    expect(open).toEqual(expect.arrayContaining(WITHOUT));
    expect(connections).toBeGreaterThan(0);
  });
});
