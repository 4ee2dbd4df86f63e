// Takes away the type declarations that no door of the package leads to: nobody can import them.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../kernels/transform/library.ts';

const TYPES = '.d.ts';
const BUILT = ['dist/runtime', 'dist/host', 'dist/kernels'];

/** Removes them below the package's folder; the number of files that went. */
export function pruneTypes(root: string): number {
  const { exports: doors } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: unknown;
  };
  const reached = reachedFrom(doorsIn(doors).map((door) => join(root, door)));
  const all = BUILT.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(root, folder, path)),
  );
  const others = all.filter((path) => path.endsWith(TYPES) && !reached.has(path));
  for (const path of others) rmSync(path);
  return others.length;
}

/** The declarations that `exports` of a package.json names, at whatever depth. */
function doorsIn(doors: unknown): string[] {
  if (typeof doors === 'string') return doors.endsWith(TYPES) ? [doors] : [];
  return typeof doors === 'object' && doors !== null ? Object.values(doors).flatMap(doorsIn) : [];
}

function reachedFrom(doors: readonly string[]): ReadonlySet<string> {
  const reached = new Set(doors);
  for (const path of reached) {
    for (const [, from] of readFileSync(path, 'utf8').matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*["'](\.[^"']+)["']/g))
      reached.add(normalize(join(dirname(path), (from as string).replace(/\.[jt]s$/, TYPES))));
  }
  return reached;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) pruneTypes(packageRoot());
