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

/** One instruction that takes values and gives one. */
export function writePure(code: Code, op: Opcode): void {
  const { dice } = code;
  provide(code, op.operands);
  // Most divisors and conversions are tamed: otherwise nearly every task would end in its first lines.
  if (DIVIDES.test(op.name) && !dice.oneIn(12)) {
    if (op.name.startsWith('i32')) writeAll(code, 'i32.const', 1, 'i32.or');
    else {
      write(code, named('i64.const')).s64(1n);
      writeAll(code, 'i64.or');
    }
  }
  if (CONVERTS.test(op.name) && !dice.oneIn(6)) tame(code, op.operands as 'f' | 'F');
  const out = write(code, op);
  if (op.immediate === 'byte') out.byte(dice.below(lanesOf(op.name)));
  if (op.immediate === 'bytes16') for (let lane = 0; lane < 16; lane++) out.byte(dice.below(32));
  if (code.plan.options.hasCanonicalNans && makesNan(op)) canonicalise(code, op);
}

/** Leaves a float from 0 to 2^31 on the stack. */
function tame(code: Code, type: 'f' | 'F'): void {
  const float = type === 'f' ? 'f32' : 'f64';
  const constant = (value: number) => {
    const bytes = type === 'f' ? new Float32Array([value]).buffer : new Float64Array([value]).buffer;
    write(code, type === 'f' ? F32_CONST : F64_CONST).raw(new Uint8Array(bytes));
  };
  writeAll(code, `${float}.abs`);
  setLocal(code, code.spare[type]);
  getLocal(code, code.spare[type], type);
  constant(1.5);
  getLocal(code, code.spare[type], type);
  constant(2e9);
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
  if (!dice.oneIn(60)) writeAll(code, 'i32.const', dice.oneIn(3) ? 0xffff : 0xfff0, 'i32.and');
  if (value !== undefined && hasValue) getLocal(code, code.spare[value], value);
  else if (value !== undefined) writeLeaf(code, value);
  const align = dice.below(alignmentOf(op.name) + 1);
  const offset = dice.oneIn(100) ? dice.bits() : dice.oneIn(50) ? dice.below(70_000) : dice.below(16);
  const out = write(code, op).u32(align).u32(offset);
  if (op.immediate === 'memargLane') out.byte(dice.below(lanesOf(op.name)));
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
  } else if (kind === 6) writeMemory(code, named(`${NAMES[type]}.store`));
  else drop(code);
}

const NAMES: Readonly<Record<ValueType, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128' };

export function drop(code: Code): void {
  write(code, DROP);
  code.stack = code.stack.slice(0, -1);
}

/** An address, and a length that mostly fits behind it. */
export function writeRange(code: Code): void {
  const { dice } = code;
  const isWild = dice.oneIn(30);
  writeI32(code, isWild ? dice.bits() : dice.below(60_000));
  writeI32(code, dice.oneIn(30) ? dice.bits() : dice.below(200));
}
