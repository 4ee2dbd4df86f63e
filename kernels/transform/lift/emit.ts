// Writes expressions for the compiler: the few instructions that a lifted loop adds, with fresh locals of its function.
import { type Flow, type Local, type Module, Type } from 'assemblyscript';
import { BINARY, type Ref, UNARY } from './tables.ts';

/** Writes into one function. Every call gives a new expression: none may be used twice. */
export interface Emit {
  readonly module: Module;
  readonly fresh: (type: 'i32' | 'i64' | 'v128') => Local;
  /** Of a type as the compiler numbers them. */
  readonly freshAs: (type: number) => Local;
  readonly get: (local: Local) => Ref;
  readonly set: (local: Local, value: Ref) => Ref;
  readonly binary: (op: number, left: Ref, right: Ref) => Ref;
  readonly i32: (value: number) => Ref;
  /** A constant of 53 bits. */
  readonly i64: (value: number) => Ref;
  /** An i32 as i64, by its sign. */
  readonly wide: (value: Ref) => Ref;
  /** An i32 without a sign as i64. */
  readonly wideUnsigned: (value: Ref) => Ref;
  readonly add: (left: Ref, right: Ref) => Ref;
  readonly not: (condition: Ref) => Ref;
}

const NUMBERS = [Type.i32, Type.i64, Type.f32, Type.f64];

/** Makes the writer for the function that is being compiled. */
export function createEmit(module: Module, flow: Flow): Emit {
  const binary = (op: number, left: Ref, right: Ref): Ref => module.binary(op, left, right);
  return {
    module,
    fresh: (type) => flow.getTempLocal(Type[type]),
    freshAs: (type) => flow.getTempLocal(NUMBERS.find((number) => number.toRef() === type) ?? Type.i32),
    get: (local) => module.local_get(local.index, local.type.toRef()),
    set: (local, value) => module.local_set(local.index, value, false),
    binary,
    i32: (value) => module.i32(value),
    i64: (value) => module.i64(value | 0, Math.floor(value / 2 ** 32)),
    wide: (value) => module.unary(UNARY.ExtendI32ToI64, value),
    wideUnsigned: (value) => module.unary(UNARY.ExtendU32ToU64, value),
    add: (left, right) => binary(BINARY.AddI32, left, right),
    not: (condition) => module.unary(UNARY.EqzI32, condition),
  };
}

/** The logarithm of an element's size: 0 to 3. */
export function shiftOf(bytes: number): number {
  return 31 - Math.clz32(bytes);
}
