// Gives a module functions that store its mutable globals in memory and load them back, since no engine shows them all to its host.
// Whatever was there keeps its index: what is added stands behind it.
import { LodgerError } from '../base/errors.ts';
import { PAGE } from '../base/limits.ts';
import type { Module } from '../wasm/module.ts';
import { pastNumber } from '../wasm/outline.ts';
import { type CustomSection, ORDER, SECTION, type Section } from '../wasm/sections.ts';
import { HEADER, Writer } from '../wasm/writer.ts';
import { IMAGE } from './bounds.ts';
import { Drops } from './drops.ts';
import { type StateField, writeGrow, writeLoad, writeSave } from './transfer.ts';

/** Functions that a module gets. What they do is not metered, as they are added after the meter. */
export const STATE_EXPORTS = {
  /** `(at: i32)`: stores the state in memory from `at` on. */
  save: 'lodger:save',
  /** `(at: i32)`: loads it back from there. */
  load: 'lodger:load',
  /** `(pages: i32) -> i32`: `memory.grow`, for a host that cannot grow the memory itself. */
  grow: 'lodger:grow',
} as const;

export interface Stateful {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What is stored, in its order, without gaps. */
  readonly fields: readonly StateField[];
  readonly stateBytes: number;
  /** Where what lies so many bytes into a body lay in it before. */
  readonly before: (body: number, offset: number) => number;
}

const SIZES: Readonly<Record<string, number>> = { i: 4, I: 8, f: 4, F: 8, v: 16 };
const [I32, FUNCTION] = [0x7f, 0x60] as const;

/**
 * The module with STATE_EXPORTS. `globals` is how many of its globals are the kernel's own, and state: what the meter adds stands behind
 * them. A module that drops passive data segments also gets globals that remember it, so that a load drops them again.
 *
 * The module must have been read whole, be valid and have a memory. Throws `ERR_KERNEL_INTERFACE` where these names are taken, and
 * `ERR_KERNEL_CEILING` for more state than the memory can lend room for.
 */
export function addState(module: Module, globals: number = module.globals.length): Stateful {
  const taken = module.exports.find(({ name }) => (Object.values(STATE_EXPORTS) as string[]).includes(name));
  if (taken !== undefined) throw new LodgerError('ERR_KERNEL_INTERFACE', [`its export "${taken.name}" is the host's`]);
  const drops = new Drops(module);
  const fields = fieldsOf(module, globals, drops);
  const last = fields.at(-1);
  const stateBytes = last === undefined ? 0 : last.at + (SIZES[last.type] as number);
  const room = Math.min((module.memories[0]?.min ?? 0) * PAGE, IMAGE.stateBytes.default);
  if (stateBytes > room) {
    const reason = 'for an image, mutable globals are stored in the memory that the kernel has at start';
    throw new LodgerError('ERR_KERNEL_CEILING', [stateBytes, 'bytes of state', room, reason]);
  }
  const before = (body: number, offset: number) => {
    const source = module.bodies[body];
    return source === undefined ? offset : drops.before(source, offset, module.globals.length);
  };
  return { bytes: rewrite(module, fields, drops), fields, stateBytes, before };
}

function fieldsOf({ globals, imports }: Module, own: number, drops: Drops): StateField[] {
  const imported = imports.filter(({ kind }) => kind === 'global').length;
  const fields: StateField[] = [];
  let at = 0;
  for (const [index, { type, mutable }] of globals.slice(0, own).entries()) {
    if (!mutable || index < imported) continue;
    fields.push({ global: index, type, at });
    at += SIZES[type] as number;
  }
  for (const [index, segment] of drops.segments.entries()) {
    fields.push({ global: globals.length + index, type: 'i', at, segment });
    at += SIZES.i as number;
  }
  return fields;
}

function rewrite(module: Module, fields: readonly StateField[], drops: Drops): Uint8Array<ArrayBuffer> {
  const edited = drops.segments.length > 0;
  const contents = contentsOf(module, fields, drops);
  const out = new Writer(module.bytes.length + fields.length * 16 + 256).raw(HEADER);
  const missing = ORDER.filter((id) => id in contents && !module.sections.some((section) => section.id === id));
  const writeMissing = (place: number) => {
    while (missing[0] !== undefined && ORDER.indexOf(missing[0]) < place) {
      const id = missing.shift() as number;
      out.section(id, (w) => contents[id]?.(w, undefined));
    }
  };
  for (const section of [...module.sections, ...module.customs].sort((a, b) => a.start - b.start)) {
    // Hints go by offsets in bodies, which are no longer so where a body was edited.
    const isHint = 'name' in section && (section as CustomSection).name.startsWith('metadata.code.');
    if (isHint && edited) continue;
    const isCustom = section.id === SECTION.custom;
    if (!isCustom) writeMissing(ORDER.indexOf(section.id));
    const fill = isCustom ? undefined : contents[section.id];
    if (fill !== undefined) out.section(section.id, (w) => fill(w, section));
    else out.copy(module.bytes, section.start, section.end);
  }
  writeMissing(ORDER.length);
  return out.take();
}

type Fill = (w: Writer, section: Section | undefined) => void;

/** What is written in place of a section's payload, by its id: what is there, and behind it what is added. */
function contentsOf(module: Module, fields: readonly StateField[], drops: Drops): Readonly<Record<number, Fill>> {
  const { bytes, types, functions, functionsImported, globals, exports, bodies, imports } = module;
  const { segments } = drops;
  const rest = (w: Writer, section: Section | undefined) =>
    section && w.copy(bytes, pastNumber(bytes, section.payload), section.end);
  const globalsImported = imports.filter(({ kind }) => kind === 'global').length;
  const edited: Record<number, Fill> = {
    [SECTION.global]: (w, section) => {
      rest(w.u32(globals.length - globalsImported + segments.length), section);
      for (const _ of segments) w.raw([I32, 1, 0x41, 0, 0x0b]);
    },
  };
  return {
    ...(segments.length > 0 && edited),
    [SECTION.type]: (w, section) => {
      rest(w.u32(types.length + 2), section);
      w.raw([FUNCTION, 1, I32, 0]).raw([FUNCTION, 1, I32, 1, I32]);
    },
    [SECTION.function]: (w, section) => {
      rest(w.u32(functions.length - functionsImported + 3), section);
      w.u32(types.length)
        .u32(types.length)
        .u32(types.length + 1);
    },
    [SECTION.export]: (w, section) => {
      rest(w.u32(exports.length + 3), section);
      for (const [index, name] of Object.values(STATE_EXPORTS).entries()) {
        w.name(name)
          .byte(0)
          .u32(functions.length + index);
      }
    },
    [SECTION.code]: (w, section) => {
      w.u32(bodies.length + 3);
      if (segments.length === 0) rest(w, section);
      else for (const body of bodies) drops.write(w, body, globals.length);
      writeSave(w, fields);
      writeLoad(w, fields);
      writeGrow(w);
    },
  };
}
