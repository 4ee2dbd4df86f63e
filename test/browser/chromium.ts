// A real browser for tests, from npm: Chromium without a window, kept from everything but this machine.
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import Chromium from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';
import { textOf } from '../project/files.ts';

const version = JSON.parse(textOf('package.json')).devDependencies['@sparticuz/chromium'] as string;

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** The program's path: one given in LODGER_CHROMIUM, or the one in the package, unpacked once a version. */
export async function chromiumPath(): Promise<string> {
  const given = process.env['LODGER_CHROMIUM'];
  if (given !== undefined) return given;
  const before = process.env['TMPDIR'];
  const folder = join(tmpdir(), `lodger-chromium-${version}`);
  await mkdir(folder, { recursive: true });
  // The package unpacks into the folder for temporary files, and takes whatever lies there for its own.
  process.env['TMPDIR'] = folder;
  try {
    return await Chromium.executablePath();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

/** Starts one; the caller closes it. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await chromiumPath(), headless: true, args: FLAGS });
}
