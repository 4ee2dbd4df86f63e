// `lodger inspect FILE`: what a kernel is, what it asks for, and whether it is admitted. Images are told from kernels by their first bytes.
import type { Command } from 'commander';
import { ADMISSION, type CeilingName } from '../../runtime/base/admission.ts';
import { LodgerError } from '../../runtime/base/errors.ts';
import { type Ceiling, PAGE } from '../../runtime/base/limits.ts';
import { formatSize } from '../../runtime/base/units.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { IMPORTABLE } from '../../runtime/job/world.ts';
import { declarationsOf } from '../../runtime/payload/declare.ts';
import { loadKernel } from '../jobs/load.ts';
import { isImageFile } from '../keep/image-file.ts';
import { type ImageFlags, inspectImage, memoryRange } from './inspect-image.ts';
import { example, type Finish } from './options.ts';
import { columns, print, printJson } from './say.ts';

export function addInspect(program: Command, finish: Finish): void {
  program
    .command('inspect')
    .description('digest, shape, imports and the grants they need, memory, features, verdict; or what is in an image')
    .argument('<file>', 'a kernel, or an image of a stepper')
    .option('--memory <offset:length>', 'of an image: show these bytes of its memory', memoryRange)
    .option('--kernel <file>', 'of an image: its kernel, to show the globals one by one')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger inspect my-kernel.wasm', 'lodger inspect late.img --memory 0x1000:256'))
    .action(async (path: string, flags: ImageFlags) => {
      if (await isImageFile(path)) await inspectImage(path, flags);
      else await inspectKernel(path, flags);
      finish(0);
    });
}

async function inspectKernel(path: string, { json, memory, kernel: other }: ImageFlags): Promise<void> {
  const stray = memory ? '--memory' : other === undefined ? undefined : '--kernel';
  if (stray !== undefined) throw new LodgerError('ERR_OPTION_INVALID', [stray, 'given for an image only']);
  const kernel = await loadKernel(path);
  if (json) await printJson(documentOf(kernel));
  else await print(columns(rowsOf(kernel)));
}

/** The same facts for programs; a refused kernel gives `{"state":"refused","code","message"}` instead. */
function documentOf(kernel: Kernel) {
  const { digest, format, shape, encoding, memory, features, optional, report } = kernel;
  return {
    state: 'admitted',
    digest,
    format,
    shape,
    encoding,
    imports: kernel.imports.map(({ module, function: name, interface: from }) => ({
      module,
      function: name,
      grant: IMPORTABLE[from].grant,
    })),
    grants: grantsOf(kernel),
    memory: { bytesMin: memory.min * PAGE, ...(memory.max === undefined ? {} : { bytesMax: memory.max * PAGE }) },
    features,
    ...(kernel.payload && { payload: kernel.payload }),
    optionalExports: optional,
    report,
    ceilings: Object.fromEntries(Object.entries(ADMISSION).map(([name, ceiling]) => [name, ceiling.default])),
  };
}

function rowsOf(kernel: Kernel): (readonly [string, string])[] {
  const { memory } = kernel;
  const most = memory.max === undefined ? 'as much as the task may have' : `${formatSize(memory.max * PAGE)} at most`;
  const imports = kernel.imports.map(({ module, function: name, interface: from }) => {
    const { grant } = IMPORTABLE[from];
    return `${module} ${name} (${grant === null ? 'always granted' : `needs grant ${grant}`})`;
  });
  return [
    ['digest', `sha256:${kernel.digest}`],
    ['size', formatSize(kernel.bytes.byteLength)],
    ['format', kernel.format],
    ['shape', kernel.shape],
    ['strings', kernel.encoding],
    ['payload', payloadText(kernel)],
    ['imports', imports.join('\n') || 'none'],
    ['grants', grantsOf(kernel).join(', ') || 'none needed'],
    ['memory', `${formatSize(memory.min * PAGE)} at start, ${most}`],
    ['features', kernel.features.join(', ') || 'none beyond the first version of WebAssembly'],
    ['ceilings', ceilingRows(kernel).join('\n')],
    ['verdict', 'admitted'],
  ];
}

function payloadText({ payload }: Kernel): string {
  if (payload === undefined) return 'bytes in, bytes out';
  return declarationsOf(payload)
    .replace(/^export /gm, '')
    .replace(/\n+$/, '')
    .replace(/\n\n/g, '\n');
}

function grantsOf(kernel: Kernel): string[] {
  const grants = kernel.imports.map(({ interface: from }) => IMPORTABLE[from].grant);
  return [...new Set(grants.filter((grant) => grant !== null))].sort();
}

function ceilingRows({ report }: Kernel): string[] {
  return Object.entries(report).map(([name, count]) => {
    const ceiling = Object.hasOwn(ADMISSION, name) ? ADMISSION[name as CeilingName] : undefined;
    return ceiling === undefined ? `${name} ${count}` : `${name} ${shareOf(count, ceiling)}`;
  });
}

function shareOf(count: number, { default: ceiling, unit }: Ceiling): string {
  if (!unit.startsWith('bytes')) return `${count} of ${ceiling} ${unit}`;
  return `${formatSize(count)} of ${formatSize(ceiling)}${unit.slice('bytes'.length)}`;
}
