// Writes the metered module, section by section: what the meter adds goes behind what is there, and function indexes move.
import { EXTERN_KINDS, type FunctionType, type Module } from '../wasm/module.ts';
import { pastNumber } from '../wasm/outline.ts';
import { type CustomSection, ORDER, SECTION, type Section } from '../wasm/sections.ts';
import { HEADER, Writer } from '../wasm/writer.ts';
import { STACK_WEIGHT_MAX } from './bounds.ts';
import type { Places } from './code.ts';
import { METER_EXPORTS, METER_IMPORTS } from './names.ts';
import { type Payer, writePayer } from './payers.ts';
import { OWN_FUNCTIONS, writeOwnFunction } from './ranges.ts';
import { type Moved, writeElements, writeNames } from './renumber.ts';
import { TYPE_BYTES, Types } from './signatures.ts';

export interface Additions {
  readonly places: Places;
  /** The meter's functions, in the order of their indexes. */
  readonly own: readonly number[];
  readonly payers: readonly Payer[];
}

/** Writes one body behind its size. */
export type WriteBody = (w: Writer, index: number, blockType: (w: Writer) => void) => void;

const NAMES = 'name';
const NOTHING: FunctionType = { params: '', results: '' };
const CALLED: readonly (readonly [name: string, type: FunctionType])[] = [
  [METER_IMPORTS.refill, NOTHING],
  [METER_IMPORTS.stackSpent, NOTHING],
  [METER_IMPORTS.growRefused, { params: 'i', results: '' }],
];

/** How many functions are imported beside the module's own. */
export const ADDED: number = CALLED.length;

/** The bytes of the metered module. */
export function rewrite(module: Module, additions: Additions, writeBody: WriteBody): Uint8Array<ArrayBuffer> {
  const contents = contentsOf(module, additions, writeBody);
  const out = new Writer(module.bytes.length + (module.bytes.length >> 2) + 1024).raw(HEADER);
  const missing = NEEDED.filter((id) => !module.sections.some((section) => section.id === id));
  const write = (id: number, section?: Section) => {
    const fill = contents[id];
    if (fill !== undefined) fill(out, section);
    else if (section !== undefined) out.copy(module.bytes, section.start, section.end);
  };
  const writeMissing = (place: number) => {
    while (missing[0] !== undefined && ORDER.indexOf(missing[0]) < place) write(missing.shift() as number);
  };
  // Hints of other compilers go by offsets that are no longer so.
  const customs = module.customs.filter(({ name }) => !name.startsWith('metadata.code.'));
  for (const section of [...module.sections, ...customs].sort((a, b) => a.start - b.start)) {
    if ('name' in section) writeCustom(out, module, section as CustomSection);
    else {
      writeMissing(ORDER.indexOf(section.id));
      write(section.id, section);
    }
  }
  writeMissing(ORDER.length);
  return out.take();
}

/** Sections that every metered module has, in their order. */
const NEEDED: readonly number[] = [SECTION.type, SECTION.import, SECTION.global, SECTION.export];

type Fill = (out: Writer, section: Section | undefined) => void;

/** What is written in place of a section, by its id. */
function contentsOf(module: Module, additions: Additions, writeBody: WriteBody): Readonly<Record<number, Fill>> {
  const { places, own, payers } = additions;
  const { bytes, exports, functions, functionsImported, globals, imports } = module;
  const signatures = [...own.map((row) => OWN_FUNCTIONS.get(row) ?? NOTHING), ...payers.map(({ type }) => type)];
  const types = new Types(module, [...CALLED.map(([, type]) => type), ...signatures]);
  // Before all else: globals go by what the code keeps in them.
  const code = codeOf(module, additions, (w, index) => {
    const type = module.types[functions[functionsImported + index] ?? 0] ?? NOTHING;
    writeBody(w, index, (inner) => types.writeBlock(inner, type.results));
  });
  const rest = (w: Writer, section: Section | undefined) =>
    section && w.copy(bytes, pastNumber(bytes, section.payload), section.end);
  return {
    [SECTION.type]: (out, section) => out.section(SECTION.type, (w) => types.write(w, () => rest(w, section))),
    [SECTION.import]: (out, section) =>
      out.section(SECTION.import, (w) => {
        rest(w.u32(imports.length + ADDED), section);
        for (const [name, type] of CALLED) w.name(METER_IMPORTS.module).name(name).byte(0).u32(types.index(type));
      }),
    [SECTION.function]: (out, section) =>
      out.section(SECTION.function, (w) => {
        rest(w.u32(functions.length - functionsImported + signatures.length), section);
        for (const one of signatures) w.u32(types.index(one));
      }),
    [SECTION.global]: (out, section) =>
      out.section(SECTION.global, (w) => {
        const imported = imports.filter(({ kind }) => kind === 'global').length;
        rest(w.u32(globals.length - imported + 2 + places.saves.types.length), section);
        w.raw([TYPE_BYTES.I as number, 1, 0x42, 0, 0x0b]);
        w.raw([TYPE_BYTES.I as number, 1, 0x42])
          .s32(STACK_WEIGHT_MAX)
          .byte(0x0b);
        places.saves.write(w);
      }),
    [SECTION.export]: (out) =>
      out.section(SECTION.export, (w) => {
        w.u32(exports.length + 2);
        for (const { name, kind, index } of exports) {
          w.name(name).byte(EXTERN_KINDS.indexOf(kind));
          w.u32(kind === 'function' ? movedIn(module)(index) : index);
        }
        w.name(METER_EXPORTS.fuel).byte(3).u32(places.fuel).name(METER_EXPORTS.stack).byte(3).u32(places.stack);
      }),
    [SECTION.start]: (out) => out.section(SECTION.start, (w) => w.u32(movedIn(module)(module.start?.index ?? 0))),
    [SECTION.element]: (out, section) =>
      section && out.section(SECTION.element, (w) => writeElements(w, module, section, movedIn(module))),
    [SECTION.code]: (out) => out.section(SECTION.code, (w) => w.copy(code.view(), 0, code.length)),
  };
}

function movedIn({ functionsImported }: Module): Moved {
  return (index) => (index < functionsImported ? index : index + ADDED);
}

function codeOf(
  { bodies, bytes }: Module,
  { places, own, payers }: Additions,
  writeOne: (w: Writer, index: number) => void,
): Writer {
  const code = new Writer(bytes.length + (bytes.length >> 2)).u32(bodies.length + own.length + payers.length);
  for (const index of bodies.keys()) writeOne(code, index);
  for (const row of own) writeOwnFunction(code, row, places);
  for (const payer of payers) writePayer(code, payer, places.fuel);
  return code;
}

/** Custom sections stay as they are; the names of functions move. */
function writeCustom(out: Writer, module: Module, section: CustomSection): void {
  const { bytes } = module;
  const { name, start, end, contents } = section;
  if (name !== NAMES) out.copy(bytes, start, end);
  else {
    const names = new Writer(end - start).name(NAMES);
    if (writeNames(names, bytes, contents, end, movedIn(module))) {
      out.section(SECTION.custom, (w) => w.copy(names.view(), 0, names.length));
    }
  }
}
