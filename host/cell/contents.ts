// What a cell's root holds: Node, the libraries it has loaded, this package and the few others that run inside.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { LodgerError } from '../../runtime/base/errors.ts';
import { LIBRARY, LIBRARY_PACKAGE, ROOT } from '../platform/native.ts';

/** Packages that run in a cell. The others are the command line's, or the compiler's. */
const PACKAGES = ['@noble/ciphers', '@noble/hashes', 'env-paths', 'msgpackr', 'piscina', 'valibot'];

/** The program of a cell. */
export const PROGRAM = join(ROOT, 'dist', 'host', 'cell', 'main.js');

/** Node itself, by the path under which it is in a cell. */
export const NODE = realpathSync(process.execPath);

let known: readonly string[] | undefined;

/** The files and folders that can be read in a cell, by their paths outside, which are the same inside. */
export function contents(): readonly string[] {
  known ??= [
    NODE,
    ...libraries(),
    join(ROOT, 'package.json'),
    join(ROOT, 'dist', 'runtime'),
    join(ROOT, 'dist', 'host'),
    ...[existsSync(LIBRARY) ? LIBRARY : find(LIBRARY_PACKAGE)].filter((path) => path !== undefined),
    ...PACKAGES.map(folderOf),
  ];
  return known;
}

/** Shared libraries of this process, but for native addons: a cell loads one of those, by its own path. */
function libraries(): readonly string[] {
  const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  return sharedObjects.filter((path) => path !== NODE && /\.so(?:\.|$)/.test(path) && existsSync(path));
}

function folderOf(name: string): string {
  const path = find(name);
  if (path === undefined) throw new LodgerError('ERR_HOST_FAULT', [`the package "${name}" is not installed`]);
  return path;
}

/** Where Node looks for a package from here. It may be a link; inside, the package itself is at its place. */
function find(name: string): string | undefined {
  for (let folder = ROOT; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}
