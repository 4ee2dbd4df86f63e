// Philox4x32-10, random numbers by counter: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Every block of four
// numbers is a function of key and counter alone, so tasks draw from one stream of 2^128 blocks without asking each other.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

@inline const MULTIPLIER_0: u32 = 0xd2511f53;
@inline const MULTIPLIER_1: u32 = 0xcd9e8d57;
@inline const WEYL_0: u32 = 0x9e3779b9;
@inline const WEYL_1: u32 = 0xbb67ae85;
@inline const ROUNDS = 10;

/** 1 and 2^-53, read from memory, since V8 makes a constant anew at every use. */
@lazy const TERMS = memory.data<f64>([1, 1.1102230246251565e-16], 16);

/** Of lanes of two blocks, multipliers and what keys grow by. */
@lazy const MULTIPLIERS = memory.data<u32>([MULTIPLIER_0, MULTIPLIER_0, MULTIPLIER_1, MULTIPLIER_1], 16);
@lazy const WEYLS = memory.data<u32>([WEYL_0, WEYL_0, WEYL_1, WEYL_1], 16);

/** The random numbers of a key. */
export class Philox {
  private readonly key0: u32;
  private readonly key1: u32;

  constructor(key: u64) {
    this.key0 = <u32>key;
    this.key1 = <u32>(key >> 32);
  }

  /**
   * The block of a counter of two words, the lower one first: four u32 in lanes. Words of 64 bits hold two of its numbers each, the product of
   * one is turned by half to be xored with the other. Two rounds a turn.
   */
  @inline
  block(low: u64, high: u64): v128 {
    let key0 = this.key0;
    let key1 = this.key1;
    for (let round = 0; round < ROUNDS; round += 2) {
      const a = <u64><u32>low * <u64>MULTIPLIER_0;
      const b = <u64><u32>high * <u64>MULTIPLIER_1;
      const oddLow = rotl<u64>(b, 32) ^ (low >> 32) ^ <u64>key0;
      const oddHigh = rotl<u64>(a, 32) ^ (high >> 32) ^ <u64>key1;
      const c = <u64><u32>oddLow * <u64>MULTIPLIER_0;
      const d = <u64><u32>oddHigh * <u64>MULTIPLIER_1;
      low = rotl<u64>(d, 32) ^ (oddLow >> 32) ^ <u64>(key0 + WEYL_0);
      high = rotl<u64>(c, 32) ^ (oddHigh >> 32) ^ <u64>(key1 + WEYL_1);
      key0 += <u32>(2 * <u64>WEYL_0);
      key1 += <u32>(2 * <u64>WEYL_1);
    }
    return i64x2.replace_lane(i64x2.splat(low), 1, high);
  }

  /** Two numbers of a block's counter, evenly between 0 and 1 and never either: (k + 1/2) 2^-52. */
  @inline
  even(low: u64, high: u64): v128 {
    return evenOf(this.block(low, high));
  }

  /**
   * `even` of four counters, which differ in the lower word and follow each other, to addresses that are `apart` bytes apart: in less time than
   * one after the other. Lanes are the first numbers of two blocks and their third ones, and the others of these.
   */
  evenFour(low: u64, high: u64, to: usize, apart: usize): void {
    const multipliers = v128.load(MULTIPLIERS);
    const weyls = v128.load(WEYLS);
    let keys = i32x4.replace_lane(i32x4.splat(this.key0), 2, this.key1);
    keys = i32x4.replace_lane(keys, 3, this.key1);
    const highs = i64x2.splat(high);
    const first = i64x2.replace_lane(i64x2.splat(low), 1, low + 1);
    const second = i64x2.replace_lane(i64x2.splat(low + 2), 1, low + 3);
    let a = v128.shuffle<i32>(first, highs, 0, 2, 4, 6);
    let b = v128.shuffle<i32>(first, highs, 1, 3, 5, 7);
    let c = v128.shuffle<i32>(second, highs, 0, 2, 4, 6);
    let d = v128.shuffle<i32>(second, highs, 1, 3, 5, 7);
    for (let round = 0; round < ROUNDS; round++) {
      const a0 = i64x2.extmul_low_i32x4_u(a, multipliers);
      const a1 = i64x2.extmul_high_i32x4_u(a, multipliers);
      const c0 = i64x2.extmul_low_i32x4_u(c, multipliers);
      const c1 = i64x2.extmul_high_i32x4_u(c, multipliers);
      a = v128.xor(v128.xor(b, keys), v128.shuffle<i32>(a1, a0, 1, 3, 5, 7));
      c = v128.xor(v128.xor(d, keys), v128.shuffle<i32>(c1, c0, 1, 3, 5, 7));
      b = v128.shuffle<i32>(a1, a0, 0, 2, 4, 6);
      d = v128.shuffle<i32>(c1, c0, 0, 2, 4, 6);
      keys = i32x4.add(keys, weyls);
    }
    v128.store(to, evenOf(v128.shuffle<i32>(a, b, 0, 4, 2, 6)));
    v128.store(to + apart, evenOf(v128.shuffle<i32>(a, b, 1, 5, 3, 7)));
    v128.store(to + 2 * apart, evenOf(v128.shuffle<i32>(c, d, 0, 4, 2, 6)));
    v128.store(to + 3 * apart, evenOf(v128.shuffle<i32>(c, d, 1, 5, 3, 7)));
  }
}

/** The upper 52 bits as those of a number from 1 to 2. */
@inline
function evenOf(block: v128): v128 {
  const one = v128.load64_splat(TERMS);
  return f64x2.add(f64x2.sub(v128.or(i64x2.shr_u(block, 12), one), one), v128.load64_splat(TERMS, 8));
}
