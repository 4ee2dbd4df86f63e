// `lodger inspect IMAGE.img`: which task an image is of, how far it has got, what is in it, and whether it is whole.
import { LodgerError } from '../../runtime/base/errors.ts';
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import { formatCount, formatDuration, formatSize, parseSize, short } from '../../runtime/base/units.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { decodeDifference } from '../../runtime/snapshot/difference.ts';
import { IMAGE_PAGE } from '../../runtime/snapshot/memory-copy.ts';
import { linksTo, type OpenImage, openImage } from '../../runtime/snapshot/store.ts';
import { loadKernel } from '../jobs/load.ts';
import { type ImageFile, readImage } from '../keep/image-file.ts';
import { node } from '../platform/node.ts';
import { columns, indented, print, printJson } from './say.ts';

/** What is shown at a time; more is for programs. */
const DUMP_BYTES_MAX = 1024 * 1024;
const ROW_BYTES = 16;

export interface ImageFlags {
  readonly json?: true;
  readonly memory?: Range;
  readonly kernel?: string;
}

export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Reads `OFFSET:LENGTH`, each a number, one in hex, or a size. */
export function memoryRange(text: string): Range {
  const [offset = '', length = '', ...more] = text.split(':');
  const wanted = `OFFSET:LENGTH, of at most ${formatSize(DUMP_BYTES_MAX)}, as 0x1000:256`;
  const read = (part: string) => (/^0x[0-9a-f]{1,8}$/i.test(part) ? Number(part) : parseSize(part, '--memory'));
  const range = { offset: read(offset), length: read(length) };
  if (more.length === 0 && range.length <= DUMP_BYTES_MAX) return range;
  throw new LodgerError('ERR_OPTION_INVALID', ['--memory', wanted]);
}

/** Throws `ERR_IMAGE_INVALID` for what says nothing of itself, and for a range of a memory that cannot be opened. */
export async function inspectImage(path: string, { json, memory, kernel }: ImageFlags): Promise<void> {
  const file = await readImage(path);
  const opened = open(file);
  const globals = kernel === undefined ? undefined : globalsOf(file, await loadKernel(kernel));
  const bytes = memory && rangeOf(opened, memory);
  if (json) return printJson(documentOf(file, opened, { globals, memory, bytes }));
  await print(columns(rowsOf(file, opened, globals)));
  if (memory && bytes) await print(`\n${hexDump(bytes, memory.offset)}`);
}

/** The image with its memory, or why there is none; and whether that is its own fault. */
type Opened =
  | { readonly image: OpenImage; readonly links: number }
  | { readonly reason: string; readonly ownFault: boolean };

function open({ bytes, digest, store }: ImageFile): Opened {
  try {
    decodeDifference(bytes, node);
  } catch (error) {
    return { reason: reasonOf(error), ownFault: true };
  }
  try {
    const image = openImage(store, digest, { platform: node, memoryBytesMax: TASK.memoryBytesMax.max });
    return { image, links: linksTo(store, digest).size - 1 };
  } catch (error) {
    return { reason: reasonOf(error), ownFault: false };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof LodgerError && error.code === 'ERR_IMAGE_INVALID') return error.message;
  throw error;
}

function rangeOf(opened: Opened, { offset, length }: Range): Uint8Array {
  if (!('image' in opened)) throw new LodgerError('ERR_IMAGE_INVALID', [`no memory to show: ${opened.reason}`]);
  const { copy } = opened.image;
  if (offset + length > copy.count * IMAGE_PAGE) {
    throw new LodgerError('ERR_OPTION_INVALID', ['--memory', `within ${copy.count * IMAGE_PAGE} bytes of memory`]);
  }
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const page = copy.page(Math.floor((offset + at) / IMAGE_PAGE)).subarray((offset + at) % IMAGE_PAGE);
    bytes.set(page.subarray(0, length - at), at);
    at += Math.min(page.byteLength, length - at);
  }
  return bytes;
}

interface Global {
  readonly global: number;
  readonly type: string;
  /** Its bits in hex, the highest first. */
  readonly hex: string;
  /** As a number, where JSON can say it. */
  readonly value?: number;
}

const TYPES: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128' };

/** The values of the kernel's mutable globals; those that only remember dropped segments are left out. */
function globalsOf({ manifest }: ImageFile, kernel: Kernel): Global[] {
  if (kernel.digest !== manifest.task.kernel) {
    throw new LodgerError('ERR_OPTION_INVALID', ['--kernel', `the image's, sha256:${manifest.task.kernel}`]);
  }
  const { fields = [], bytes = 0 } = prepare(kernel, { memoryForm: 'defined', metered: true }).state ?? {};
  const state = Buffer.from(manifest.state, 'hex');
  if (state.byteLength !== bytes) throw new LodgerError('ERR_IMAGE_INVALID', ["its globals are not its kernel's"]);
  return fields.flatMap(({ global, type, at, segment }, place) => {
    if (segment !== undefined) return [];
    const own = state.subarray(at, fields[place + 1]?.at ?? bytes);
    const value = numberOf(type, own);
    const hex = Buffer.from(own).reverse().toString('hex');
    return [{ global, type: TYPES[type] ?? type, hex, ...(value !== undefined && { value }) }];
  });
}

function numberOf(type: string, bytes: Buffer): number | undefined {
  const value =
    type === 'i'
      ? bytes.readInt32LE()
      : type === 'f'
        ? bytes.readFloatLE()
        : type === 'F'
          ? bytes.readDoubleLE()
          : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

function documentOf(
  { digest, manifest, form, bytes }: ImageFile,
  opened: Opened,
  {
    globals,
    memory,
    bytes: range,
  }: { globals: Global[] | undefined; memory: Range | undefined; bytes: Uint8Array | undefined },
) {
  const { task, step, share, fuel, memoryPages, host, limits, parent } = manifest;
  const { log, ...counts } = host;
  return {
    state: 'ownFault' in opened && opened.ownFault ? 'invalid' : 'valid',
    ...('reason' in opened ? { reason: opened.reason, opens: false } : { opens: true, imagesBefore: opened.links }),
    ...{ digest, form, task, step, share, fuel, limits, parent },
    memory: { pages: memoryPages, bytes: memoryPages * PAGE, digest: manifest.memory },
    stored: { bytes: bytes.byteLength, ...pagesStored(bytes, opened) },
    globals: globals ?? { bytes: manifest.state.length / 2, hex: manifest.state },
    host: { ...counts, logLines: log.length },
    ...(memory && range && { memoryRange: { ...memory, hex: Buffer.from(range).toString('hex') } }),
  };
}

function pagesStored(bytes: Uint8Array, opened: Opened): { readonly pages?: number } {
  return 'ownFault' in opened && opened.ownFault ? {} : { pages: decodeDifference(bytes, node).indexes.length };
}

function rowsOf(file: ImageFile, opened: Opened, globals: Global[] | undefined): (readonly [string, string])[] {
  const { digest, form, bytes, manifest } = file;
  const { task, step, share, fuel, memoryPages, host, limits, parent } = manifest;
  const { pages } = pagesStored(bytes, opened);
  const calls = Object.entries(host.calls).map(([name, count]) => `${name} ${count}`);
  const stored = pages === undefined ? '' : `, ${pages} pages of ${formatSize(IMAGE_PAGE)}`;
  return [
    ['image', `sha256:${digest}, ${form === 'whole' ? 'whole' : 'a difference to its parent'}`],
    ['valid', validity(opened)],
    ['parent', parent === null ? 'none: the first of its task' : `sha256:${parent}`],
    ['kernel', `sha256:${task.kernel}`],
    ['input', `sha256:${task.input}, ${formatSize(task.inputBytes)}`],
    ['task', `index ${task.index}, seed ${task.seed}`],
    ['versions', `tariff ${task.tariff}, rewriter ${task.rewriter}`],
    ['step', `${step}, ${short(share * 100)} % done`],
    ['fuel', formatCount(fuel)],
    ['time', `${formatDuration(host.elapsedMs)} since the task began`],
    ['memory', `${formatSize(memoryPages * PAGE)}, ${memoryPages} pages of ${formatSize(PAGE)}`],
    ['stored', `${formatSize(bytes.byteLength)}${stored}`],
    ['globals', globals ? globalRows(globals) : `${formatSize(manifest.state.length / 2)}; --kernel tells them apart`],
    ['calls', indented(calls.join(', ')) || 'none'],
    ['log', `${host.log.length} lines, ${formatSize(host.logBytes)}; ${host.linesDropped} dropped`],
    ['random', `${formatSize(host.randomBytes)} drawn`],
    [
      'limits',
      Object.entries(limits)
        .map(([name, value]) => `${name} ${value}`)
        .join('\n'),
    ],
  ];
}

function validity(opened: Opened): string {
  if ('image' in opened) return opened.links === 0 ? 'yes' : `yes, with the ${opened.links} images before it`;
  if (opened.ownFault) return `no: ${opened.reason}`;
  return `by itself; its memory cannot be opened: ${opened.reason}`;
}

function globalRows(globals: readonly Global[]): string {
  return globals.map(({ global, type, hex, value }) => `${global} ${type} ${value ?? `0x${hex}`}`).join('\n') || 'none';
}

/** `00001000  00 01 ...  |..A.|`: 16 bytes a row. */
function hexDump(bytes: Uint8Array, offset: number): string {
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += ROW_BYTES) {
    const row = [...bytes.subarray(at, at + ROW_BYTES)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const shown = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    text += `${(offset + at).toString(16).padStart(8, '0')}  ${hex.padEnd(ROW_BYTES * 3 - 1)}  |${shown}|\n`;
  }
  return text;
}
