// Proves by its structure that a core module does nothing but pass calls on. wit-component adds two such modules, because
// a lowered import needs the main module's memory, which exists only after the main module was given its imports:
// the shim, whose functions each forward to one slot of its table, and the fix-up, which fills the slots and calls `_initialize`.
import type { Reader } from '../../wasm/reader.ts';
import { SECTION } from '../../wasm/sections.ts';
import { quote } from '../quote.ts';
import {
  FUNCTION,
  readExport,
  readSignatures,
  readSource,
  readTable,
  type Sections,
  type Source,
  TABLE,
} from './core.ts';
import { complex, expectEnd, readList, readPart } from './read.ts';

/** A function by its core signature, `ii>i` say. */
interface Signed {
  readonly signature: string;
}

export interface Shim {
  /** Exported functions by name: the slot that each calls with what it was given. */
  readonly forwards: ReadonlyMap<string, Signed & { readonly slot: number }>;
  /** The names under which its table is exported. */
  readonly tables: ReadonlySet<string>;
  readonly limits: string;
}

export interface Fixup {
  readonly table?: Source & { readonly limits: string };
  /** Which imported function it puts into which slot. */
  readonly slots: ReadonlyMap<number, Source & Signed>;
  /** The imported function that it calls once. */
  readonly start?: Source & Signed;
}

const SHIM: readonly number[] = [SECTION.type, SECTION.function, SECTION.table, SECTION.export, SECTION.code];
const FIXUP: readonly number[] = [SECTION.type, SECTION.import, SECTION.start, SECTION.element];

/** Whether a module can be nothing but a shim: it has a table, but no memory, no state and no imports. */
export function isShim(sections: Sections): boolean {
  return sections.has(SECTION.table) && [...sections.keys()].every((id) => SHIM.includes(id));
}

/** Whether a module can be nothing but a fix-up: it has imports, but neither functions nor memory nor state of its own. */
export function isFixup(sections: Sections): boolean {
  return sections.has(SECTION.import) && [...sections.keys()].every((id) => FIXUP.includes(id));
}

/** Reads a shim. Refuses one whose functions do anything else than forward to a constant slot. */
export function readShim(sections: Sections): Shim {
  const types = readSignatures(sections.get(SECTION.type));
  const functions = members(sections, SECTION.function, (reader) => reader.u32());
  const [table, ...others] = members(sections, SECTION.table, readTable);
  if (table === undefined || others.length > 0) return complex('its shim module has more or less than one table');
  const slots = members(sections, SECTION.code, readPart).map((body, index) => {
    const type = functions[index] ?? types.length;
    return { slot: readForward(body, type, types[type]), signature: types[type] ?? '' };
  });

  const forwards = new Map<string, Signed & { slot: number }>();
  const tables = new Set<string>();
  for (const { name, kind, index } of members(sections, SECTION.export, readExport)) {
    const forward = slots[index];
    if (kind === TABLE && index === 0) tables.add(name);
    else if (kind === FUNCTION && forward !== undefined && forward.slot < table.min) forwards.set(name, forward);
    else complex(`its shim module exports ${quote(name)}, which leads nowhere`);
  }
  return { forwards, tables, limits: table.limits };
}

/** Reads a fix-up. Refuses one that does anything else than put imported functions into an imported table and call one. */
export function readFixup(sections: Sections): Fixup {
  const types = readSignatures(sections.get(SECTION.type));
  const functions: (Source & Signed)[] = [];
  const tables: (Source & { limits: string; min: number })[] = [];
  members(sections, SECTION.import, (reader) => {
    const source = readSource(reader);
    const kind = reader.byte();
    if (kind === TABLE) tables.push({ ...source, ...readTable(reader) });
    else if (kind === FUNCTION) functions.push({ ...source, signature: types[reader.u32()] ?? '' });
    else complex(`its fix-up module imports ${quote(source.name)}, which is neither a function nor a table`);
  });
  const [table, ...others] = tables;
  if (others.length > 0) complex('its fix-up module imports more than one table');

  const slots = new Map<number, Source & Signed>();
  members(sections, SECTION.element, (reader) => readSlots(reader, functions, slots));
  const index = sections.get(SECTION.start)?.u32();
  const start = index === undefined ? undefined : (functions[index] ?? complex('its fix-up module starts no import'));
  for (const slot of slots.keys()) {
    if (slot < 0 || slot >= (table?.min ?? 0)) complex('its fix-up module fills slots that its table does not have');
  }
  return { slots, ...(table && { table }), ...(start && { start }) };
}

/** Reads the body of a forwarding function: every parameter in its order, a constant slot, the call, the end. */
function readForward(body: Reader, type: number, signature: string | undefined): number {
  const wrong = (): never => complex('a function of its shim module does more than forward a call');
  const next = (code: number): void => {
    if (body.byte() !== code) wrong();
  };
  if (signature === undefined || body.u32() !== 0) return wrong();
  for (let index = 0; index < signature.indexOf('>'); index++) {
    next(0x20);
    if (body.u32() !== index) wrong();
  }
  next(0x41);
  const slot = body.s32();
  next(0x11);
  if (body.u32() !== type || body.u32() !== 0) wrong();
  next(0x0b);
  return body.at === body.end && slot >= 0 ? slot : wrong();
}

/** Reads an active element segment of table 0, in the two forms that list functions by index. */
function readSlots(reader: Reader, functions: readonly (Source & Signed)[], slots: Map<number, Source & Signed>): void {
  const wrong = (): never => complex('its fix-up module fills its table in an unusual way');
  const next = (wanted: number): void => {
    if (reader.byte() !== wanted) wrong();
  };
  const form = reader.byte();
  if (form === 0x02) next(0x00);
  else if (form !== 0x00) wrong();
  next(0x41);
  const first = reader.s32();
  next(0x0b);
  if (form === 0x02) next(0x00);
  const listed = readList(reader, () => functions[reader.u32()] ?? wrong());
  for (const [offset, source] of listed.entries()) {
    if (slots.has(first + offset)) wrong();
    slots.set(first + offset, source);
  }
}

/** Reads the members of a section that is a list, to its end. */
function members<T>(sections: Sections, id: number, read: (reader: Reader) => T): T[] {
  const reader = sections.get(id);
  if (reader === undefined) return [];
  const list = readList(reader, () => read(reader));
  expectEnd(reader);
  return list;
}
