// Canonical NaNs in the dumbest way: every arithmetic instruction is followed by code that makes its result canonical. Shares the
// reader of modules with the meter, and nothing else.
import type { Body, Module } from '../../runtime/wasm/module.ts';
import { OPCODES } from '../../runtime/wasm/opcodes.ts';
import { stepOver, u32At } from '../../runtime/wasm/outline.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { Reader } from '../../runtime/wasm/reader.ts';
import { SECTION } from '../../runtime/wasm/sections.ts';
import { HEADER, Writer } from '../../runtime/wasm/writer.ts';
import { asm } from '../wasm/asm.ts';

const ARITHMETIC = /^(f(?:32|64)(?:x\d)?)\.(?:add|sub|mul|div|sqrt|min|max|ceil|floor|trunc|nearest|demote|promote)/;

/** How a result on the stack is made canonical: through a local that comes so many after the function's own. */
const FIXES: Readonly<Record<string, readonly [local: number, nan: string, compare: string, choose: string]>> = {
  f32: [0, '0x43 0x00 0x00 0xc0 0x7f', 'f32.eq', 'select'],
  f64: [1, '0x44 0x00 0x00 0x00 0x00 0x00 0x00 0xf8 0x7f', 'f64.eq', 'select'],
  f32x4: [2, `v128.const ${'0 0 192 127 '.repeat(4)}`, 'f32x4.eq', 'v128.bitselect'],
  f64x2: [2, `v128.const ${'0 0 0 0 0 0 248 127 '.repeat(2)}`, 'f64x2.eq', 'v128.bitselect'],
};

/** Types of those locals. */
const LOCALS = [0x7d, 0x7c, 0x7b] as const;

/** The module with nothing added but that. */
export function canonicalEverywhere(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = readModule(bytes);
  const out = new Writer().raw(HEADER);
  for (const { id, start, end } of module.sections) {
    if (id === SECTION.code) out.section(id, (w) => writeCode(w, module));
    else out.raw(bytes.subarray(start, end));
  }
  return out.take();
}

function writeCode(w: Writer, module: Module): void {
  w.u32(module.bodies.length);
  for (const body of module.bodies) w.sized((inner) => writeBody(inner, module.bytes, body));
}

function writeBody(w: Writer, bytes: Uint8Array, { start, code, end, locals }: Body): void {
  const reader = new Reader(bytes, start, code);
  const runs = reader.u32();
  w.u32(runs + LOCALS.length).raw(bytes.subarray(reader.at, code));
  for (const type of LOCALS) w.u32(1).byte(type);
  for (let at = code, next = at; at < end; at = next) {
    next = stepOver(bytes, at);
    w.raw(bytes.subarray(at, next));
    const first = bytes[at] as number;
    const name = OPCODES.get(first >= 0xfc ? first * 4096 + u32At(bytes, at + 1) : first)?.name ?? '';
    const [, shape = ''] = ARITHMETIC.exec(name) ?? [];
    const fix = FIXES[shape];
    if (fix === undefined) continue;
    const [offset, nan, compare, choose] = fix;
    const local = locals + offset;
    const value = `local.get ${local}`;
    w.raw(asm(`local.tee ${local} ${nan} ${value} ${value} ${compare} ${choose}`));
  }
}
