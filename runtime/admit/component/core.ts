// Looks into a core module just far enough to know its part in a component: its sections, and what it imports and exports.
// Admission reads the main module whole, later. Format: WebAssembly core specification 2.0, "Binary Format".
import { ADMISSION } from '../../base/admission.ts';
import { Reader } from '../../wasm/reader.ts';
import { checkHeader, readSections, SECTION } from '../../wasm/sections.ts';
import { quote } from '../quote.ts';
import { complex, readList } from './read.ts';

export const FUNCTION = 0x00;
export const TABLE = 0x01;

/** A core module's sections by id, custom ones left out. */
export type Sections = ReadonlyMap<number, Reader>;

/** Module and field of an import. */
export interface Source {
  readonly module: string;
  readonly name: string;
}

/** What the main module asks for and offers. */
export interface MainModule {
  readonly imports: readonly Source[];
  readonly exports: ReadonlySet<string>;
}

/** Splits a module into its sections. */
export function splitModule(module: Uint8Array): Sections {
  checkHeader(module);
  return new Map(readSections(module).sections.map(({ id, payload, end }) => [id, new Reader(module, payload, end)]));
}

/** The imports and exports of the main module. Functions only: nothing else can be imported from the world. */
export function readMain(sections: Sections): MainModule {
  const imports = sections.get(SECTION.import);
  const exports = sections.get(SECTION.export);
  const names = exports && readList(exports, () => readExport(exports).name, ADMISSION.exports.max);
  return { imports: imports ? readList(imports, () => readFunctionImport(imports)) : [], exports: new Set(names) };
}

/** Reads the signatures in a type section, as `ii>i`. A trampoline passes numbers only. */
export function readSignatures(reader: Reader | undefined): string[] {
  if (reader === undefined) return [];
  return readList(reader, () => {
    if (reader.byte() !== 0x60) complex('one of its trampolines has a type that is not a function');
    return `${readNumbers(reader)}>${readNumbers(reader)}`;
  });
}

/** Reads module and field of an import. */
export function readSource(reader: Reader): Source {
  return { module: reader.name(), name: reader.name() };
}

/** Reads one export. */
export function readExport(reader: Reader): { name: string; kind: number; index: number } {
  return { name: reader.name(), kind: reader.byte(), index: reader.u32() };
}

/** Reads a table type: the limits of a table of functions, as `3 3`. */
export function readTable(reader: Reader): { min: number; limits: string } {
  if (reader.byte() !== 0x70) complex('one of its trampolines has a table of something other than functions');
  const bounded = reader.byte();
  if (bounded > 0x01) complex('one of its trampolines has an unusual table');
  const min = reader.u32();
  return { min, limits: bounded === 0x01 ? `${min} ${reader.u32()}` : `${min}` };
}

function readFunctionImport(reader: Reader): Source {
  const source = readSource(reader);
  if (reader.byte() !== FUNCTION) complex(`its main module imports ${quote(source.name)}, which is not a function`);
  reader.u32();
  return source;
}

function readNumbers(reader: Reader): string {
  const names: Readonly<Record<number, string>> = { 127: 'i', 126: 'I', 125: 'f', 124: 'F' };
  const number = () => names[reader.byte()] ?? complex('one of its trampolines passes something other than numbers');
  return readList(reader, number).join('');
}
