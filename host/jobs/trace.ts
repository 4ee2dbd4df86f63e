// Where a task failed, for people: function, file and line, as far as the kernel and the source map beside it tell.
import { SourceMap, type SourceMapPayload } from 'node:module';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Frame } from '../../runtime/job/outcome.ts';
import type { Body } from '../../runtime/wasm/module.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { readSections } from '../../runtime/wasm/sections.ts';
import { readWhole } from './files.ts';

/** Larger maps are not read. */
const MAP_BYTES_MAX = 256 * 2 ** 20;

/** A debug build names its map in this custom section; where it lies is for the reader to know. */
const URL_SECTION = 'sourceMappingURL';

/** What the compiler and the library put around the author's functions. */
const OURS = /^(?:lodger-|~lib\/lodger\/exit\b)/;

/** How far before an instruction without a place its neighbour may be: what calls `abort` for a `throw` has none of its own. */
const NEIGHBOURS_MAX = 16;

/** A place in a source: lines and columns from 1. */
export interface Line {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A frame with its place in the source, where that is known. */
export interface Place extends Frame, Partial<Line> {}

/** Where the instruction at an offset of the core module was written. */
export type Lines = (offset: number) => Line | undefined;

interface Entry {
  readonly generatedColumn?: number;
  readonly originalSource?: string;
  readonly originalLine?: number;
  readonly originalColumn?: number;
}

/** The lines of a debug build, from its source map, JSON, and its core module; `undefined` for what is no map. */
export function linesOf(text: string, core: Uint8Array): Lines | undefined {
  let map: SourceMap;
  try {
    map = new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    return undefined;
  }
  const { bodies } = readModule(core);
  return (offset) => {
    const body = bodyAt(bodies, offset);
    let at = offset;
    for (let left = NEIGHBOURS_MAX; body && left > 0 && at >= body.start; left--) {
      // In a map of WebAssembly all code is one line, and the columns are its bytes.
      const entry = map.findEntry(0, at) as Entry;
      const { generatedColumn = -1, originalSource: file, originalLine: line, originalColumn: column } = entry;
      if (generatedColumn < body.start) return undefined;
      if (file !== undefined && line !== undefined && column !== undefined)
        return { file, line: line + 1, column: column + 1 };
      at = generatedColumn - 1;
    }
    return undefined;
  };
}

/** Bodies come in the order of their bytes. */
function bodyAt(bodies: readonly Body[], offset: number): Body | undefined {
  let [low, high] = [0, bodies.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((bodies[middle] as Body).start <= offset) low = middle;
    else high = middle;
  }
  const body = bodies[low];
  return body && body.start <= offset && offset < body.end ? body : undefined;
}

/** The lines of a kernel in a file, from `FILE.map`, if it says of itself that it has one. */
export async function linesBeside(path: string, kernel: Kernel): Promise<Lines | undefined> {
  if (!readSections(kernel.core).customs.some(({ name }) => name === URL_SECTION)) return undefined;
  const bytes = await readWhole(`${path}.map`, MAP_BYTES_MAX).catch(() => undefined);
  return bytes && linesOf(new TextDecoder().decode(bytes), kernel.core);
}

/** The trace with places in the source, without what the compiler put around the author's functions. */
export function placed(trace: readonly Frame[] = [], lines?: Lines): readonly Place[] {
  const places = trace.map((frame) => ({ ...frame, ...lines?.(frame.offset) }));
  const own = places.filter(({ name = '', file = '' }) => !OURS.test(name) && !OURS.test(file));
  return own.length > 0 ? own : places;
}

/** One line a place: `at kernel/divide (kernel.ts:5:10)`, or with the byte in the core module where the line is not known. */
export function traceText(places: readonly Place[]): readonly string[] {
  return places.map(({ function: index, name = `function ${index}`, offset, file, line, column }) => {
    return `at ${name} (${file === undefined ? `byte 0x${offset.toString(16)}` : `${file}:${line}:${column}`})`;
  });
}
