// Types, sizes and constant expressions: what several sections hold. Source: core specification 2.0, 5.3 and 5.4.9.
import { READING } from '../base/reading.ts';
import { note, Unread } from './draft.ts';
import type { ConstantExpression, FunctionType, Size } from './module.ts';
import type { Feature } from './opcodes.ts';
import { malformed, type Reader } from './reader.ts';

const V128 = 0x7b;
const I32 = 0x7f;
/** The letters of v128 (0x7B), f64, f32, i64 and i32 (0x7F). */
const LETTERS = 'vFfIi';
const LETTER_CODES = [...LETTERS].map((letter) => letter.charCodeAt(0));
const TYPE_FEATURES: Readonly<Record<number, Feature>> = {
  112: 'reference-types',
  111: 'reference-types',
  105: 'exceptions',
  116: 'exceptions',
  100: 'function-references',
  99: 'function-references',
  115: 'gc',
  114: 'gc',
  113: 'gc',
  110: 'gc',
  109: 'gc',
  108: 'gc',
  107: 'gc',
  106: 'gc',
  104: 'stack-switching',
  117: 'stack-switching',
};
const FUNCREF = 0x70;

/** The letter of a value type. Reference types are named, not read. */
export function valueType(reader: Reader, seen: Uint32Array): string {
  return String.fromCharCode(code(reader, seen));
}

/** The same as a character code. */
function code(reader: Reader, seen: Uint32Array): number {
  const at = reader.at;
  const byte = reader.byte();
  if (byte >= V128 && byte <= I32) {
    if (byte === V128) note(seen, 'simd', at);
    return LETTER_CODES[byte - V128] as number;
  }
  const feature = TYPE_FEATURES[byte];
  if (feature !== undefined) throw new Unread(feature, at);
  throw malformed(`0x${byte.toString(16)} is not a value type`, at);
}

/** Parameters or results, by their letters. */
export function valueTypes(reader: Reader, seen: Uint32Array, what: string): string {
  const count = reader.count(what, 1, 'typeValues');
  // Into one array of character codes: letters joined one by one would live on as a chain of 32 bytes each.
  for (let index = 0; index < count; index++) codes[index] = code(reader, seen);
  return count < 4 ? String.fromCharCode(...codes.subarray(0, count)) : ascii.decode(codes.subarray(0, count));
}

const codes = new Uint8Array(READING.typeValues.max);
const ascii = new TextDecoder();

/** Parameters and results of a block; `types` are the module's. */
export function blockType(reader: Reader, types: readonly FunctionType[], seen: Uint32Array): FunctionType {
  const at = reader.at;
  const byte = reader.peek();
  if (byte === 0x40) {
    reader.at++;
    return EMPTY;
  }
  // A single byte with its bit 6 set is a negative number, and so a value type.
  if (byte < 0x80 && byte >= 0x40) return SINGLE[valueType(reader, seen)] ?? EMPTY;
  const index = reader.s33();
  const type = types[index];
  if (type === undefined) throw malformed('a block has an unknown type', at);
  note(seen, 'multi-value', at);
  return type;
}

const EMPTY: FunctionType = { params: '', results: '' };
const SINGLE: Readonly<Record<string, FunctionType>> = Object.fromEntries(
  [...LETTERS].map((letter) => [letter, { params: '', results: letter }]),
);

/** The type of a table's or segment's items: funcref; others are named, not read. */
export function funcref(reader: Reader): void {
  const at = reader.at;
  const byte = reader.byte();
  if (byte === FUNCREF) return;
  if (byte === 0x40) throw new Unread('function-references', at);
  const feature = TYPE_FEATURES[byte];
  if (feature !== undefined) throw new Unread(feature, at);
  throw malformed(`0x${byte.toString(16)} is not a reference type`, at);
}

/** Minimum and maximum of a memory (pages) or table (elements). */
export function size(reader: Reader): Size {
  const at = reader.at;
  const flags = reader.byte();
  if (flags > 0x0f) throw malformed(`0x${flags.toString(16)} are not the flags of a size`, at);
  if (flags & 2) throw new Unread('threads', at);
  if (flags & 4) throw new Unread('memory64', at);
  if (flags & 8) throw new Unread('custom-page-sizes', at);
  const min = reader.u32();
  return flags & 1 ? { min, max: reader.u32() } : { min };
}

const CONSTANTS: Readonly<Record<number, (reader: Reader) => number>> = {
  35: (reader) => reader.u32(),
  65: (reader) => reader.s32(),
  66: (reader) => zero(reader.skipS64()),
  67: (reader) => zero(reader.skip(4)),
  68: (reader) => zero(reader.skip(8)),
};
const EXTENDED: readonly number[] = [0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e];
const V128_CONST = 0x0c;
const REF_NULL = 0xd0;
const REF_FUNC = 0xd2;

const zero = (_: unknown) => 0;

/** One constant and `end`. `items`: in an element segment, functions are constants, too. */
export function constantExpression(reader: Reader, seen: Uint32Array, place: 'value' | 'items'): ConstantExpression {
  const start = reader.at;
  const opcode = reader.byte();
  const value = constant(reader, opcode, seen, place, start);
  const at = reader.at;
  const next = reader.byte();
  if (next === 0x0b) return { opcode, value, start, end: reader.at };
  if (EXTENDED.includes(next) || next in CONSTANTS) throw new Unread('extended-const', at);
  if (next === 0xfb) throw new Unread('gc', at);
  throw malformed('a constant expression is more than a constant', at);
}

function constant(reader: Reader, opcode: number, seen: Uint32Array, place: 'value' | 'items', start: number): number {
  const read = CONSTANTS[opcode];
  if (read !== undefined) return read(reader);
  if (opcode === 0xfd && reader.u32() === V128_CONST) {
    note(seen, 'simd', start);
    reader.skip(16);
    return 0;
  }
  if (opcode === 0xfb) throw new Unread('gc', start);
  if (opcode !== REF_NULL && opcode !== REF_FUNC) throw malformed('a constant expression has no constant', start);
  if (place === 'value') throw new Unread('reference-types', start);
  if (opcode === REF_FUNC) return reader.u32();
  funcref(reader);
  return 0;
}
