// Bundles what a site serves to browsers, `dist/host/pages`: the scripts of a tab's workers, and the pages. Run at the end of `npm run build`.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build, type InlineConfig, type Plugin } from 'vite';
import { packageRoot } from '../../kernels/transform/library.ts';
import { replacing } from './bundle.ts';

const KERNEL_WORKER = 'host/browser/kernel-worker.ts';
const WHOLE_WORKER = 'host/browser/whole-kernel-worker.ts';
const IO_WORKER = 'host/browser/io-worker.ts';

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

/** Module -> what is in its place in a tab. */
const OF_TABS = { 'host/wire/codec.ts': 'host/wire/tab-codec.ts' };
/** And what is in a kernel worker for plain kernels. */
const NARROW = {
  'runtime/sandbox/wider.ts': 'host/browser/narrow.ts',
  'runtime/abi/outside.ts': 'host/browser/narrow.ts',
  'runtime/abi/random.ts': 'host/browser/narrow.ts',
};

/** Of ceilings, tabs tell nobody why they are there: a kernel's own are not among these. */
const CEILINGS = ['runtime/base/limits.ts', 'runtime/base/outside.ts', 'host/wire/ceilings.ts'];
const withoutReasons: Plugin = {
  name: 'without-reasons',
  enforce: 'pre',
  transform: (code, id) =>
    CEILINGS.some((path) => id.endsWith(path))
      ? code.replace(/\b(?:unit|reason):\s*('[^']*'|"[^"]*"),?/g, '')
      : undefined,
};

/** Errors that nothing raises in a worker of a tab: their texts are left out. */
export const NOT_OF_TABS = [
  ...['ERR_ANSWER_INVALID', 'ERR_BUILD_FAILED', 'ERR_CELL_ENDED', 'ERR_ENGINE_MISSING', 'ERR_JOB_CANCELLED'],
  'ERR_PEER_MISSING',
] as const;
const withoutTexts: Plugin = {
  name: 'without-texts',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('runtime/base/errors.ts')
      ? code.replace(new RegExp(`\\b(${NOT_OF_TABS.join('|')}): (\\{[^}]*text: )'[^']*'`, 'g'), "$1: $2''")
      : undefined,
};

function base(root: string, ...plugins: Plugin[]): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: 'warn',
    envDir: false,
    plugins: [plainImports, replacing(root, OF_TABS), ...plugins],
  };
}

/** Vite would load style sheets first, of which late parts have none, with code that asks for a window, which workers have not. */
const plainImports: Plugin = {
  name: 'plain-imports',
  enforce: 'pre',
  load: (id) => (id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : undefined),
};

/**
 * The workers of a tab, as modules. A kernel worker loads nothing, since it could not; the I/O worker loads the file of that for plain kernels for
 * what both are made of, so that it is sent once, and what few kernels take when the first of them comes.
 */
async function buildWorkers(root: string, out: string): Promise<void> {
  const [kernel, whole, io] = [join(root, KERNEL_WORKER), join(root, WHOLE_WORKER), join(root, IO_WORKER)];
  const narrow = replacing(root, NARROW);
  const options = {
    ...{ target: 'es2022', outDir: out, emptyOutDir: false, copyPublicDir: false, modulePreload: false },
  } as const;
  // Of what is imported and not used, nothing is kept: no module does anything when it is loaded, but for the workers themselves.
  const treeshake = { moduleSideEffects: (id: string) => [kernel, whole, io, BOTH].includes(id) };
  const alone = { ...options, write: false, rolldownOptions: { treeshake, input: kernel } };
  const parts = new Set<string>();
  const plugin: Plugin = {
    name: 'parts',
    generateBundle: (_, files) => {
      for (const file of Object.values(files))
        if (file.type === 'chunk') for (const id of Object.keys(file.modules)) parts.add(id);
    },
  };
  await build({ ...base(root, withoutReasons, withoutTexts, narrow, plugin), build: alone });
  const names = { entryFileNames: '[name].js', chunkFileNames: '[name].js' };
  const output = {
    ...names,
    codeSplitting: { groups: [{ name: 'kernel-worker', test: (id: string) => parts.has(id) }] },
  };
  const rolldownOptions = { treeshake, input: { 'io-worker': BOTH }, output };
  await build({
    ...base(root, withoutReasons, withoutTexts, narrow, bothOf(kernel, io)),
    build: { ...options, rolldownOptions },
  });
  const all = { treeshake, input: { 'whole-kernel-worker': whole }, output: names };
  await build({ ...base(root, withoutReasons, withoutTexts), build: { ...options, rolldownOptions: all } });
}

/** The I/O worker's file is built from this. */
const BOTH = 'both-workers';

function bothOf(kernel: string, io: string) {
  return {
    name: BOTH,
    resolveId: (id: string) => (id === BOTH ? id : undefined),
    load: (id: string) =>
      id === BOTH ? [kernel, io].map((path) => `import ${JSON.stringify(path)};`).join('') : undefined,
  };
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
  await buildWorkers(root, join(out, 'browser'));
  await bundle(root, 'host/browser/way-out.ts', join(out, 'browser', 'way-out.js'));
  await buildPages(root, out);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
