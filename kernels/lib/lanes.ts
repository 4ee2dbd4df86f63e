// What functions of two lanes of f64 are built from. Coefficients are read from memory, since V8 makes a constant anew at every use.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

/** Added to a number below 2^51 and taken away again, it leaves the nearest whole one; in between, that stands in the low bits. */
@inline
export const ROUNDER: f64 = 6755399441055744.0;

/** The same, and with 1023 more. */
@lazy const ROUNDERS = memory.data<f64>([6755399441055744.0, 6755399441056767.0], 16);

@inline
export function rounder(): v128 {
  return v128.load64_splat(ROUNDERS);
}

@lazy const BIAS = memory.data<u64>([1023], 16);

/** 2^n, for n from -1022 to 1023 in the low 12 bits of each lane. */
@inline
export function ofExponent(n: v128): v128 {
  return i64x2.shl(i64x2.add(n, v128.load64_splat(BIAS)), 52);
}

/** The number at an address, in both lanes. */
@inline
export function both(at: usize): v128 {
  return v128.load64_splat(at);
}

/** One step of Horner's scheme: p x + the number at an address. */
@inline
export function step(p: v128, x: v128, at: usize): v128 {
  return f64x2.add(f64x2.mul(p, x), v128.load64_splat(at));
}

/** 2^k, for whole k from -1022 to 1023 in lanes of f64. */
@inline
export function power2(k: v128): v128 {
  return i64x2.shl(f64x2.add(k, v128.load64_splat(ROUNDERS, 8)), 52);
}

/** The upper 26 bits of each lane's significand: products of two such are exact. */
@inline
export function upper(x: v128): v128 {
  return v128.and(x, i64x2.splat(0xfffffffff8000000));
}

@inline
export function lanesOf(first: f64, second: f64): v128 {
  return f64x2.replace_lane(f64x2.splat(first), 1, second);
}
