// AssemblyScript in, kernel out: the compiler as a library, with the project's own options, library and transforms.
import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { LoopReport } from '../../kernels/transform/lift/report.ts';
import { readPayload } from '../../runtime/admit/payload.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { check, oneOf } from '../../runtime/base/schema.ts';
import { declarationsOf } from '../../runtime/payload/declare.ts';
import { readSections } from '../../runtime/wasm/sections.ts';
import { fileError, writeWhole } from '../jobs/files.ts';
import { compile, type Load, loadInstalled } from './compile.ts';

export interface BuildOptions {
  /** A source file, or a folder with `kernel.ts` or `index.ts`. */
  readonly source: string;
  /** `release` (default): optimised. `debug`: with names and a source map, not optimised. */
  readonly target?: 'release' | 'debug';
  /** `stub` (default) never frees: right for an instance a task. `minimal` and `incremental` collect garbage. */
  readonly runtime?: 'stub' | 'minimal' | 'incremental';
  /**
   * Whether loops over arrays run without checks where they can be proven before the loop: true by default, in a release build.
   * What a kernel means is the same either way, its bytes and its fuel are not.
   */
  readonly lift?: boolean;
  /**
   * Where the kernel is written; beside it go a debug build's source map, `<out>.map`, and a typed kernel's declarations,
   * `<out>.d.ts`. Without it nothing is written.
   */
  readonly out?: string;
}

const path = () => v.pipe(v.string('a path'), v.minLength(1, 'a path'));
const BuildOptionsSchema = v.strictObject({
  source: path(),
  target: v.exactOptional(oneOf(['release', 'debug'])),
  runtime: v.exactOptional(oneOf(['stub', 'minimal', 'incremental'])),
  lift: v.exactOptional(v.boolean('true or false')),
  out: v.exactOptional(path()),
});

export interface Built {
  readonly wasm: Uint8Array;
  /** Absolute path, when `out` was given. */
  readonly path?: string;
  readonly digest: Digest;
  /** The source map, JSON, of a debug build. */
  readonly map?: string;
  /** Of a typed kernel: its `Input` and `Output` in TypeScript. */
  readonly declarations?: string;
  /** What the compiler says without refusing, each as `file:line:column: text`. */
  readonly warnings: readonly string[];
  /** What became of each innermost `for` of the author's that is compiled; nothing without `lift`, or in a debug build. */
  readonly loops: readonly LoopReport[];
}

/**
 * Compiles a kernel. The same source gives the same bytes in any folder and on any machine.
 * Throws `ERR_OPTION_INVALID`, `ERR_FILE`, `ERR_BUILD_FAILED` with `file:line:column` and text, `ERR_PEER_MISSING` without assemblyscript.
 * `load` imports a package by name; tests put another in its place.
 */
export async function buildKernel(options: BuildOptions, load: Load = loadInstalled): Promise<Built> {
  const { source, target = 'release', runtime = 'stub', lift = true, out } = check(BuildOptionsSchema, options);
  const name = basename(out ?? 'kernel.wasm');
  const file = await entryOf(source);
  const { wasm, map, warnings, loops } = await compile({ file, target, runtime, name, lift }, load);
  const declarations = await declare(wasm, name);
  const built = {
    wasm,
    digest: createHash('sha256').update(wasm).digest('hex'),
    warnings,
    loops,
    ...(map !== undefined && { map }),
    ...(declarations !== undefined && { declarations }),
  };
  if (out === undefined) return built;

  if (map !== undefined) await writeWhole(`${out}.map`, map);
  if (declarations !== undefined) await writeWhole(`${out}.d.ts`, declarations);
  else await removeDeclarations(`${out}.d.ts`);
  await writeWhole(out, wasm);
  return { ...built, path: resolve(out) };
}

const WRITTEN = '// Written by lodger build';

/** The declarations file of a typed kernel. Named after the whole file name, it is in nobody's way, not even a source's beside it. */
async function declare(wasm: Uint8Array, name: string): Promise<string | undefined> {
  const typed = await readPayload(wasm, readSections(wasm).customs);
  if (typed === undefined) return undefined;
  const use = `import type { Input, Output } from './${name}.js';`;
  return `${WRITTEN}: what ${name} takes and gives. ${use}\n\n${declarationsOf(typed.payload)}`;
}

/** A kernel that is not typed any more has no declarations; a file of somebody else's stays. */
async function removeDeclarations(path: string): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => '');
  if (before.startsWith(WRITTEN)) await rm(path, { force: true });
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
