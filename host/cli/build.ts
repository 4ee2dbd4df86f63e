// `lodger build SRC.ts|DIR`: AssemblyScript in, a kernel out.
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { LoopReport } from '../../kernels/transform/lift/report.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { formatSize } from '../../runtime/base/units.ts';
import { buildKernel } from '../build/build.ts';
import { example, type Finish } from './options.ts';
import { note, print, printJson } from './say.ts';

interface BuildFlags {
  readonly out?: string;
  readonly target: string;
  readonly debug?: true;
  readonly lift: boolean;
  readonly explain?: true;
  readonly json?: true;
}

export function addBuild(program: Command, finish: Finish): void {
  program
    .command('build')
    .description('compile AssemblyScript into a kernel')
    .argument('<source>', 'a file, or a folder with kernel.ts or index.ts')
    .option('-o, --out <file>', 'the kernel to write (default: the name of the source, with .wasm)')
    .option('--target <name>', 'release, or debug with names and source lines', 'release')
    .option('--debug', 'the same as --target debug: failures then name function, file and line')
    .option('--no-lift', 'leave all loops over arrays as they are written')
    .option('--explain', 'say of every loop whether it was lifted; if not, why, and what helps')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger build my-kernel -o my-kernel.wasm'))
    .action(async (source: string, flags: BuildFlags, command: Command) => {
      // The program has an option of this name, too, and takes it first.
      const { debug } = command.optsWithGlobals<BuildFlags>();
      const { out = outOf(source), lift, explain, json } = flags;
      const target = debug ? 'debug' : flags.target;
      if (target !== 'release' && target !== 'debug') {
        throw new LodgerError('ERR_OPTION_INVALID', ['--target', 'release or debug']);
      }
      const { wasm, digest, declarations, warnings, loops } = await buildKernel({ source, target, lift, out });
      for (const warning of warnings) note(`warning: ${warning}`);
      const types = declarations === undefined ? undefined : `${out}.d.ts`;
      if (json) {
        const typed = types === undefined ? {} : { declarations: types };
        await printJson({
          state: 'done',
          path: out,
          bytes: wasm.byteLength,
          digest,
          ...typed,
          warnings,
          ...(explain && { loops }),
        });
      } else {
        await print(`${out}: ${formatSize(wasm.byteLength)}, sha256:${digest}\n`);
        if (types !== undefined) await print(`${types}: the types of its input and output\n`);
        if (explain) await print(loops.map((loop) => `${explainLoop(loop)}\n`).join(''));
      }
      finish(0);
    });
}

/** `a/kernel.ts` -> `a/kernel.wasm`; a folder's kernel gets the folder's name and lies in it. */
function outOf(source: string): string {
  return source.endsWith('.ts') ? source.replace(/\.ts$/, '.wasm') : join(source, `${basename(resolve(source))}.wasm`);
}

/** One line for one loop. */
function explainLoop(loop: LoopReport): string {
  const place = `${loop.file}:${loop.line}:`;
  if (loop.state === 'kept') return `${place} kept as written, since ${loop.reason}; ${loop.remedy}`;
  const checked = loop.checked === 0 ? '' : `, ${loop.checked} with their check`;
  const lanes = loop.lanes === 1 ? '' : `, ${loop.lanes} elements at a time`;
  return `${place} lifted: ${loop.proven} accesses without a check${checked}${lanes}`;
}
