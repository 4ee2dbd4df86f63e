// exp and tanh, two lanes of f64 at a time: x = k ln 2 + r with |r| <= ln 2 / 2, and a polynomial for exp(r) - 1.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { both, power2, rounder, step } from './lanes';

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
  const within = f64x2.pmin(f64x2.pmax(x, both(TERMS + 48)), both(TERMS + 56));
  const k = wholeOf(within);
  const p = expRest(within, tail, k);
  // In two steps, since 2^k alone may be out of range: only the last product rounds.
  const half = wholeHalf(k);
  const y = f64x2.mul(f64x2.add(both(TERMS + 32), p), power2(half));
  return f64x2.mul(y, power2(f64x2.sub(k, half)));
}

/** The same of two vectors side by side, which go to an address. */
@inline
export function expOfSums(x: v128, xTail: v128, y: v128, yTail: v128, to: usize): void {
  const lowest = both(TERMS + 48);
  const highest = both(TERMS + 56);
  const xWithin = f64x2.pmin(f64x2.pmax(x, lowest), highest);
  const yWithin = f64x2.pmin(f64x2.pmax(y, lowest), highest);
  const k = wholeOf(xWithin);
  const l = wholeOf(yWithin);
  const a = f64x2.sub(xWithin, f64x2.mul(k, both(TERMS + 8)));
  const b = f64x2.sub(f64x2.mul(k, both(TERMS + 16)), xTail);
  const c = f64x2.sub(yWithin, f64x2.mul(l, both(TERMS + 8)));
  const d = f64x2.sub(f64x2.mul(l, both(TERMS + 16)), yTail);
  const r = f64x2.sub(a, b);
  const s = f64x2.sub(c, d);
  let p = both(POLYNOMIAL);
  let q = p;
  p = step(p, r, POLYNOMIAL + 8);
  q = step(q, s, POLYNOMIAL + 8);
  p = step(p, r, POLYNOMIAL + 16);
  q = step(q, s, POLYNOMIAL + 16);
  p = step(p, r, POLYNOMIAL + 24);
  q = step(q, s, POLYNOMIAL + 24);
  p = step(p, r, POLYNOMIAL + 32);
  q = step(q, s, POLYNOMIAL + 32);
  p = step(p, r, POLYNOMIAL + 40);
  q = step(q, s, POLYNOMIAL + 40);
  p = step(p, r, POLYNOMIAL + 48);
  q = step(q, s, POLYNOMIAL + 48);
  p = step(p, r, POLYNOMIAL + 56);
  q = step(q, s, POLYNOMIAL + 56);
  p = step(p, r, POLYNOMIAL + 64);
  q = step(q, s, POLYNOMIAL + 64);
  p = step(p, r, POLYNOMIAL + 72);
  q = step(q, s, POLYNOMIAL + 72);
  const half = both(TERMS + 24);
  const one = both(TERMS + 32);
  p = f64x2.mul(f64x2.mul(r, r), f64x2.add(half, f64x2.mul(r, p)));
  q = f64x2.mul(f64x2.mul(s, s), f64x2.add(half, f64x2.mul(s, q)));
  p = f64x2.add(r, f64x2.add(p, f64x2.sub(f64x2.sub(a, r), b)));
  q = f64x2.add(s, f64x2.add(q, f64x2.sub(f64x2.sub(c, s), d)));
  const kHalf = wholeHalf(k);
  const lHalf = wholeHalf(l);
  p = f64x2.mul(f64x2.mul(f64x2.add(one, p), power2(kHalf)), power2(f64x2.sub(k, kHalf)));
  q = f64x2.mul(f64x2.mul(f64x2.add(one, q), power2(lHalf)), power2(f64x2.sub(l, lHalf)));
  v128.store(to, p);
  v128.store(to, q, 16);
}

export function expLanes(x: v128): v128 {
  return expOfSum(x, f64x2.splat(0));
}

/** -E / (E + 2) with E = exp(-2 |x|) - 1, and the sign of x. */
export function tanhLanes(x: v128): v128 {
  const sign = v128.and(x, f64x2.splat(-0.0));
  // From 22 on it is 1 to the last bit.
  const y = f64x2.mul(f64x2.pmin(f64x2.abs(x), f64x2.splat(22)), f64x2.splat(-2));
  const k = wholeOf(y);
  const p = expRest(y, f64x2.splat(0), k);
  const scale = power2(k);
  const one = both(TERMS + 32);
  const less = f64x2.add(f64x2.mul(scale, p), f64x2.sub(scale, one));
  const ratio = f64x2.div(less, f64x2.add(less, both(TERMS + 40)));
  return v128.or(f64x2.abs(ratio), sign);
}

/** k: the whole number nearest to x / ln 2. */
@inline
function wholeOf(x: v128): v128 {
  return f64x2.sub(f64x2.add(f64x2.mul(x, both(TERMS)), rounder()), rounder());
}

@inline
function wholeHalf(k: v128): v128 {
  return f64x2.sub(f64x2.add(f64x2.mul(k, both(TERMS + 24)), rounder()), rounder());
}

/** exp(r) - 1 with r = x + tail - k ln 2. What rounding takes from r is put back at the end. */
@inline
function expRest(x: v128, tail: v128, k: v128): v128 {
  const a = f64x2.sub(x, f64x2.mul(k, both(TERMS + 8)));
  const b = f64x2.sub(f64x2.mul(k, both(TERMS + 16)), tail);
  const r = f64x2.sub(a, b);
  const lost = f64x2.sub(f64x2.sub(a, r), b);
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
  const square = f64x2.mul(r, r);
  const curved = f64x2.mul(square, f64x2.add(both(TERMS + 24), f64x2.mul(r, p)));
  return f64x2.add(r, f64x2.add(curved, lost));
}
