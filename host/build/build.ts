// AssemblyScript in, kernel out: the compiler as a library, with the project's own options, library and transforms.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { check, oneOf } from '../../runtime/base/schema.ts';
import { fileError, writeWhole } from '../jobs/files.ts';
import { compile, type Load } from './compile.ts';

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

const path = () => v.pipe(v.string('a path'), v.minLength(1, 'a path'));
const BuildOptionsSchema = v.strictObject({
  source: path(),
  target: v.exactOptional(oneOf(['release', 'debug'])),
  runtime: v.exactOptional(oneOf(['stub', 'minimal', 'incremental'])),
  out: v.exactOptional(path()),
});

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
 * Throws `ERR_OPTION_INVALID`, `ERR_FILE`, `ERR_BUILD_FAILED` with `file:line:column` and text, `ERR_PEER_MISSING` without assemblyscript.
 * `load` imports a package by name; tests put another in its place.
 */
export async function buildKernel(options: BuildOptions, load: Load = (name) => import(name)): Promise<Built> {
  const { source, target = 'release', runtime = 'stub', out } = check(BuildOptionsSchema, options);
  const name = basename(out ?? 'kernel.wasm');
  const { wasm, map, warnings } = await compile({ file: await entryOf(source), target, runtime, name }, load);
  const built = {
    wasm,
    digest: createHash('sha256').update(wasm).digest('hex'),
    warnings,
    ...(map !== undefined && { map }),
  };
  if (out === undefined) return built;

  if (map !== undefined) await writeWhole(`${out}.map`, map);
  await writeWhole(out, wasm);
  return { ...built, path: resolve(out) };
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
