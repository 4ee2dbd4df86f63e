// The opcode table: what every instruction is called, what follows it, what it takes and gives, which feature it belongs to.
// Source: WebAssembly core specification 2.0, appendix "Index of Instructions", and the overviews of the proposals named in FEATURES.
import { SIMD_ROWS } from './simd.ts';

/** Extensions to the first version of WebAssembly. The first group is read whole; a module that uses another is read up to there. */
export const FEATURES = [
  'multi-value',
  'mutable-globals',
  'sign-extension',
  'saturating-conversions',
  'bulk-memory',
  'simd',
  'reference-types',
  'table-mutation',
  'tail-calls',
  'exceptions',
  'function-references',
  'gc',
  'threads',
  'relaxed-simd',
  'wide-arithmetic',
  'memory64',
  'multi-memory',
  'extended-const',
  'custom-page-sizes',
  'stack-switching',
] as const;

export type Feature = (typeof FEATURES)[number];

/** What follows an opcode in the binary. `refused`: not read, since nothing of its feature is. */
export const IMMEDIATES = [
  'none',
  'refused',
  'block',
  'if',
  'else',
  'end',
  'br',
  'br_if',
  'br_table',
  'return',
  'unreachable',
  'call',
  'call_indirect',
  'local',
  'global',
  'memarg',
  'memory',
  'memoryInit',
  'memoryCopy',
  'data',
  'i32',
  'i64',
  'f32',
  'f64',
  'bytes16',
  'byte',
  'memargLane',
] as const;

export type Immediate = (typeof IMMEDIATES)[number];

/** First code, name before the dot, names after it (`-` leaves a code out), operands > results, immediate, feature. */
export type OpcodeRow = readonly [number, string, string, string, Immediate?, Feature?];

/** One instruction. Types are written i = i32, I = i64, f = f32, F = f64, v = v128. Control and variables have no fixed ones. */
export interface Opcode {
  /** The opcode, or prefix * 4096 + the number behind the prefix. */
  readonly code: number;
  readonly name: string;
  readonly operands: string;
  readonly results: string;
  readonly immediate: Immediate;
  readonly feature?: Feature;
}

const COMPARE = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const INTEGER = 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
const FLOAT = 'abs neg ceil floor trunc nearest sqrt';
const FLOAT2 = 'add sub mul div min max copysign';

const CORE_ROWS: readonly OpcodeRow[] = [
  [0x00, '', 'unreachable', '', 'unreachable'],
  [0x01, '', 'nop', ''],
  [0x02, '', 'block loop', '', 'block'],
  [0x04, '', 'if', 'i>', 'if'],
  [0x05, '', 'else', '', 'else'],
  [0x06, '', 'try catch throw rethrow throw_ref', '', 'refused', 'exceptions'],
  [0x0b, '', 'end', '', 'end'],
  [0x0c, '', 'br', '', 'br'],
  [0x0d, '', 'br_if', 'i>', 'br_if'],
  [0x0e, '', 'br_table', 'i>', 'br_table'],
  [0x0f, '', 'return', '', 'return'],
  [0x10, '', 'call', '', 'call'],
  [0x11, '', 'call_indirect', 'i>', 'call_indirect'],
  [0x12, '', 'return_call return_call_indirect', '', 'refused', 'tail-calls'],
  [0x14, '', 'call_ref return_call_ref', '', 'refused', 'function-references'],
  [0x18, '', 'delegate catch_all', '', 'refused', 'exceptions'],
  // Whatever their types, these take so many values and give so many.
  [0x1a, '', 'drop', '?>'],
  [0x1b, '', 'select', '??i>?'],
  [0x1c, '', 'select_t', '', 'refused', 'reference-types'],
  [0x1f, '', 'try_table', '', 'refused', 'exceptions'],
  [0x20, 'local', 'get', '>?', 'local'],
  [0x21, 'local', 'set', '?>', 'local'],
  [0x22, 'local', 'tee', '?>?', 'local'],
  [0x23, 'global', 'get', '>?', 'global'],
  [0x24, 'global', 'set', '?>', 'global'],
  [0x25, 'table', 'get', '', 'refused', 'reference-types'],
  [0x26, 'table', 'set', '', 'refused', 'table-mutation'],
  [0x28, 'i32', 'load', 'i>i', 'memarg'],
  [0x29, 'i64', 'load', 'i>I', 'memarg'],
  [0x2a, 'f32', 'load', 'i>f', 'memarg'],
  [0x2b, 'f64', 'load', 'i>F', 'memarg'],
  [0x2c, 'i32', 'load8_s load8_u load16_s load16_u', 'i>i', 'memarg'],
  [0x30, 'i64', 'load8_s load8_u load16_s load16_u load32_s load32_u', 'i>I', 'memarg'],
  [0x36, 'i32', 'store', 'ii>', 'memarg'],
  [0x37, 'i64', 'store', 'iI>', 'memarg'],
  [0x38, 'f32', 'store', 'if>', 'memarg'],
  [0x39, 'f64', 'store', 'iF>', 'memarg'],
  [0x3a, 'i32', 'store8 store16', 'ii>', 'memarg'],
  [0x3c, 'i64', 'store8 store16 store32', 'iI>', 'memarg'],
  [0x3f, 'memory', 'size', '>i', 'memory'],
  [0x40, 'memory', 'grow', 'i>i', 'memory'],
  [0x41, 'i32', 'const', '>i', 'i32'],
  [0x42, 'i64', 'const', '>I', 'i64'],
  [0x43, 'f32', 'const', '>f', 'f32'],
  [0x44, 'f64', 'const', '>F', 'f64'],
  [0x45, 'i32', 'eqz', 'i>i'],
  [0x46, 'i32', COMPARE, 'ii>i'],
  [0x50, 'i64', 'eqz', 'I>i'],
  [0x51, 'i64', COMPARE, 'II>i'],
  [0x5b, 'f32', 'eq ne lt gt le ge', 'ff>i'],
  [0x61, 'f64', 'eq ne lt gt le ge', 'FF>i'],
  [0x67, 'i32', 'clz ctz popcnt', 'i>i'],
  [0x6a, 'i32', INTEGER, 'ii>i'],
  [0x79, 'i64', 'clz ctz popcnt', 'I>I'],
  [0x7c, 'i64', INTEGER, 'II>I'],
  [0x8b, 'f32', FLOAT, 'f>f'],
  [0x92, 'f32', FLOAT2, 'ff>f'],
  [0x99, 'f64', FLOAT, 'F>F'],
  [0xa0, 'f64', FLOAT2, 'FF>F'],
  [0xa7, 'i32', 'wrap_i64', 'I>i'],
  [0xa8, 'i32', 'trunc_f32_s trunc_f32_u', 'f>i'],
  [0xaa, 'i32', 'trunc_f64_s trunc_f64_u', 'F>i'],
  [0xac, 'i64', 'extend_i32_s extend_i32_u', 'i>I'],
  [0xae, 'i64', 'trunc_f32_s trunc_f32_u', 'f>I'],
  [0xb0, 'i64', 'trunc_f64_s trunc_f64_u', 'F>I'],
  [0xb2, 'f32', 'convert_i32_s convert_i32_u', 'i>f'],
  [0xb4, 'f32', 'convert_i64_s convert_i64_u', 'I>f'],
  [0xb6, 'f32', 'demote_f64', 'F>f'],
  [0xb7, 'f64', 'convert_i32_s convert_i32_u', 'i>F'],
  [0xb9, 'f64', 'convert_i64_s convert_i64_u', 'I>F'],
  [0xbb, 'f64', 'promote_f32', 'f>F'],
  [0xbc, 'i32', 'reinterpret_f32', 'f>i'],
  [0xbd, 'i64', 'reinterpret_f64', 'F>I'],
  [0xbe, 'f32', 'reinterpret_i32', 'i>f'],
  [0xbf, 'f64', 'reinterpret_i64', 'I>F'],
  [0xc0, 'i32', 'extend8_s extend16_s', 'i>i', 'none', 'sign-extension'],
  [0xc2, 'i64', 'extend8_s extend16_s extend32_s', 'I>I', 'none', 'sign-extension'],
  [0xd0, 'ref', 'null is_null func', '', 'refused', 'reference-types'],
  [0xd3, 'ref', 'eq', '', 'refused', 'gc'],
  [0xd4, '', 'ref.as_non_null br_on_null br_on_non_null', '', 'refused', 'function-references'],
  [0xe0, 'cont', 'new bind', '', 'refused', 'stack-switching'],
  [0xe2, '', 'suspend resume resume_throw resume_throw_ref switch', '', 'refused', 'stack-switching'],
];

const NUMERIC_ROWS: readonly OpcodeRow[] = [
  [0x00, 'i32', 'trunc_sat_f32_s trunc_sat_f32_u', 'f>i', 'none', 'saturating-conversions'],
  [0x02, 'i32', 'trunc_sat_f64_s trunc_sat_f64_u', 'F>i', 'none', 'saturating-conversions'],
  [0x04, 'i64', 'trunc_sat_f32_s trunc_sat_f32_u', 'f>I', 'none', 'saturating-conversions'],
  [0x06, 'i64', 'trunc_sat_f64_s trunc_sat_f64_u', 'F>I', 'none', 'saturating-conversions'],
  [0x08, 'memory', 'init', 'iii>', 'memoryInit', 'bulk-memory'],
  [0x09, 'data', 'drop', '', 'data', 'bulk-memory'],
  [0x0a, 'memory', 'copy', 'iii>', 'memoryCopy', 'bulk-memory'],
  [0x0b, 'memory', 'fill', 'iii>', 'memory', 'bulk-memory'],
  [0x0c, '', 'table.init elem.drop table.copy table.grow', '', 'refused', 'table-mutation'],
  [0x10, 'table', 'size', '', 'refused', 'reference-types'],
  [0x11, 'table', 'fill', '', 'refused', 'table-mutation'],
  [0x12, 'memory', 'discard', '', 'refused', 'threads'],
  [0x13, 'i64', 'add128 sub128 mul_wide_s mul_wide_u', '', 'refused', 'wide-arithmetic'],
];

/** Every instruction that this project knows one by one, by code. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map(
  [...expand(CORE_ROWS, 0), ...expand(NUMERIC_ROWS, 0xfc), ...expand(SIMD_ROWS, 0xfd)].map((op) => [op.code, op]),
);

/** The features whose instructions all lie behind one prefix (or above 0xFF behind SIMD's): none of them is read. */
export const PREFIX_FEATURES: ReadonlyMap<number, Feature> = new Map([
  [0xfb, 'gc'],
  [0xfe, 'threads'],
]);

function* expand(rows: readonly OpcodeRow[], prefix: number): Generator<Opcode> {
  for (const [first, left, names, signature, immediate = 'none', feature] of rows) {
    const [operands = '', results = ''] = signature.split('>');
    const own = prefix === 0xfd ? 'simd' : feature;
    for (const [index, right] of names.split(' ').entries()) {
      if (right === '-') continue;
      const name = left === '' ? right : `${left}.${right}`;
      const op = { code: prefix * 4096 + first + index, name, operands, results, immediate };
      yield own === undefined ? op : { ...op, feature: own };
    }
  }
}
