// exp and tanh, two lanes of f64 at a time: x = k ln 2 + r with |r| <= ln 2 / 2, and a polynomial for exp(r) - 1.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { both, ofExponent, power2, rounder, step } from './lanes';

/** 1 / ln 2; ln 2 in two parts, the first of 42 bits, so that its product with k is exact; a half; 1 and 2; below the next, exp is 0, above the last, infinite. */
@lazy const TERMS = memory.data<f64>([1.4426950408889634, 0.6931471805598903, 5.497923018708371e-14, 0.5, 1, 2, -746, 710], 16);

/** (exp(r) - 1 - r - r^2 / 2) / r^3, interpolated at Chebyshev's nodes: off by 2^-60 at most. From the highest power down. */
@lazy const POLYNOMIAL = memory.data<f64>([
  2.0911236630261545e-9, 2.510038549551032e-8, 2.755728296954995e-7, 2.7557268459997064e-6, 2.4801587317144498e-5,
  1.9841269863053618e-4, 1.3888888888886552e-3, 8.333333333330062e-3, 4.1666666666666664e-2, 1.6666666666666669e-1,
], 16);

/** exp(x + tail), where the tail is at most a few ulp of x; it is left out where x is infinite. */
@inline
export function expOfSum(x: v128, tail: v128): v128 {
  // In this order the two leave a NaN as it is.
  return expWithin(f64x2.pmin(f64x2.pmax(x, both(TERMS + 48)), both(TERMS + 56)), tail);
}

/** The same for x from -1,400 to 710. */
@inline
export function expWithin(x: v128, tail: v128): v128 {
  const count = countOf(x);
  const p = expRest(x, tail, f64x2.sub(count, rounder()));
  return scaled(p, count);
}

export function expLanes(x: v128): v128 {
  return expOfSum(x, f64x2.splat(0));
}

/** -E / (E + 2) with E = exp(-2 |x|) - 1, and the sign of x. */
export function tanhLanes(x: v128): v128 {
  const sign = v128.and(x, f64x2.splat(-0.0));
  // From 22 on it is 1 to the last bit.
  const y = f64x2.mul(f64x2.pmin(f64x2.abs(x), f64x2.splat(22)), f64x2.splat(-2));
  const k = f64x2.sub(countOf(y), rounder());
  const p = expRest(y, f64x2.splat(0), k);
  const scale = power2(k);
  const one = both(TERMS + 32);
  const less = f64x2.add(f64x2.mul(scale, p), f64x2.sub(scale, one));
  const ratio = f64x2.div(less, f64x2.add(less, both(TERMS + 40)));
  return v128.or(f64x2.abs(ratio), sign);
}

/** ROUNDER + k, where k is the whole number nearest to x / ln 2, and stands in the low bits. */
@inline
function countOf(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, both(TERMS)), rounder());
}

/** (1 + p) 2^k, in two steps, since 2^k alone may be out of range: only the last product rounds. */
@inline
function scaled(p: v128, count: v128): v128 {
  const low = i64x2.shr_u(count, 1);
  return f64x2.mul(f64x2.mul(f64x2.add(both(TERMS + 32), p), ofExponent(low)), ofExponent(i64x2.sub(count, low)));
}

/** exp(r) - 1 with r = x + tail - k ln 2. */
@inline
function expRest(x: v128, tail: v128, k: v128): v128 {
  const a = upperRest(x, k);
  const b = lowerRest(tail, k);
  const r = f64x2.sub(a, b);
  let p = both(POLYNOMIAL);
  p = step(p, r, POLYNOMIAL + 8);
  p = step(p, r, POLYNOMIAL + 16);
  p = step(p, r, POLYNOMIAL + 24);
  p = step(p, r, POLYNOMIAL + 32);
  p = step(p, r, POLYNOMIAL + 40);
  p = step(p, r, POLYNOMIAL + 48);
  p = step(p, r, POLYNOMIAL + 56);
  p = step(p, r, POLYNOMIAL + 64);
  p = step(p, r, POLYNOMIAL + 72);
  return lessOne(a, b, p);
}

/** r is the first less the second. */
@inline
function upperRest(x: v128, k: v128): v128 {
  return f64x2.sub(x, f64x2.mul(k, both(TERMS + 8)));
}

@inline
function lowerRest(tail: v128, k: v128): v128 {
  return f64x2.sub(f64x2.mul(k, both(TERMS + 16)), tail);
}

/** exp(r) - 1 with r = a - b, by the polynomial's value. What rounding takes from r is put back at the end. */
@inline
function lessOne(a: v128, b: v128, p: v128): v128 {
  const r = f64x2.sub(a, b);
  const lost = f64x2.sub(f64x2.sub(a, r), b);
  const curved = f64x2.mul(f64x2.mul(r, r), f64x2.add(both(TERMS + 24), f64x2.mul(r, p)));
  return f64x2.add(r, f64x2.add(curved, lost));
}
