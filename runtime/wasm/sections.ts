// Cuts a module into its sections: header, sizes, order and duplicates, before anything in them is looked at.
// Source: WebAssembly core specification 2.0, 5.5 "Modules".
import { READING } from '../base/reading.ts';
import { excessive, malformed, Reader } from './reader.ts';

/** Section ids by name. The data count stands before the code, tags (exceptions) between memories and globals. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Offsets into the file: `start` is the id byte, `payload` the first byte behind the size, `end` the byte after the section. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly payload: number;
  readonly end: number;
}

/** A custom section; its contents begin behind the name. */
export interface CustomSection extends Section {
  readonly name: string;
  readonly contents: number;
}

/** Section ids in the order in which they stand in a file; custom sections stand anywhere. */
export const ORDER: readonly number[] = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
];
const NAMES = new Map(Object.entries(SECTION).map(([name, id]) => [id as number, name]));

/** Whether the bytes begin like a component rather than a core module. */
export function isComponent(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && magic(bytes) && bytes[4] === 0x0d && bytes[5] === 0 && bytes[6] === 1 && bytes[7] === 0;
}

/** Throws `ERR_KERNEL_MALFORMED` unless the bytes begin with the magic number and version 1 of a core module. */
export function checkHeader(bytes: Uint8Array): void {
  if (!magic(bytes)) throw malformed('the magic number \\0asm is missing', 0);
  if (bytes.length < 8) throw malformed('it ends within its header', bytes.length);
  if (bytes[4] !== 1 || bytes[5] !== 0 || bytes[6] !== 0 || bytes[7] !== 0) {
    throw malformed('its version is not 1', 4);
  }
}

function magic(bytes: Uint8Array): boolean {
  return bytes[0] === 0x00 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/**
 * All sections in the order of the file. Throws `ERR_KERNEL_MALFORMED` on a wrong order, a duplicate or an unknown id, and
 * `ERR_KERNEL_CEILING` for very many custom sections.
 */
export function readSections(bytes: Uint8Array): { sections: Section[]; customs: CustomSection[] } {
  const reader = new Reader(bytes, 8);
  const sections: Section[] = [];
  const customs: CustomSection[] = [];
  let last = -1;
  while (reader.at < reader.end) {
    const start = reader.at;
    const id = reader.byte();
    const size = reader.u32();
    const payload = reader.at;
    if (size > reader.end - payload) throw malformed(`section ${label(id)} is longer than the file`, start);
    const end = payload + size;
    if (id === SECTION.custom) {
      if (customs.length === READING.customSections.max) throw excessive('customSections', customs.length + 1);
      const inner = new Reader(bytes, payload, end);
      const name = inner.name();
      customs.push({ id, start, payload, end, name, contents: inner.at });
    } else {
      const place = ORDER.indexOf(id);
      if (place < 0) throw malformed(`section id ${id} is not known`, start);
      if (place === last) throw malformed(`section ${label(id)} is there twice`, start);
      if (place < last) throw malformed(`section ${label(id)} is out of order`, start);
      last = place;
      sections.push({ id, start, payload, end });
    }
    reader.at = end;
  }
  return { sections, customs };
}

/** What people call a section. */
export function label(id: number): string {
  return `"${NAMES.get(id) ?? id}"`;
}
