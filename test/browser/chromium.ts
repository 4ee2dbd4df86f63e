// A real browser for tests, driven by Playwright.
import { type Browser, chromium } from 'playwright-core';
import { chromiumPath, FLAGS } from '../../bench/chromium.ts';

/** Starts one; the caller closes it. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await chromiumPath(), headless: true, args: FLAGS });
}
