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
    const bits = i64x2.shr_u(this.block(low, high), 12);
    const one = v128.load64_splat(TERMS);
    // The upper 52 bits as those of a number from 1 to 2.
    return f64x2.add(f64x2.sub(v128.or(bits, one), one), v128.load64_splat(TERMS, 8));
  }
}
