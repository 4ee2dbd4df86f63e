// The guest's library as texts: handed to the compiler as `~lib/lodger/*`, so that it is found wherever an author's folder lies.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's own folder, found upwards from this file: it runs from the sources and from `dist/` alike. */
export function packageRoot(): string {
  let folder = new URL('./', import.meta.url);
  while (!existsSync(new URL('kernels/lib/kernel.ts', folder))) {
    const parent = new URL('../', folder);
    if (parent.href === folder.href)
      throw new Error('the package lodger is incomplete: kernels/lib/kernel.ts is missing');
    folder = parent;
  }
  return fileURLToPath(folder);
}

/** Path below `~lib/` without suffix -> text, for every file of `kernels/lib`. */
export function libraryTexts(): Readonly<Record<string, string>> {
  const folder = `${packageRoot()}/kernels/lib`;
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  return Object.fromEntries(
    files.map((name) => [
      `lodger/${name.slice(0, -3)}`,
      readFileSync(`${folder}/${name}`, 'utf8').replaceAll('\r\n', '\n'),
    ]),
  );
}
