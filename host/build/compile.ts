// One run of the AssemblyScript compiler, loaded when it is first needed: nobody who only runs kernels has to install it.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { LoopReport } from '../../kernels/transform/lift/report.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { parseSize } from '../../runtime/base/units.ts';

/** Imports a module by its name. */
export type Load = (name: string) => Promise<unknown>;

export interface CompileOptions {
  /** The author's file. */
  readonly file: string;
  /** Its text, where there is no such file: one that is made for the occasion. */
  readonly text?: string;
  readonly target: 'release' | 'debug';
  readonly runtime: 'stub' | 'minimal' | 'incremental';
  /** The file name of the binary, which a debug build keeps for its source map. */
  readonly name: string;
  /** Whether the loops of an optimised build are lifted. */
  readonly lift: boolean;
}

export interface Compiled {
  readonly wasm: Uint8Array;
  readonly map?: string;
  readonly warnings: readonly string[];
  /** What became of each innermost `for` of an optimised build, by file and line, the file as seen from where the build was started. */
  readonly loops: readonly LoopReport[];
}

/** Loads it as Node does. */
export const loadInstalled: Load = (name) => import(name);

type Asc = typeof import('assemblyscript/asc');
type Transforms = typeof import('../../kernels/transform/index.ts');
type Diagnostic = Parameters<NonNullable<NonNullable<Parameters<Asc['main']>[1]>['reportDiagnostic']>>[0];

/** The transforms lean on the compiler's insides, and digests on its output: it is pinned as `package.json` pins it. */
export const ASC_VERSION = '0.28.20';

const CATEGORY_ERROR = 3;

/** asc keeps the running program in static places, so builds of one process go one after the other. */
let last: Promise<unknown> = Promise.resolve();

/** Compiles one file. Throws `ERR_BUILD_FAILED`, `ERR_PEER_MISSING`. */
export function compile(options: CompileOptions, load: Load): Promise<Compiled> {
  const next = last.then(
    () => compileNow(options, load),
    () => compileNow(options, load),
  );
  last = next;
  return next;
}

async function compileNow(options: CompileOptions, load: Load): Promise<Compiled> {
  const asc = await loadAsc(load);
  const transforms: Transforms = await import('../../kernels/transform/index.ts');
  const { createLift, InlineAccessors, KernelAbi, packageRoot } = transforms;
  const folder = dirname(options.file);
  const texts = new Map<string, string>();
  const written = new Map<string, Uint8Array | string>();
  const diagnostics: Diagnostic[] = [];
  // A loop that is compiled more than once, for other types, may be told of more than once.
  const loops = new Map<string, LoopReport>();
  const onReport = (loop: LoopReport) => void loops.set(JSON.stringify(loop), loop);

  const memory = memoryOf(options.text ?? (await readFile(options.file, 'utf8').catch(() => '')));
  const { error } = await asc.main([...argumentsOf(options, packageRoot()), ...memory], {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    // asc asks for classes: only to a class does it give the program. Its types say instances.
    transforms: [InlineAccessors, KernelAbi, ...(options.lift ? [createLift({ onReport })] : [])] as unknown as never[],
    reportDiagnostic: (diagnostic) => diagnostics.push(diagnostic),
    readFile: async (name, base) => {
      const path = resolve(base, name);
      const made = path === resolve(options.file) ? options.text : undefined;
      const text = made ?? (await readFile(path, 'utf8').catch(() => null));
      if (text === null) return null;
      // Line ends of a checkout on Windows must not change the bytes of the kernel.
      texts.set(name.replaceAll('\\', '/'), text.replaceAll('\r\n', '\n'));
      return text.replaceAll('\r\n', '\n');
    },
    writeFile: (name, contents) => void written.set(basename(name), contents),
    listFiles: () => [],
  });

  const said = (diagnostic: Diagnostic) => describe(diagnostic, folder, { ...asc.libraryFiles }, texts);
  const wasm = written.get(options.name);
  if (error !== null || !(wasm instanceof Uint8Array)) {
    const errors = diagnostics.filter((diagnostic) => diagnostic.category === CATEGORY_ERROR).map(said);
    const text = errors.length > 0 ? errors.join('\n') : (error?.message ?? 'the compiler wrote nothing');
    throw new LodgerError('ERR_BUILD_FAILED', [text]);
  }
  const map = written.get(`${options.name}.map`);
  const warnings = diagnostics.map(said);
  if (asc.version !== ASC_VERSION) {
    warnings.unshift(
      `assemblyscript ${asc.version} is not ${ASC_VERSION}: the kernel gets another digest, if it works at all`,
    );
  }
  return { wasm, warnings, loops: placed([...loops.values()], folder), ...(typeof map === 'string' && { map }) };
}

function placed(loops: readonly LoopReport[], folder: string): LoopReport[] {
  return loops
    .map((loop) => ({ ...loop, file: join(folder, loop.file) }))
    .sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : one.line - other.line));
}

/** The author's folder is the base of all paths, so that none outside it gets into the binary. A name may begin with a hyphen. */
function argumentsOf({ file, target, runtime, name }: CompileOptions, root: string): string[] {
  return [
    ...[`./${basename(file)}`, '--baseDir', resolve(dirname(file)), '--outFile', `./${name}`],
    ...['--config', join(root, 'asconfig.json'), '--target', target, '--runtime', runtime],
  ];
}

/** A line `// @memory 256KiB` says what a usual task needs. Throws `ERR_OPTION_INVALID`. */
function memoryOf(text: string): string[] {
  const [, size] = /^\/\/ @memory +(\S+)\s*$/m.exec(text) ?? [];
  return size === undefined ? [] : ['--initialMemory', String(Math.ceil(parseSize(size, '@memory') / PAGE))];
}

/** The compiler is an optional package: only who builds kernels needs it. */
async function loadAsc(load: Load): Promise<Asc> {
  try {
    return (await load('assemblyscript/asc')) as Asc;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    throw new LodgerError(
      'ERR_PEER_MISSING',
      ['building a kernel', 'assemblyscript', `--save-dev assemblyscript@${ASC_VERSION}`],
      {
        cause: error,
      },
    );
  }
}

/** `file:line:column: text`, the file as seen from where the build was started. */
function describe(
  diagnostic: Diagnostic,
  folder: string,
  library: Readonly<Record<string, string>>,
  texts: ReadonlyMap<string, string>,
): string {
  const message = diagnostic.message.replace(/^User-defined: /, '');
  const { range } = diagnostic;
  const path = range?.source?.normalizedPath;
  if (range === null || path === undefined) return message;
  const text = path.startsWith('~lib/') ? library[path.slice(5, -3)] : texts.get(path);
  const shown = path.startsWith('~lib/') ? path : join(folder, path);
  if (text === undefined) return `${shown}: ${message}`;
  const before = text.slice(0, range.start).split('\n');
  return `${shown}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${message}`;
}
