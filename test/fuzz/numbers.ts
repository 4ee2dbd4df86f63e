// Constants worth trying: the edges of each type, where engines go wrong, among plain random bits.
import type { Writer } from '../../runtime/wasm/writer.ts';
import type { Dice } from './dice.ts';

/** A value type: i = i32, I = i64, f = f32, F = f64, v = v128. */
export type ValueType = 'i' | 'I' | 'f' | 'F' | 'v';

const I32 = [0, 1, 2, 3, -1, -2, 7, 8, 31, 32, 33, 127, 128, 255, 256, 32_767, 65_535, 65_536, 2 ** 31 - 1, -(2 ** 31)];
const I64 = [...I32.map(BigInt), 63n, 64n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];

/** As bits, so that NaNs keep theirs: zeros, ones, subnormals, edges of the integers, infinities, quiet and signalling NaNs. */
const F32 = [
  ...[0, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000, 1, 0x80000001, 0x007fffff],
  ...[0x00800000, 0x4b000000, 0x4b800000, 0x4effffff, 0x4f000000, 0xcf000000, 0x4f7fffff, 0x4f800000, 0x5f000000],
  ...[0x5effffff, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7fa00000, 0x7f800001],
];
const F64 = [
  ...[
    0n,
    1n << 63n,
    0x3ff0n << 48n,
    0xbff0n << 48n,
    0x3fe0n << 48n,
    0xbfe0n << 48n,
    0x3ff8n << 48n,
    1n,
    (1n << 63n) | 1n,
  ],
  ...[0x0010n << 48n, 0x000fffffffffffffn, 0x4330n << 48n, 0x41dfffffffc00000n, 0x41e0n << 48n, 0xc1e0n << 48n],
  ...[
    0xc1e0000000200000n,
    0x41efffffffe00000n,
    0x43e0n << 48n,
    0x43dfffffffffffffn,
    0x47efffffe0000000n,
    0x47f0n << 48n,
  ],
  ...[
    0x380fffffffffffffn,
    0x7fefffffffffffffn,
    0x7ff0n << 48n,
    0xfff0n << 48n,
    0x7ff8n << 48n,
    0xfff8n << 48n,
    0x7ff4n << 48n,
  ],
];

const scratch = new DataView(new ArrayBuffer(16));

/** Writes what follows the `const` of that type. */
export function writeConstant(out: Writer, type: ValueType, dice: Dice): void {
  switch (type) {
    case 'i':
      out.s32(i32(dice));
      return;
    case 'I':
      out.s64(i64(dice));
      return;
    case 'f':
    case 'F':
    case 'v':
      out.raw(bytesOf(type, dice));
  }
}

/** An edge, its negation, or bits of any length. */
function i32(dice: Dice): number {
  if (dice.oneIn(3)) return dice.bits() >> dice.below(32);
  return dice.oneIn(3) ? -dice.pick(I32) | 0 : dice.pick(I32);
}

function i64(dice: Dice): bigint {
  if (dice.oneIn(3)) return BigInt.asIntN(64, bits64(dice)) >> BigInt(dice.below(64));
  return dice.oneIn(3) ? -dice.pick(I64) : dice.pick(I64);
}

const bits64 = (dice: Dice) => (BigInt(dice.bits()) << 32n) | BigInt(dice.bits());

/** Floats are quarters, which conversions take, or edges, or any bits. */
function bytesOf(type: 'f' | 'F' | 'v', dice: Dice): Uint8Array {
  const quarters = (dice.below(4_000) - 2_000) / 4;
  const kind = dice.below(8);
  if (type === 'v') setLanes(dice);
  else if (type === 'f') {
    if (kind < 3) scratch.setFloat32(0, quarters, true);
    else scratch.setUint32(0, kind === 3 ? dice.bits() : dice.pick(F32), true);
  } else {
    if (kind < 3) scratch.setFloat64(0, quarters, true);
    else scratch.setBigUint64(0, kind === 3 ? bits64(dice) : dice.pick(F64), true);
  }
  return new Uint8Array(scratch.buffer, 0, { f: 4, F: 8, v: 16 }[type]);
}

function setLanes(dice: Dice): void {
  const kind = dice.below(4);
  for (let at = 0; at < 16; at += 4) {
    if (kind === 0) scratch.setUint32(at, dice.pick(F32), true);
    else if (kind === 1) scratch.setInt32(at, dice.pick(I32), true);
    else if (kind === 2) scratch.setUint32(at, dice.bits(), true);
    else if (at % 8 === 0) scratch.setBigUint64(at, dice.pick(F64), true);
  }
}
