// Philox4x32-10, random numbers by counter: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Every block of four
// numbers is a function of key and counter alone, so tasks draw from one stream of 2^128 blocks without asking each other.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

@inline const MULTIPLIER_0: u32 = 0xd2511f53;
@inline const MULTIPLIER_1: u32 = 0xcd9e8d57;
@inline const WEYL_0: u32 = 0x9e3779b9;
@inline const WEYL_1: u32 = 0xbb67ae85;
@inline const ROUNDS = 10;

/** The random numbers of a key. */
export class Philox {
  private readonly key0: u32;
  private readonly key1: u32;

  constructor(key: u64) {
    this.key0 = <u32>key;
    this.key1 = <u32>(key >> 32);
  }

  /** The block of a counter of two words, the lower one first: four u32 in lanes. */
  @inline
  block(low: u64, high: u64): v128 {
    return this.blockOf(i64x2.replace_lane(i64x2.splat(low), 1, high));
  }

  /** The block of a counter of four u32 in lanes. */
  blockOf(counter: v128): v128 {
    // Lanes 0 and 2 are multiplied; 1 and 3 are mixed into the upper halves of the products.
    const multipliers = i64x2.replace_lane(i64x2.splat(MULTIPLIER_0), 1, MULTIPLIER_1);
    const weyl = i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 0, WEYL_0), 2, WEYL_1);
    let key = i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 0, this.key0), 2, this.key1);
    const m = v128.shuffle<u32>(multipliers, multipliers, 0, 2, 0, 2);
    let c = counter;
    for (let round = 0; round < ROUNDS; round++) {
      // Both products of 64 bits: lane 0 of c times the first multiplier, lane 2 times the second.
      const products = i64x2.extmul_low_i32x4_u(v128.shuffle<u32>(c, c, 0, 2, 0, 2), m);
      // next = (high(p1) ^ c1 ^ k0, low(p1), high(p0) ^ c3 ^ k1, low(p0))
      const highs = v128.shuffle<u32>(products, products, 3, 2, 1, 0);
      const mixed = v128.xor(v128.shuffle<u32>(c, i32x4.splat(0), 1, 4, 3, 4), key);
      c = v128.xor(highs, mixed);
      key = i32x4.add(key, weyl);
    }
    return c;
  }

  /** Two numbers of a block's counter, evenly between 0 and 1 and never either: (k + 1/2) 2^-52. */
  @inline
  even(low: u64, high: u64): v128 {
    const bits = i64x2.shr_u(this.block(low, high), 12);
    // The upper 52 bits as those of a number from 1 to 2.
    const number = f64x2.sub(v128.or(bits, i64x2.splat(0x3ff0000000000000)), f64x2.splat(1));
    return f64x2.add(number, f64x2.splat(1.1102230246251565e-16));
  }
}
