// Gives a module a counter for every straight run of code, so that what ran is known exactly: fuel = count x weight, and what ranges of
// memory, new pages and host calls cost by their size. The fuel itself is not counted here: the module is one that is not metered.
import { LodgerError } from '../base/errors.ts';
import { FUEL_PER_PAGE } from '../meter/tariff.ts';
import { WEIGHTS } from '../meter/weights.ts';
import { EXTERN_KINDS, type Module } from '../wasm/module.ts';
import { pastNumber, ROW, rowAt, stepOver, u32At } from '../wasm/outline.ts';
import { ORDER, SECTION, type Section } from '../wasm/sections.ts';
import { HEADER, Writer } from '../wasm/writer.ts';
import { type Code, writeCount, writeGrown, writeLength, writeSite } from './code.ts';

/** Exports that a module gets. */
export const PROFILE_EXPORTS = {
  /** i32: the host call, by its index, that the guest is in. */
  site: 'lodger:site',
  /** i64, with an index behind it: a counter. */
  counter: 'lodger:counter:',
} as const;

/** V8 takes 100,000 exports. */
const COUNTERS_MAX = 90_000;

/** Code that runs from its beginning to its end, unless it traps: calls end a run, as they may not come back. */
export interface Run {
  readonly body: number;
  /** Bytes of the module. */
  readonly from: number;
  readonly to: number;
  readonly counter: number;
}

/** An instruction whose cost depends on a size. */
export interface Sized {
  readonly body: number;
  readonly at: number;
  /** The counter of its fuel beyond its weight; of a call that may be one of the host's, its index as a site. */
  readonly counter: number;
}

export interface Instrumented {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly runs: readonly Run[];
  readonly ranges: readonly Sized[];
  readonly calls: readonly Sized[];
  readonly counters: number;
}

const ENDS: ReadonlySet<number> = new Set([
  ...[ROW.loop, ROW.if, ROW.else, ROW.end, ROW.br, ROW.brIf, ROW.brTable, ROW.return, ROW.unreachable],
  ...[ROW.call, ROW.callIndirect],
]);
const RANGES: ReadonlySet<number> = new Set([ROW.memoryGrow, ROW.memoryInit, ROW.memoryCopy, ROW.memoryFill]);

/** The module with counters. It must have been read whole and be valid. Throws `ERR_KERNEL_CEILING` for more runs than can be counted. */
export function instrument(module: Module): Instrumented {
  const runs: Run[] = [];
  const ranges: Sized[] = [];
  const calls: Sized[] = [];
  let counters = 0;
  for (const [body, { code, end }] of module.bodies.entries()) {
    let weight = 0;
    let from = code;
    for (let at = code; at < end; ) {
      const row = rowAt(module.bytes, at);
      const next = stepOver(module.bytes, at);
      weight += WEIGHTS[row] as number;
      if (RANGES.has(row)) ranges.push({ body, at, counter: counters++ });
      if (isOutside(module, row, at)) calls.push({ body, at, counter: calls.length });
      if (ENDS.has(row)) {
        if (weight > 0) runs.push({ body, from, to: next, counter: counters++ });
        weight = 0;
        from = next;
      }
      at = next;
    }
  }
  if (counters > COUNTERS_MAX)
    throw new LodgerError('ERR_KERNEL_CEILING', [counters, 'runs of code', COUNTERS_MAX, 'a profile counts each']);
  return { bytes: write(module, { runs, ranges, calls, counters }), runs, ranges, calls, counters };
}

/** Whether it calls a function of the host's, or may. */
function isOutside({ bytes, functionsImported }: Module, row: number, at: number): boolean {
  if (row === ROW.call) return u32At(bytes, at + 1) < functionsImported;
  return row === ROW.callIndirect && functionsImported > 0;
}

type Plan = Omit<Instrumented, 'bytes'>;

function write(module: Module, plan: Plan): Uint8Array<ArrayBuffer> {
  const { bytes, sections, customs, exports, globals, imports } = module;
  const imported = imports.filter(({ kind }) => kind === 'global').length;
  const contents: Readonly<Record<number, (w: Writer, section: Section | undefined) => void>> = {
    [SECTION.global]: (w, section) => {
      w.u32(globals.length - imported + 1 + plan.counters);
      if (section) w.copy(bytes, pastNumber(bytes, section.payload), section.end);
      w.raw([0x7f, 1, 0x41, 0, 0x0b]);
      for (let left = plan.counters; left > 0; left--) w.raw([0x7e, 1, 0x42, 0, 0x0b]);
    },
    [SECTION.export]: (w) => {
      w.u32(exports.length + 1 + plan.counters);
      for (const { name, kind, index } of exports) w.name(name).byte(EXTERN_KINDS.indexOf(kind)).u32(index);
      w.name(PROFILE_EXPORTS.site).byte(3).u32(globals.length);
      for (let counter = 0; counter < plan.counters; counter++)
        w.name(`${PROFILE_EXPORTS.counter}${counter}`)
          .byte(3)
          .u32(globals.length + 1 + counter);
    },
    [SECTION.code]: (w) => writeBodies(w, module, plan),
  };
  const out = new Writer(2 * bytes.length + 64 * plan.counters).raw(HEADER);
  const missing = ORDER.filter((id) => id in contents && !sections.some((section) => section.id === id));
  for (const section of [...sections, ...customs].sort((one, other) => one.start - other.start)) {
    const isCustom = section.id === SECTION.custom;
    while (!isCustom && missing[0] !== undefined && ORDER.indexOf(missing[0]) < ORDER.indexOf(section.id)) {
      const id = missing.shift() as number;
      out.section(id, (w) => contents[id]?.(w, undefined));
    }
    const fill = isCustom ? undefined : contents[section.id];
    if (fill) out.section(section.id, (w) => fill(w, section));
    else out.copy(bytes, section.start, section.end);
  }
  return out.take();
}

function writeBodies(w: Writer, module: Module, { runs, ranges, calls }: Plan): void {
  const { bytes, bodies, globals } = module;
  const places = { site: globals.length, counters: globals.length + 1 };
  const [run, range, call] = [queue(runs), queue(ranges), queue(calls)];
  w.u32(bodies.length);
  const inner = new Writer(4096);
  for (const [index, body] of bodies.entries()) {
    inner.clear();
    // Two locals for the sizes of ranges: what is not used costs nothing.
    inner.u32(u32At(bytes, body.start) + 1).copy(bytes, pastNumber(bytes, body.start), body.code);
    inner.u32(2).byte(0x7f);
    const code: Code = { w: inner, ...places, size: body.locals, grown: body.locals + 1 };
    for (let at = body.code; at < body.end; ) {
      const next = stepOver(bytes, at);
      const begins = run(index, at, ({ from }) => from);
      if (begins) writeCount(code, begins.counter);
      const outside = call(index, at, (one) => one.at);
      if (outside) writeSite(code, outside.counter);
      const sized = range(index, at, (one) => one.at);
      const isGrow = sized && rowAt(bytes, at) === ROW.memoryGrow;
      if (sized) writeLength(code, isGrow ? undefined : sized.counter);
      inner.copy(bytes, at, next);
      if (isGrow) writeGrown(code, sized.counter, FUEL_PER_PAGE);
      at = next;
    }
    w.u32(inner.length).copy(inner.view(), 0, inner.length);
  }
}

/** Takes what is next off a list in the order of the bytes, if it is of that body and place. */
function queue<T extends { readonly body: number }>(list: readonly T[]) {
  let next = 0;
  return (body: number, at: number, placeOf: (one: T) => number): T | undefined => {
    const one = list[next];
    if (one === undefined || one.body !== body || placeOf(one) !== at) return undefined;
    next++;
    return one;
  };
}
