// `lodger new`: a small kernel to start from, with a test, a job file and what editors need. Its files are in `kernels/template`.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { packageRoot } from '../../kernels/transform/library.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { fileError, writeWhole } from '../jobs/files.ts';
import { VERSION } from '../platform/version.ts';
import { ASC_VERSION } from './compile.ts';

/**
 * Writes a kernel's files to a folder, which must not exist or be empty. Gives their absolute paths.
 * Throws `ERR_FILE`; nothing is overwritten.
 */
export async function newKernel(dir: string): Promise<readonly string[]> {
  const folder = resolve(dir);
  await makeEmpty(dir, folder);

  const filled: Readonly<Record<string, string>> = { NAME: nameOf(folder), ASC_VERSION, VERSION };
  const origin = join(packageRoot(), 'kernels', 'template');
  const paths: string[] = [];
  for (const file of await filesIn(origin)) {
    const text = await readFile(join(origin, file), 'utf8');
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(
      path,
      text.replace(/\b(?:NAME|ASC_VERSION|VERSION)\b/g, (word) => filled[word] ?? word),
    );
    paths.push(path);
  }
  return paths;
}

/** Paths of all files below a folder. */
async function filesIn(origin: string): Promise<readonly string[]> {
  const entries = await readdir(origin, { recursive: true, withFileTypes: true });
  // Node 20 calls the folder `path`, later versions `parentPath`.
  const folderOf = (entry: { path?: string; parentPath?: string }) => entry.parentPath ?? entry.path ?? origin;
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(origin, join(folderOf(entry), entry.name))).sort();
}

async function makeEmpty(dir: string, folder: string): Promise<void> {
  let found: string[];
  try {
    await mkdir(folder, { recursive: true });
    found = await readdir(folder);
  } catch (error) {
    throw fileError('write', dir, error);
  }
  if (found.length > 0) throw new LodgerError('ERR_FILE', ['make a kernel in', dir, 'the folder is not empty']);
}

/** The folder's name as a package may be called. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|[._-]+$/g, '');
  return name === '' ? 'kernel' : name;
}
