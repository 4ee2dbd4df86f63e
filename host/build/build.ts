// AssemblyScript in, kernel out: the compiler as a library, with the project's own options, library and transforms.
import { createHash } from 'node:crypto';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { type Compiled, compile, type Load } from './compile.ts';

export interface BuildOptions {
  /** A source file, or a folder with `kernel.ts` or `index.ts`. */
  readonly source: string;
  /** `release` (default): optimised. `debug`: with names and a source map, not optimised. */
  readonly target?: 'release' | 'debug';
  /** `stub` (default) never frees: right for an instance a task. `minimal` and `incremental` collect garbage. */
  readonly runtime?: 'stub' | 'minimal' | 'incremental';
  /** Where the kernel is written; a debug build's source map goes beside it as `<out>.map`. Without it nothing is written. */
  readonly out?: string;
}

export interface Built {
  readonly wasm: Uint8Array;
  /** Absolute path, when `out` was given. */
  readonly path?: string;
  readonly digest: Digest;
  /** The source map, JSON, of a debug build. */
  readonly map?: string;
  /** What the compiler says without refusing, each as `file:line:column: text`. */
  readonly warnings: readonly string[];
}

/**
 * Compiles a kernel. The same source gives the same bytes in any folder and on any machine.
 * Throws `ERR_FILE`, `ERR_BUILD_FAILED` with `file:line:column` and text, `ERR_PEER_MISSING` without assemblyscript.
 * `load` imports a package by name; tests put another in its place.
 */
export async function buildKernel(options: BuildOptions, load: Load = (name) => import(name)): Promise<Built> {
  const { target = 'release', runtime = 'stub', out } = options;
  const file = await entryOf(options.source);
  const name = basename(out ?? 'kernel.wasm');
  const { wasm, map, warnings }: Compiled = await compile({ file, target, runtime, name }, load);
  const built = {
    wasm,
    digest: createHash('sha256').update(wasm).digest('hex'),
    warnings,
    ...(map !== undefined && { map }),
  };
  if (out === undefined) return built;

  const path = resolve(out);
  if (map !== undefined) await writeWhole(`${path}.map`, map);
  await writeWhole(path, wasm);
  return { ...built, path };
}

/** Writes a file under a passing name and gives it its own when it is whole. Throws `ERR_FILE`. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const passing = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeFile(passing, content);
    await rename(passing, path);
  } catch (error) {
    await rm(passing, { force: true });
    throw fileError('write', path, error);
  }
}

async function entryOf(source: string): Promise<string> {
  const found = await stat(source).catch((error: unknown) => {
    throw fileError('read', source, error);
  });
  if (!found.isDirectory()) {
    if (source.endsWith('.ts')) return source;
    throw new LodgerError('ERR_FILE', ['build', source, 'a kernel in AssemblyScript ends in .ts']);
  }
  for (const name of ['kernel.ts', 'index.ts']) {
    const file = join(source, name);
    const entry = await stat(file).catch(() => undefined);
    if (entry?.isFile()) return file;
  }
  throw new LodgerError('ERR_FILE', ['build', source, 'it has neither kernel.ts nor index.ts']);
}

function fileError(verb: string, path: string, cause: unknown): LodgerError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const reason = code === 'ENOENT' ? 'no such file or folder' : cause instanceof Error ? cause.message : String(cause);
  return new LodgerError('ERR_FILE', [verb, path, reason], { cause });
}
