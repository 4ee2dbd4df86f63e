// Builds the project's own kernels, `kernels/<name>/kernel.ts` -> `dist/kernels/<name>.wasm`, and compares their digests with
// `kernels/digests.json`. Run at the end of `npm run build`; with `--update` it writes the digests instead of comparing them.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../kernels/transform/library.ts';
import { writeWhole } from '../jobs/files.ts';
import { buildKernel } from './build.ts';
import { ASC_VERSION } from './compile.ts';

/** Kernel name -> SHA-256 of its bytes, lower-case hex. */
export type Digests = Readonly<Record<string, string>>;

/** The names of the project's kernels, sorted: the folders with a kernel. `lib` has a file of that name, too, the library's door. */
export async function projectKernels(root: string): Promise<readonly string[]> {
  const names = await readdir(join(root, 'kernels'));
  return names.filter((name) => name !== 'lib' && existsSync(join(root, 'kernels', name, 'kernel.ts'))).sort();
}

/** Builds one kernel of the project; `out` says where it goes, if anywhere. Gives its digest. */
export async function buildProjectKernel(root: string, name: string, out?: string): Promise<string> {
  const built = await buildKernel({
    source: join(root, 'kernels', name, 'kernel.ts'),
    ...(out !== undefined && { out }),
  });
  return built.digest;
}

/** The committed digests. */
export async function committedDigests(root: string): Promise<Digests> {
  return JSON.parse(await readFile(join(root, 'kernels', 'digests.json'), 'utf8')) as Digests;
}

async function main(update: boolean): Promise<void> {
  const root = packageRoot();
  const dist = join(root, 'dist', 'kernels');
  const stampFile = join(dist, 'built.json');
  // What each kernel was made from, so that those that have not changed are left alone.
  const stamps: Record<string, string> = JSON.parse(await readFile(stampFile, 'utf8').catch(() => '{}'));
  const digests: Record<string, string> = {};

  for (const name of await projectKernels(root)) {
    const out = join(dist, `${name}.wasm`);
    const inputs = await digestInputs(root, name);
    const kept = stamps[name] === inputs ? await readFile(out).catch(() => undefined) : undefined;
    digests[name] = kept ? digestOf(kept) : await buildProjectKernel(root, name, out);
    stamps[name] = inputs;
  }
  await writeWhole(stampFile, JSON.stringify(stamps));
  if (update) await writeWhole(join(root, 'kernels', 'digests.json'), `${JSON.stringify(digests, null, 2)}\n`);
  else await compare(digests, await committedDigests(root));
}

async function compare(digests: Digests, committed: Digests): Promise<void> {
  for (const [name, digest] of Object.entries(digests)) {
    if (committed[name] === digest) continue;
    const known = committed[name] ?? 'nothing';
    process.stderr.write(`kernel ${name} has digest ${digest}, kernels/digests.json says ${known}\n`);
  }
}

/** One digest of everything that a kernel is made from. */
async function digestInputs(root: string, name: string): Promise<string> {
  const hash = createHash('sha256').update(ASC_VERSION);
  const parts = ['asconfig.json', 'kernels/lib', 'kernels/transform', 'host/build/compile.ts', `kernels/${name}`];
  for (const part of parts) {
    for (const path of await sourcesBelow(join(root, part))) {
      hash.update(`\0${relative(root, path)}\0`).update(await readFile(path));
    }
  }
  return hash.digest('hex');
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The files at or below a path that take part in a build. */
async function sourcesBelow(path: string): Promise<readonly string[]> {
  if (/\.(?:ts|json)$/.test(path)) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--update'));
