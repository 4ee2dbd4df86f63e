// Bundles the module of a pool's threads: one file instead of a hundred takes a third of the time to load, and leaves a small heap, which
// V8 looks through whenever the guests of the thread have used some megabytes of memory. Run by `npm run build`.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import { packageRoot } from '../../kernels/transform/library.ts';

const THREAD = 'host/pool/thread.ts';

/** Of what is imported and not used, nothing is kept: no module does anything when it is loaded. */
const treeshake = { moduleSideEffects: false } as const;

async function bundleThread(root: string): Promise<void> {
  await build({
    ...{ root, configFile: false, logLevel: 'warn', envDir: false, plugins: [licences(root)] },
    ssr: { noExternal: true },
    build: {
      ssr: join(root, THREAD),
      target: 'node20',
      minify: true,
      outDir: join(root, 'dist', 'host', 'pool'),
      emptyOutDir: false,
      copyPublicDir: false,
      rolldownOptions: { treeshake, output: { entryFileNames: 'thread-bundle.js', codeSplitting: false } },
    },
  });
}

/** Puts the licences of the packages that are in a file at its end. */
function licences(root: string): Plugin {
  const packageOf = /[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/;
  return {
    name: 'licences',
    generateBundle: async (_, files) => {
      for (const file of Object.values(files)) {
        if (file.type !== 'chunk') continue;
        const names = new Set(Object.keys(file.modules).flatMap((id) => packageOf.exec(id)?.[1] ?? []));
        for (const name of names) {
          const text = await licenceOf(join(root, 'node_modules', name));
          file.code += `/*! ${name}\n${text.replaceAll('*/', '* /')}*/\n`;
        }
      }
    },
  };
}

async function licenceOf(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (name === undefined) throw new Error(`${folder} has no licence`);
  return readFile(join(folder, name), 'utf8');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleThread(packageRoot());
