// Steps that compute: numbers, lanes, memory, variables. NaNs are made canonical before anybody can see their bits.
import type { Opcode } from '../../runtime/wasm/opcodes.ts';
import { alignmentOf, CONVERTS, DIVIDES, lanesOf, makesNan, named } from './choices.ts';
import {
  type Code,
  getLocal,
  provide,
  setLocal,
  teeLocal,
  topOf,
  write,
  writeAll,
  writeI32,
  writeLeaf,
} from './code.ts';
import type { ValueType } from './numbers.ts';

const SELECT = named('select');
const DROP = named('drop');
const GLOBAL_SET = named('global.set');
const F32_CONST = named('f32.const');
const F64_CONST = named('f64.const');
const V128_CONST = named('v128.const');

const NAN32 = [0, 0, 0xc0, 0x7f];
const NAN64 = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f];

/** Addresses below this are for everybody; from there on each shown value has its slot, up to the end of the first page. */
const LOW = 0x4000;
const SHOWN = { at: LOW + 256, slots: 3_000 } as const;

/** One instruction that takes values and gives one. */
export function writePure(code: Code, op: Opcode): void {
  const { dice } = code;
  provide(code, op.operands);
  // Most divisors and conversions are tamed: otherwise nearly every task would end in its first lines.
  if (DIVIDES.test(op.name) && !dice.oneIn(20)) {
    if (op.name.startsWith('i32')) writeAll(code, 'i32.const', 1, 'i32.or');
    else {
      write(code, named('i64.const')).s64(1n);
      writeAll(code, 'i64.or');
    }
  }
  if (CONVERTS.test(op.name) && !dice.oneIn(15)) tame(code, op);
  const out = write(code, op);
  if (op.immediate === 'byte') out.byte(dice.below(lanesOf(op.name)));
  if (op.immediate === 'bytes16') for (let lane = 0; lane < 16; lane++) out.byte(dice.below(32));
  if (code.plan.options.hasCanonicalNans && makesNan(op)) canonicalise(code, op);
  show(code);
}

/**
 * Leaves a copy of the top in memory, more often than not: few values would reach the output by chance. The others stay within their
 * expression, which is what an optimising compiler looks for.
 */
function show(code: Code): void {
  if (code.dice.oneIn(3)) return;
  const type = topOf(code) as ValueType;
  setLocal(code, code.spare[type]);
  writeI32(code, 0);
  getLocal(code, code.spare[type], type);
  const slot = code.record.slots++ % SHOWN.slots;
  write(code, STORES[type])
    .u32(0)
    .u32(SHOWN.at + 16 * slot);
  getLocal(code, code.spare[type], type);
}

/** Leaves a float on the stack that the conversion takes. */
function tame(code: Code, { name, operands }: Opcode): void {
  const type = operands as 'f' | 'F';
  const isSigned = name.endsWith('_s');
  // The largest floats of both types below 2^31, 2^32, 2^63, 2^64, a little less.
  const limit = 2 ** ((name.startsWith('i32') ? 31 : 63) + (isSigned ? 0 : 1)) * 0.999;
  const float = type === 'f' ? 'f32' : 'f64';
  const constant = (value: number) => {
    const bytes = type === 'f' ? new Float32Array([value]).buffer : new Float64Array([value]).buffer;
    write(code, type === 'f' ? F32_CONST : F64_CONST).raw(new Uint8Array(bytes));
  };
  if (!isSigned) writeAll(code, `${float}.abs`);
  setLocal(code, code.spare[type]);
  getLocal(code, code.spare[type], type);
  constant(1.5);
  getLocal(code, code.spare[type], type);
  writeAll(code, `${float}.abs`);
  constant(limit);
  writeAll(code, `${float}.lt`);
  writeSelect(code);
}

/** Keeps the top where it equals itself, and puts the canonical NaN in its place, lane by lane, where it does not. */
function canonicalise(code: Code, { name, results }: Opcode): void {
  const type = results as 'f' | 'F' | 'v';
  const spare = code.spare[type];
  const isWide = name.startsWith('f64');
  teeLocal(code, spare);
  if (type === 'v')
    write(code, V128_CONST).raw(isWide ? [...NAN64, ...NAN64] : [...NAN32, ...NAN32, ...NAN32, ...NAN32]);
  else write(code, type === 'f' ? F32_CONST : F64_CONST).raw(type === 'f' ? NAN32 : NAN64);
  getLocal(code, spare, type);
  getLocal(code, spare, type);
  if (type === 'v') writeAll(code, isWide ? 'f64x2.eq' : 'f32x4.eq', 'v128.bitselect');
  else {
    writeAll(code, type === 'f' ? 'f32.eq' : 'f64.eq');
    writeSelect(code);
  }
}

function writeSelect(code: Code): void {
  write(code, SELECT);
  code.stack = code.stack.slice(0, -2);
}

/** `select` of two values of any one type. */
export function writeChoice(code: Code): void {
  const type = topOf(code) ?? code.dice.pick(code.plan.types);
  provide(code, `${type}${type}i`);
  writeSelect(code);
}

/** A load, a store, or one lane of them. Most addresses lie within the first page; some are whatever was computed. */
export function writeMemory(code: Code, op: Opcode): void {
  const { dice } = code;
  const value = op.operands[1] as ValueType | undefined;
  // The address lies below the value, so the value has to step aside.
  const hasValue = value !== undefined && topOf(code) === value;
  if (value !== undefined && hasValue) setLocal(code, code.spare[value]);
  provide(code, 'i');
  if (!dice.oneIn(400)) writeAll(code, 'i32.const', dice.oneIn(10) ? 0xfff0 : 0x3fff, 'i32.and');
  if (value !== undefined && hasValue) getLocal(code, code.spare[value], value);
  else if (value !== undefined) writeLeaf(code, value);
  const align = dice.below(alignmentOf(op.name) + 1);
  const offset = dice.oneIn(300) ? dice.bits() : dice.oneIn(200) ? dice.below(70_000) : dice.below(16);
  const out = write(code, op).u32(align).u32(offset);
  if (op.immediate === 'memargLane') out.byte(dice.below(lanesOf(op.name)));
  if (op.results !== '') show(code);
}

/** Puts the top away where it can be seen later: in a local, a global or the memory; or drops it. */
export function writeSink(code: Code): void {
  const { dice, plan } = code;
  const type = topOf(code) ?? dice.pick(plan.types);
  provide(code, type);
  const kind = dice.below(8);
  const globals = plan.globals.filter((one) => one.type === type && one.isMutable);
  if (kind < 3) setLocal(code, dice.pick(code.locals[type]));
  else if (kind === 3) teeLocal(code, dice.pick(code.locals[type]));
  else if (kind < 6 && globals.length > 0) {
    write(code, GLOBAL_SET).u32(dice.pick(globals).index);
    code.stack = code.stack.slice(0, -1);
  } else if (kind === 6) writeMemory(code, STORES[type]);
  else drop(code);
}

const STORES: Readonly<Record<ValueType, Opcode>> = {
  i: named('i32.store'),
  I: named('i64.store'),
  f: named('f32.store'),
  F: named('f64.store'),
  v: named('v128.store'),
};

export function drop(code: Code): void {
  write(code, DROP);
  code.stack = code.stack.slice(0, -1);
}

/** An address, mostly below what `show` uses. */
export function writeAddress(code: Code): void {
  const { dice } = code;
  writeI32(code, dice.oneIn(150) ? dice.bits() : dice.below(dice.oneIn(20) ? 70_000 : LOW));
}

/** An address, and a length that mostly fits behind it. */
export function writeRange(code: Code): void {
  const { dice } = code;
  writeAddress(code);
  writeI32(code, dice.oneIn(150) ? dice.bits() : dice.below(200));
}
