// The project's own source files, for tests that look at all of them.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The top folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const FOLDERS = ['runtime', 'host', 'kernels', 'bench', 'test'];
const SOURCE = /\.(?:[cm]?tsx?|[cm]?js|c|h|rs|sh)$/;
/** What cargo makes lies among the sources. */
const MADE = /^runtime\/native\/target\//;

/** Path from the top, with forward slashes -> text. */
export function sourceFiles(): ReadonlyMap<string, string> {
  const below = FOLDERS.flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  );
  const paths = [...readdirSync(ROOT), ...below].map((path) => path.replaceAll('\\', '/'));
  return new Map(paths.filter((path) => SOURCE.test(path) && !MADE.test(path)).map((path) => [path, textOf(path)]));
}

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(ROOT + path, 'utf8').replaceAll('\r\n', '\n');
}
