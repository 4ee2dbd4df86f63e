// Function indexes outside of code, moved when imports are added: exports, element segments and the name section.
import type { ElementSegment, Module } from '../wasm/module.ts';
import { pastNumber, u32At } from '../wasm/outline.ts';
import { Reader } from '../wasm/reader.ts';
import type { Section } from '../wasm/sections.ts';
import type { Writer } from '../wasm/writer.ts';

/** Where a function's index moves to. */
export type Moved = (index: number) => number;

const REF_FUNC = 0xd2;

/** The payload of the element section. */
export function writeElements(w: Writer, { bytes, elements }: Module, { payload, end }: Section, moved: Moved): void {
  let at = payload;
  for (const segment of elements) {
    w.copy(bytes, at, segment.items);
    at = writeItems(w, bytes, segment, moved);
  }
  w.copy(bytes, at, end);
}

/** Gives where the items end. */
function writeItems(w: Writer, bytes: Uint8Array, { items, count, expressions }: ElementSegment, moved: Moved): number {
  let at = items;
  for (let left = count; left > 0; left--) {
    // An expression is `ref.func` with an index, or `ref.null` with a type, and `end`.
    const isFunction = !expressions || bytes[at] === REF_FUNC;
    if (expressions) w.byte(bytes[at++] as number);
    const next = pastNumber(bytes, at);
    if (isFunction) w.u32(moved(u32At(bytes, at)));
    else w.copy(bytes, at, next);
    at = next;
    if (expressions) w.byte(bytes[at++] as number);
  }
  return at;
}

/** Subsections of the name section that name functions, or things in functions: maps by function index. */
const NAMES_OF_FUNCTIONS = 1;
const NAMES_IN_FUNCTIONS: readonly number[] = [2, 3];

/**
 * The contents of a name section behind its own name. A section that cannot be read is left out, as engines ignore it: `false`.
 * Source: WebAssembly core specification 2.0, 7.4 "Name Section", and the proposal "Extended Name Section".
 */
export function writeNames(w: Writer, bytes: Uint8Array, start: number, end: number, moved: Moved): boolean {
  try {
    const reader = new Reader(bytes, start, end);
    while (reader.at < end) {
      const id = reader.byte();
      const part = reader.take(reader.u32());
      const within = NAMES_IN_FUNCTIONS.includes(id);
      w.byte(id);
      if (id !== NAMES_OF_FUNCTIONS && !within) w.u32(part.length).raw(part);
      else w.sized((inner) => writeMap(inner, new Reader(part), within, moved));
    }
    return true;
  } catch {
    return false;
  }
}

function writeMap(w: Writer, reader: Reader, within: boolean, moved: Moved): void {
  const count = reader.u32();
  w.u32(count);
  for (let left = count; left > 0; left--) {
    w.u32(moved(reader.u32()));
    const start = reader.at;
    if (!within) reader.skip(reader.u32());
    else {
      for (let names = reader.u32(); names > 0; names--) {
        reader.u32();
        reader.skip(reader.u32());
      }
    }
    w.copy(reader.bytes, start, reader.at);
  }
}
