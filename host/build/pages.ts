// Bundles what a site serves to browsers, `dist/host/pages`: the scripts of a tab's workers, and the pages. Run at the end of `npm run build`.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build, type InlineConfig } from 'vite';
import { packageRoot } from '../../kernels/transform/library.ts';

/** Script -> its source, in the folder `browser`. Each is one file that loads nothing else: a kernel worker could not. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'io-worker': 'host/browser/io-worker.ts',
  'kernel-worker': 'host/browser/kernel-worker.ts',
  'way-out': 'host/browser/way-out.ts',
};

/** Bundles one script into a file that loads nothing. */
export function bundle(root: string, source: string, outFile: string): Promise<unknown> {
  const config: InlineConfig = {
    ...base(root),
    build: {
      target: 'es2022',
      outDir: join(outFile, '..'),
      emptyOutDir: false,
      copyPublicDir: false,
      lib: {
        entry: join(root, source),
        formats: ['iife'],
        name: 'lodger',
        fileName: () => outFile.split(/[\\/]/).at(-1) as string,
      },
    },
  };
  return build(config);
}

function base(root: string): InlineConfig {
  return { root, configFile: false, logLevel: 'warn', envDir: false };
}

/** Page -> its HTML, and where it finds what it loads: the page of a tab may be copied to any folder of any server. */
const PAGES: Readonly<Record<string, readonly [html: string, base: string]>> = {
  console: ['host/console/index.html', '/console/'],
  join: ['host/browser/page/index.html', './'],
};

async function buildPages(root: string, out: string): Promise<void> {
  for (const [name, [html, place]] of Object.entries(PAGES)) {
    await build({
      ...base(root),
      root: join(root, html, '..'),
      base: place,
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        target: 'es2022',
        outDir: join(out, name),
        emptyOutDir: true,
        modulePreload: false,
        assetsInlineLimit: 0,
      },
    });
  }
}

async function main(): Promise<void> {
  const root = packageRoot();
  const out = join(root, 'dist', 'host', 'pages');
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  for (const [name, source] of Object.entries(SCRIPTS)) await bundle(root, source, join(out, 'browser', `${name}.js`));
  await buildPages(root, out);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
