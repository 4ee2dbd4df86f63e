// How floats of each kind are told from NaNs and replaced by the canonical one: the bytes of the instructions for it.
import { KIND, RAW32 } from './nan-kinds.ts';

const VECTOR_PREFIX = 0xfd;
const [SELECT, BITSELECT, EQZ] = [0x1b, 0x52, 0x45] as const;

/** Of vectors, what `isNumber` gives is a mask. */
export interface Float {
  readonly type: number;
  /** A scalar with these bytes follows as its immediate, first byte first; for vectors it is copied into all lanes. */
  readonly constant: readonly number[];
  readonly plus: readonly number[];
  readonly minus: readonly number[];
  readonly splat: readonly number[];
  readonly add: readonly number[];
  /** Of a value given twice: whether it is a number, or an i32 that says whether it is or has a NaN. */
  readonly isNumber: readonly number[];
  readonly hasNan: readonly number[];
  /** One of two by `isNumber`. */
  readonly choose: readonly number[];
}

const BITS = [
  { plus: [0, 0, 0xc0, 0x7f], minus: [0, 0, 0xc0, 0xff] },
  { plus: [0, 0, 0, 0, 0, 0, 0xf8, 0x7f], minus: [0, 0, 0, 0, 0, 0, 0xf8, 0xff] },
] as const;

const scalar = (width: 0 | 1, type: number, constant: number, add: number, lessOrEqual: number): Float => ({
  ...{ type, ...BITS[width], constant: [constant], splat: [], add: [add] },
  ...{ isNumber: [lessOrEqual], hasNan: [lessOrEqual, EQZ], choose: [SELECT] },
});

const [F32, F64] = [scalar(0, 0x7d, 0x43, 0x92, 0x5f), scalar(1, 0x7c, 0x44, 0xa0, 0x65)] as const;

/** Opcodes behind the prefix: below 128 one byte, else two. */
const of = (code: number): number[] =>
  code < 128 ? [VECTOR_PREFIX, code] : [VECTOR_PREFIX, (code & 127) | 128, code >> 7];

interface Lanes {
  readonly splat: number;
  readonly add: number;
  readonly equal: number;
  readonly unequal: number;
  readonly bitmask: number;
}

const vector = (lane: Float, { splat, add, equal, unequal, bitmask }: Lanes): Float => ({
  ...lane,
  ...{ type: 0x7b, splat: of(splat), add: of(add) },
  ...{ isNumber: of(equal), hasNan: [...of(unequal), ...of(bitmask)], choose: of(BITSELECT) },
});

const F32X4 = vector(F32, { splat: 0x13, add: 0xe4, equal: 0x41, unequal: 0x42, bitmask: 0xa4 });
const F64X2 = vector(F64, { splat: 0x14, add: 0xf0, equal: 0x47, unequal: 0x48, bitmask: 0xc4 });

export function floatOf(kind: number): Float {
  if (kind & KIND.vector) return kind & RAW32 ? F32X4 : F64X2;
  return kind & RAW32 ? F32 : F64;
}
