// Kernels in a tab: the answers and the fuel are those of Node, a worker that could reach anything runs nothing, and who leaves is let go.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ROOT } from '../project/files.ts';
import { openBrowser } from './chromium.ts';
import { openTab } from './tab.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

const kernelOf = async (name: string) => admit(await readFile(join(ROOT, 'dist/kernels', `${name}.wasm`)));

describe('a tab', () => {
  test.each([true, false])(
    'gives the bytes and the fuel of Node (memory shared with kernel workers: %s)',
    async (isolated) => {
      const tab = await openTab(browser, { isolated });
      expect(await tab.do('open', { worker: '/browser/kernel-worker.js', threads: 2 })).toEqual({ isolated });
      const inputs = Array.from({ length: 50 }, (_, n) => Array.from({ length: n }, (__, at) => (n * at) & 255));
      const outcomes = await tab.do('run', { kernel: '/echo.wasm', inputs });
      const wanted = [];
      const job = { kernel: await kernelOf('echo'), inputs: inputs.map((input) => Uint8Array.from(input)) };
      for await (const outcome of createSandbox().map(job))
        wanted.push({
          state: 'done',
          fuel: outcome.receipt.fuel,
          output: outcome.state === 'done' && [...outcome.output],
        });
      expect(outcomes).toEqual(wanted);
      await tab.close();
    },
  );

  test('asks for nothing once its kernel workers run', async () => {
    const tab = await openTab(browser);
    await tab.do('open', { worker: '/browser/kernel-worker.js' });
    expect(tab.requests).toContain('GET /browser/kernel-worker.js');
    expect(tab.requests).not.toContain('GET /browser/way-out.js');
    await tab.close();
  });

  test.each([
    ['no header', null],
    ['a header that lets the site itself through', "default-src 'self'"],
  ])('runs nothing where the kernel worker came with %s', async (_, header) => {
    const tab = await openTab(browser, { header });
    await expect(tab.do('open', { worker: '/browser/kernel-worker.js' })).rejects.toThrow(
      /ERR_ISOLATION_MISSING.*could reach the network by fetch/,
    );
    await tab.close();
  });
});
