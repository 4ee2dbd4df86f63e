// The code of one function while it grows: its bytes, and the types that are on the stack.
import type { Opcode } from '../../runtime/wasm/opcodes.ts';
import type { Writer } from '../../runtime/wasm/writer.ts';
import { CONSTANTS, named } from './choices.ts';
import type { Dice } from './dice.ts';
import { type ValueType, writeConstant } from './numbers.ts';
import type { Plan } from './plan.ts';

/** A block that is open, or the function itself. */
export interface Frame {
  /** How many values lie below it. */
  readonly base: number;
  /** The types that a branch to it takes along. */
  readonly label: string;
  readonly results: string;
}

/** What all functions of a kernel add to. */
export interface KernelRecord {
  /** Opcodes that were written. */
  readonly used: Set<number>;
  /** Values that are left in memory for everybody to see, each in a slot of its own. */
  slots: number;
}

/** A function that is being written. */
export interface Code {
  readonly dice: Dice;
  readonly plan: Plan;
  /** Its place among the generated functions: it calls later ones only. */
  readonly place: number;
  readonly out: Writer;
  readonly frames: Frame[];
  /** Locals by type; `spare` is one of each type that only a few instructions in a row use. */
  readonly locals: Readonly<Record<ValueType, readonly number[]>>;
  readonly spare: Readonly<Record<ValueType, number>>;
  readonly record: KernelRecord;
  /** Types on the stack, the top last. */
  stack: string;
}

const GET = named('local.get');
const SET = named('local.set');
const TEE = named('local.tee');
const GLOBAL_GET = named('global.get');
const SIZE = named('memory.size');

/** Writes an opcode; what follows it is the caller's. The stack is changed as the table says. */
export function write(code: Code, op: Opcode): Writer {
  code.record.used.add(op.code);
  if (op.operands !== '' && !op.operands.includes('?')) code.stack = code.stack.slice(0, -op.operands.length);
  if (!op.results.includes('?')) code.stack += op.results;
  const prefix = Math.floor(op.code / 4096);
  return prefix === 0 ? code.out.byte(op.code) : code.out.byte(prefix).u32(op.code % 4096);
}

/** Writes instructions without immediates, or with an i32 behind a name: `i32.const`, 7, `i32.and`. */
export function writeAll(code: Code, ...parts: readonly (string | number)[]): void {
  for (const part of parts) {
    if (typeof part === 'string') write(code, named(part));
    else code.out.s32(part);
  }
}

export function writeI32(code: Code, value: number): void {
  write(code, CONSTANTS.i).s32(value);
}

/** The type on top, if this block has put a value there. */
export function topOf(code: Code): ValueType | undefined {
  return code.stack.length > baseOf(code) ? (code.stack.at(-1) as ValueType) : undefined;
}

export function baseOf({ frames }: Code): number {
  return (frames.at(-1) as Frame).base;
}

/** Puts some value of a type on the stack: a local, a constant, a global, the size of the memory. */
export function writeLeaf(code: Code, type: ValueType): void {
  const { dice, plan } = code;
  const kind = dice.below(20);
  if (kind < 11) getLocal(code, dice.pick(code.locals[type]), type);
  else if (kind < 17) writeConstant(write(code, CONSTANTS[type]), type, dice);
  else if (kind === 17 && type === 'i') write(code, SIZE).byte(0);
  else {
    const global = dice.pick(plan.globals.filter((one) => one.type === type));
    write(code, GLOBAL_GET).u32(global.index);
    code.stack += type;
  }
}

/** Makes the top of the stack these types: what fits is taken as it lies there, the rest is put on it. */
export function provide(code: Code, types: string): void {
  const own = code.stack.slice(baseOf(code));
  let fit = Math.min(own.length, types.length);
  while (fit > 0 && !own.endsWith(types.slice(0, fit))) fit--;
  for (const type of types.slice(fit)) writeLeaf(code, type as ValueType);
}

export function getLocal(code: Code, index: number, type: ValueType): void {
  write(code, GET).u32(index);
  code.stack += type;
}

export function setLocal(code: Code, index: number): void {
  write(code, SET).u32(index);
  code.stack = code.stack.slice(0, -1);
}

export function teeLocal(code: Code, index: number): void {
  write(code, TEE).u32(index);
}
