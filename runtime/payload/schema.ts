// The schema of a typed kernel's payloads: what its inputs and outputs consist of, as plain data.
import { PAYLOAD } from '../base/reading.ts';

/** The version of this form; another one is refused. */
export const PAYLOAD_VERSION = 1;

/** Integers -> lowest and highest value, bytes, and the tag that MessagePack has for them. They are always written in full width. */
export const INTEGERS = {
  i8: { min: -(2n ** 7n), max: 2n ** 7n - 1n, bytes: 1, tag: 0xd0 },
  u8: { min: 0n, max: 2n ** 8n - 1n, bytes: 1, tag: 0xcc },
  i16: { min: -(2n ** 15n), max: 2n ** 15n - 1n, bytes: 2, tag: 0xd1 },
  u16: { min: 0n, max: 2n ** 16n - 1n, bytes: 2, tag: 0xcd },
  i32: { min: -(2n ** 31n), max: 2n ** 31n - 1n, bytes: 4, tag: 0xd2 },
  u32: { min: 0n, max: 2n ** 32n - 1n, bytes: 4, tag: 0xce },
  i64: { min: -(2n ** 63n), max: 2n ** 63n - 1n, bytes: 8, tag: 0xd3 },
  u64: { min: 0n, max: 2n ** 64n - 1n, bytes: 8, tag: 0xcf },
} as const;

/** Floating-point numbers -> bytes and tag. */
export const FLOATS = { f32: { bytes: 4, tag: 0xca }, f64: { bytes: 8, tag: 0xcb } } as const;

/** JavaScript's typed arrays -> what each element is. They travel as binary, little-endian. */
export const NUMBERS = {
  Int8Array: 'i8',
  Uint8Array: 'u8',
  Uint8ClampedArray: 'u8',
  Int16Array: 'i16',
  Uint16Array: 'u16',
  Int32Array: 'i32',
  Uint32Array: 'u32',
  BigInt64Array: 'i64',
  BigUint64Array: 'u64',
  Float32Array: 'f32',
  Float64Array: 'f64',
} as const;

export type IntegerName = keyof typeof INTEGERS;
export type FloatName = keyof typeof FLOATS;
export type NumberName = IntegerName | FloatName;
export type NumbersName = keyof typeof NUMBERS;
export type ScalarName = NumberName | 'bool' | 'string';

/**
 * What a value is. `bytes` stands for a whole input or output that travels as it is, without MessagePack. `numbers` is an array of
 * numbers of one kind, named by the typed array that a host gets; `array` is one of anything else.
 */
export type PayloadType =
  | 'bytes'
  | ScalarName
  | { readonly nullable: PayloadType }
  | { readonly array: PayloadType }
  | { readonly numbers: NumbersName }
  | { readonly class: string };

export interface PayloadField {
  readonly name: string;
  readonly type: PayloadType;
  /** Whether an input may leave it out: the kernel then has a value of its own for it. Outputs always have it. */
  readonly optional?: true;
}

/** Input and output of a kernel; `classes` has the fields of each class by its name, in the order in which they are written. */
export interface Payload {
  readonly version: typeof PAYLOAD_VERSION;
  readonly input: PayloadType;
  readonly output: PayloadType;
  readonly classes: Readonly<Record<string, readonly PayloadField[]>>;
}

/** Whether the name is that of a number's type. */
export function isNumber(name: unknown): name is NumberName {
  return typeof name === 'string' && (Object.hasOwn(INTEGERS, name) || Object.hasOwn(FLOATS, name));
}

/** Whether the name is that of a single value's type. */
export function isScalar(name: unknown): name is ScalarName {
  return isNumber(name) || name === 'bool' || name === 'string';
}

/** What is wrong with a field's name; undefined if nothing is. Names are read by people and become keys of plain objects. */
export function fieldFault(name: string): string | undefined {
  if (name === '__proto__') return 'its name has a meaning of its own in JavaScript';
  if (!IDENTIFIER.test(name)) return 'its name is not an identifier';
  const { max } = PAYLOAD.nameBytes;
  return utf8.encode(name).length > max ? `its name has over ${max} bytes` : undefined;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const utf8 = new TextEncoder();
