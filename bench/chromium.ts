// A real browser from npm, for tests and benchmarks: Chromium without a window, kept from everything but this machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import Chromium from '@sparticuz/chromium';
import { packageRoot } from '../kernels/transform/library.ts';

export const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** The program's path: one given in LODGER_CHROMIUM, or the one in the package, unpacked once a version. */
export async function chromiumPath(): Promise<string> {
  const given = process.env['LODGER_CHROMIUM'];
  if (given !== undefined) return given;
  const { devDependencies } = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8'));
  const before = process.env['TMPDIR'];
  const folder = join(tmpdir(), `lodger-chromium-${devDependencies['@sparticuz/chromium']}`);
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

export interface PlainChromium {
  readonly pid: number;
  close(): Promise<void>;
}

/** Opens a page in a browser with nothing kept from before, and nobody looking on: whoever drives it slows its messages several times. */
export async function openChromium(url: string): Promise<PlainChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'lodger-profile-'));
  const child: ChildProcess = spawn(await chromiumPath(), [...FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
  });
  const gone = once(child, 'exit');
  return {
    pid: child.pid as number,
    close: async () => {
      child.kill('SIGKILL');
      await gone;
      // Its other processes end a little later.
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
