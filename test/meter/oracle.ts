// What a run costs, counted in the dumbest way: every basic block pays for itself when it begins. Shares the tariff and the reader of
// modules with the meter, and nothing else.
import { FUEL_PER_PAGE } from '../../runtime/meter/tariff.ts';
import { WEIGHTS } from '../../runtime/meter/weights.ts';
import type { Body, Module } from '../../runtime/wasm/module.ts';
import { OPCODES, type Opcode } from '../../runtime/wasm/opcodes.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { Reader } from '../../runtime/wasm/reader.ts';
import { SECTION } from '../../runtime/wasm/sections.ts';
import { HEADER, Writer } from '../../runtime/wasm/writer.ts';

const FUEL = 'oracle:fuel';
const LENGTH_SHIFT = 2;
const ENDS = new Set(['br', 'br_if', 'br_table', 'return', 'unreachable', 'call', 'call_indirect']);
const MARKS = new Set(['block', 'loop', 'if', 'else', 'end']);
const RANGES = new Set(['memory.fill', 'memory.copy', 'memory.init']);

/**
 * The module with a counter `oracle:fuel` (i64) that goes down. With `stops`, a block that would bring it below zero traps, so
 * that runs without end can be told. No function index moves.
 */
export function oracle(bytes: Uint8Array, { stops = false } = {}): Uint8Array<ArrayBuffer> {
  const module = readModule(bytes);
  const global = module.globals.length;
  const sections = new Map<number, (w: Writer) => void>([
    [SECTION.global, (w) => writeGlobals(w, module)],
    [SECTION.export, (w) => writeExports(w, module, global)],
    [SECTION.code, (w) => writeCode(w, module, new Coder(module, global, stops))],
  ]);
  const out = new Writer().raw(HEADER);
  for (const id of [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]) {
    const write = sections.get(id);
    const section = module.sections.find((one) => one.id === id);
    if (write !== undefined) out.section(id, write);
    else if (section !== undefined) out.raw(bytes.subarray(section.start, section.end));
  }
  return out.take();
}

function itemsOf(module: Module, id: number): Uint8Array {
  const section = module.sections.find((one) => one.id === id);
  if (section === undefined) return new Uint8Array();
  const reader = new Reader(module.bytes, section.payload, section.end);
  reader.u32();
  return module.bytes.subarray(reader.at, section.end);
}

function writeGlobals(w: Writer, module: Module): void {
  const imported = module.imports.filter(({ kind }) => kind === 'global').length;
  w.u32(module.globals.length - imported + 1).raw(itemsOf(module, SECTION.global));
  w.raw([0x7e, 1, 0x42, 0, 0x0b]);
}

function writeExports(w: Writer, module: Module, global: number): void {
  w.u32(module.exports.length + 1).raw(itemsOf(module, SECTION.export));
  w.name(FUEL).byte(3).u32(global);
}

function writeCode(w: Writer, module: Module, coder: Coder): void {
  w.u32(module.bodies.length);
  for (const body of module.bodies) w.sized((inner) => coder.write(inner, body));
}

class Coder {
  readonly #module: Module;
  readonly #global: number;
  readonly #stops: boolean;

  constructor(module: Module, global: number, stops: boolean) {
    this.#module = module;
    this.#global = global;
    this.#stops = stops;
  }

  write(w: Writer, { start, code, end, locals }: Body): void {
    const { bytes } = this.#module;
    const reader = new Reader(bytes, start, code);
    w.u32(reader.u32() + 1).raw(bytes.subarray(reader.at, code));
    w.raw([2, 0x7f]);
    reader.at = code;
    reader.end = end;
    const block = new Writer();
    let weight = 0;
    const flush = () => {
      if (weight > 0) this.#charge(w, weight);
      w.raw(block.view());
      block.clear();
      weight = 0;
    };
    while (reader.at < end) {
      const at = reader.at;
      const op = opcode(reader);
      passImmediate(reader, op);
      if (MARKS.has(op.name)) {
        weight += weightOf(op);
        flush();
        w.raw(bytes.subarray(at, reader.at));
        continue;
      }
      weight += weightOf(op);
      if (RANGES.has(op.name)) this.#length(block, locals);
      if (op.name === 'memory.grow') block.byte(0x22).u32(locals);
      block.raw(bytes.subarray(at, reader.at));
      if (op.name === 'memory.grow') this.#pages(block, locals);
      if (ENDS.has(op.name)) flush();
    }
  }

  #charge(w: Writer, weight: number): void {
    w.byte(0x23).u32(this.#global).byte(0x42).s64(BigInt(weight)).byte(0x7d).byte(0x24).u32(this.#global);
    if (!this.#stops) return;
    w.byte(0x23).u32(this.#global).raw([0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b]);
  }

  #length(w: Writer, local: number): void {
    w.byte(0x22).u32(local).byte(0x23).u32(this.#global).byte(0x20).u32(local);
    w.raw([0x41, LENGTH_SHIFT, 0x76, 0xad, 0x7d, 0x24]).u32(this.#global);
  }

  #pages(w: Writer, local: number): void {
    w.byte(0x22)
      .u32(local + 1)
      .byte(0x41)
      .s32(-1)
      .raw([0x47, 0x04, 0x40, 0x23])
      .u32(this.#global);
    w.byte(0x20).u32(local).raw([0xad, 0x42]).s32(FUEL_PER_PAGE).raw([0x7e, 0x7d, 0x24]).u32(this.#global);
    w.raw([0x0b, 0x20]).u32(local + 1);
  }
}

function weightOf({ code }: Opcode): number {
  const prefix = Math.floor(code / 4096);
  return WEIGHTS[prefix === 0 ? code : (prefix - 0xfb) * 256 + (code % 4096)] as number;
}

function opcode(reader: Reader): Opcode {
  const first = reader.byte();
  const op = OPCODES.get(first >= 0xfc ? first * 4096 + reader.u32() : first);
  if (op === undefined) throw new Error(`no opcode ${first}`);
  return op;
}

function passImmediate(reader: Reader, { immediate }: Opcode): void {
  switch (immediate) {
    case 'block':
    case 'if':
      reader.s33();
      return;
    case 'br_table':
      for (let left = reader.u32() + 1; left > 0; left--) reader.u32();
      return;
    case 'i32':
    case 'i64':
      reader.s64();
      return;
    case 'memarg':
    case 'memargLane':
    case 'call_indirect':
    case 'memoryCopy':
    case 'memoryInit':
      reader.u32();
      reader.u32();
      if (immediate === 'memargLane') reader.byte();
      return;
    case 'f32':
      reader.skip(4);
      return;
    case 'f64':
      reader.skip(8);
      return;
    case 'bytes16':
      reader.skip(16);
      return;
    case 'byte':
      reader.skip(1);
      return;
    case 'none':
    case 'else':
    case 'end':
    case 'return':
    case 'unreachable':
      return;
    default:
      reader.u32();
  }
}
