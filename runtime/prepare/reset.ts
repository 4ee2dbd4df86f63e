// Gives a module a function that resets its globals, where nothing else of an instance but its memory can change: the instance can then be
// put back as it was, in place of a new one. Whatever was there keeps its index: what is added stands behind it.
import { Drops } from '../snapshot/drops.ts';
import type { DataSegment, Module } from '../wasm/module.ts';
import { pastNumber } from '../wasm/outline.ts';
import { SECTION, type Section } from '../wasm/sections.ts';
import { Writer } from '../wasm/writer.ts';
import { RESET_EXPORT } from './form.ts';

/** A function with more code is not worth its compilation, nor are so many globals set faster than made. */
const CODE_BYTES_MAX = 4_096;
/** From the memory's first byte to where initial data ends: whoever puts an instance back copies all of it, and keeps a copy. */
const DATA_BYTES_MAX = 256 * 1024;

const [FUNCTION, I32, I32_CONST, GLOBAL_SET, END] = [0x60, 0x7f, 0x41, 0x24, 0x0b] as const;

export interface Reset {
  /** The module's exports, and RESET_EXPORT. */
  readonly exports: Module['exports'];
  /** Payloads in place of those of sections, by their ids. */
  readonly payloads: Readonly<Record<number, (w: Writer, section: Section) => void>>;
}

/**
 * What to write for a module with RESET_EXPORT. Undefined where an instance has state that the function could not reset: a start function
 * makes some, passive data is dropped, tables can change. The module must have been read, be valid and have functions.
 */
export function resetOf(module: Module): Reset | undefined {
  const end = endOfData(module.data);
  if (end === undefined || !hasPlainState(module)) return undefined;
  const body = bodyOf(module, end);
  if (body.length > CODE_BYTES_MAX) return undefined;
  const { bytes, types, functions, functionsImported, bodies, exports } = module;
  const known = types.findIndex(({ params, results }) => params === '' && results === 'i');
  const rest = (w: Writer, { payload, end: last }: Section) => w.copy(bytes, pastNumber(bytes, payload), last);
  return {
    exports: [...exports, { name: RESET_EXPORT, kind: 'function', index: functions.length }],
    payloads: {
      ...(known < 0 && {
        [SECTION.type]: (w, section) => rest(w.u32(types.length + 1), section).raw([FUNCTION, 0, 1, I32]),
      }),
      [SECTION.function]: (w, section) =>
        rest(w.u32(functions.length - functionsImported + 1), section).u32(known < 0 ? types.length : known),
      [SECTION.code]: (w, section) =>
        rest(w.u32(bodies.length + 1), section)
          .u32(body.length)
          .raw(body.view()),
    },
  };
}

/** No table can change: what would change one is not read, and nobody outside is shown one. */
function hasPlainState(module: Module): boolean {
  const { start, unread, imports, exports } = module;
  return (
    start === undefined &&
    unread === undefined &&
    imports.every(({ kind }) => kind === 'function') &&
    exports.every(({ kind }) => kind !== 'table') &&
    new Drops(module).segments.length === 0
  );
}

/** Where the initial data ends in the memory, 0 for none; undefined where that is not known, or where there is too much to keep. */
function endOfData(data: readonly DataSegment[]): number | undefined {
  let last = 0;
  for (const { offset, start, end } of data) {
    if (!offset || start === end) continue;
    if (offset.opcode !== I32_CONST) return undefined;
    last = Math.max(last, (offset.value >>> 0) + end - start);
  }
  return last > DATA_BYTES_MAX ? undefined : last;
}

/** A value is a constant, or a global that cannot change: what stands in the global section does in code as well. */
function bodyOf({ bytes, globals }: Module, endOfInitialData: number): Writer {
  const w = new Writer().u32(0);
  for (const [index, { mutable, value }] of globals.entries())
    if (mutable && value)
      w.copy(bytes, value.start, value.end - 1)
        .byte(GLOBAL_SET)
        .u32(index);
  return w.byte(I32_CONST).s32(endOfInitialData).byte(END);
}
