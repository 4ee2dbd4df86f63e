// Bundles modules of the project into files of few modules: what many files take to load, one takes a third of.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';

/** What a bundle is made of and where it goes. */
export interface Bundle {
  /** The first module, from the project's folder. */
  readonly entry: string;
  /** The folder of what is made, from the project's folder. */
  readonly folder: string;
  /** Packages that are bundled, too; others are loaded from where they are installed. */
  readonly packages: readonly string[] | 'all';
  /** Module -> what is in its place there; paths from the project's folder. */
  readonly replaced?: Readonly<Record<string, string>>;
  /** Names of files, and their form, as Rolldown has them. */
  readonly output: {
    readonly format: 'es' | 'cjs';
    readonly entryFileNames: string;
    readonly chunkFileNames?: string;
    readonly codeSplitting?: false | { groups: { name: string; minShareCount: number; test: RegExp }[] };
  };
}

/** Of what is imported and not used, nothing is kept: no module does anything when it is loaded. */
const treeshake = { moduleSideEffects: false } as const;

export async function bundle(root: string, { entry, folder, packages, replaced = {}, output }: Bundle): Promise<void> {
  await build({
    ...{
      root,
      configFile: false,
      logLevel: 'warn',
      envDir: false,
      plugins: [replacing(root, replaced), licences(root)],
    },
    ssr: { noExternal: packages === 'all' ? true : [...packages] },
    build: {
      ssr: join(root, entry),
      target: 'node20',
      minify: true,
      outDir: join(root, folder),
      emptyOutDir: false,
      copyPublicDir: false,
      rolldownOptions: {
        treeshake,
        // Some modules are always there that others load when they need them.
        checks: { ineffectiveDynamicImport: false },
        output,
      },
    },
  });
}

/** Loads other modules in the place of some; paths from the project's folder. */
export function replacing(root: string, modules: Readonly<Record<string, string>>): Plugin {
  const places = new Map(Object.entries(modules).map(([from, to]) => [join(root, from), join(root, to)]));
  const resolveId = (id: string, importer: string | undefined) =>
    importer === undefined ? undefined : places.get(join(importer, '..', id));
  return { name: 'replacing', enforce: 'pre', resolveId };
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
