// Black and Scholes' values of options for two prices at a time. With n for the normal density, S n(d1) = K exp(-r t) n(d2), so that one
// exponential does for both probabilities of an option: what remains of them is a smooth function, and a polynomial.
// Each step is done for some options before the next one is. The steps of one option wait for each other, and a processor looks but some
// hundred instructions ahead for what need not wait: there it finds the same step of other options.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

/** So many options at a time. */
export const PART: usize = 32;

/** (1 + 2 x) exp(x^2 / 2) P(X > x) in powers of t = (x - 5) / (x + 5), as lib/normal.ts has it: from the highest power down, four a row. */
const ROWS = memory.data<f64>([
  0, 1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09,
  -6.986455843606939e-08, -3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07,
  -2.86336634052618e-06, 5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05,
  -0.00010817738225863915, 0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432,
  0.015422845669178039, -0.03933220135556429, 0.072487826976612, -0.10065743821675983,
  0.10088858203453757, -0.05400807503407684, -0.03964700840400565, 0.8461123547250693,
], 16);
const ROW_BYTES: usize = 32;
const ROWS_END = ROWS + 6 * ROW_BYTES;

/** (exp(r) - 1 - r - r^2 / 2) / r^3, as lib/exponential.ts has it: from the highest power down. */
const EXP = memory.data<f64>([
  2.0911236630261545e-9, 2.510038549551032e-8, 2.755728296954995e-7, 2.7557268459997064e-6, 2.4801587317144498e-5,
  1.9841269863053618e-4, 1.3888888888886552e-3, 8.333333333330062e-3, 4.1666666666666664e-2, 1.6666666666666669e-1,
], 16);
/**
 * Numbers are read from memory, since V8 makes a constant anew at every use. Here 1 / ln 2; what rounds to whole numbers, and leaves them in the
 * low bits with 1023 added for an exponent; ln 2 in two parts, the first of 42 bits; 1/2 and 1; the least and the largest x.
 */
const EXP_TERMS = memory.data<f64>([
  1.4426950408889634, 6755399441056767.0, 0.6931471805598903, 5.497923018708371e-14, 0.5, 1, -708, 709,
], 16);

/** 5; 1; -1/2; a sign; from the last on, a tail is too small to tell from 0. */
const TERMS = memory.data<f64>([5, 1, -0.5, -0.0, 37], 16);

/** Of each option, x = s d1 and y = s d2 for its sign s; t of both, later the polynomial there; -x^2 / 2, later exp of that. */
const POINTS = memory.data(32 * 32, 16);
const SUMS = memory.data(32 * 32, 16);
const DENSITIES = memory.data(32 * 16, 16);

/** First, of each option. */
@inline
export function setPoints(place: usize, x: v128, y: v128): void {
  const at = place << 5;
  const size = sizeOf(x);
  v128.store(POINTS + at, x);
  v128.store(POINTS + at, y, 16);
  v128.store(SUMS + at, argumentOf(size));
  v128.store(SUMS + at, argumentOf(sizeOf(y)), 16);
  v128.store(DENSITIES + (place << 4), f64x2.mul(f64x2.mul(size, size), v128.load64_splat(TERMS + 16)));
}

/** Then, for so many. */
export function runSums(count: usize): void {
  const densitiesEnd = DENSITIES + (count << 4);
  // Two a turn, which read the coefficients once; behind the last of an odd number comes what may be any.
  for (let at = DENSITIES; at < densitiesEnd; at += 32) {
    const first = expWithin(v128.load(at));
    const second = expWithin(v128.load(at, 16));
    v128.store(at, first);
    v128.store(at, second, 16);
  }
  const end = SUMS + (count << 5);
  for (let at = SUMS; at < end; at += 32) {
    const t = v128.load(at);
    const u = v128.load(at, 16);
    const t2 = f64x2.mul(t, t);
    const u2 = f64x2.mul(u, u);
    const t4 = f64x2.mul(t2, t2);
    const u4 = f64x2.mul(u2, u2);
    // Every fourth power is summed on its own: eight short sums at the same time. It is a loop since V8 reads all that a block reads
    // before it reckons, more than the registers hold; and one that looks before each turn, since V8 puts off past the end of a turn what
    // both the next turn and the code behind the loop need.
    let a3 = v128.load64_splat(ROWS);
    let a2 = v128.load64_splat(ROWS + 8);
    let a1 = v128.load64_splat(ROWS + 16);
    let a0 = v128.load64_splat(ROWS + 24);
    let b3 = a3;
    let b2 = a2;
    let b1 = a1;
    let b0 = a0;
    for (let row = ROWS + ROW_BYTES; row < ROWS_END; row += ROW_BYTES) {
      let c = v128.load64_splat(row);
      a3 = f64x2.add(f64x2.mul(a3, t4), c);
      b3 = f64x2.add(f64x2.mul(b3, u4), c);
      c = v128.load64_splat(row, 8);
      a2 = f64x2.add(f64x2.mul(a2, t4), c);
      b2 = f64x2.add(f64x2.mul(b2, u4), c);
      c = v128.load64_splat(row, 16);
      a1 = f64x2.add(f64x2.mul(a1, t4), c);
      b1 = f64x2.add(f64x2.mul(b1, u4), c);
      c = v128.load64_splat(row, 24);
      a0 = f64x2.add(f64x2.mul(a0, t4), c);
      b0 = f64x2.add(f64x2.mul(b0, u4), c);
    }
    v128.store(at, f64x2.add(f64x2.add(a0, f64x2.mul(t2, a2)), f64x2.mul(t, f64x2.add(a1, f64x2.mul(t2, a3)))));
    v128.store(at, f64x2.add(f64x2.add(b0, f64x2.mul(u2, b2)), f64x2.mul(u, f64x2.add(b1, f64x2.mul(u2, b3)))), 16);
  }
}

/** Last, of each option: S P(x) - K P(y), with P(x) = P(X <= x) for a normal X. The option is worth s times that. */
@inline
export function difference(place: usize, price: v128, cash: v128): v128 {
  const at = place << 5;
  const x = v128.load(POINTS + at);
  const y = v128.load(POINTS + at, 16);
  const above = f64x2.gt(x, f64x2.splat(0));
  const beyond = f64x2.gt(y, f64x2.splat(0));
  const tails = f64x2.sub(tailOf(x, v128.load(SUMS + at), above), tailOf(y, v128.load(SUMS + at, 16), beyond));
  const density = f64x2.mul(price, v128.load(DENSITIES + (place << 4)));
  return f64x2.add(f64x2.sub(v128.and(above, price), v128.and(beyond, cash)), f64x2.mul(density, tails));
}

/** exp of all vectors from an address up to another, an even number, which go to a third; from exp(-708) to exp(709). */
export function exponentials(from: usize, end: usize, to: usize): void {
  for (; from < end; from += 32) {
    const first = expWithin(bounded(v128.load(from)));
    const second = expWithin(bounded(v128.load(from, 16)));
    v128.store(to, first);
    v128.store(to, second, 16);
    to += 32;
  }
}

@inline
function bounded(x: v128): v128 {
  return f64x2.pmin(f64x2.pmax(x, v128.load64_splat(EXP_TERMS + 48)), v128.load64_splat(EXP_TERMS + 56));
}

/** exp(x) for x in those bounds: x = k ln 2 + r. Even and odd powers are summed apart, at the same time. */
@inline
function expWithin(x: v128): v128 {
  const count = f64x2.add(f64x2.mul(x, v128.load64_splat(EXP_TERMS)), v128.load64_splat(EXP_TERMS + 8));
  const k = f64x2.sub(count, v128.load64_splat(EXP_TERMS + 8));
  const near = f64x2.sub(x, f64x2.mul(k, v128.load64_splat(EXP_TERMS + 16)));
  const r = f64x2.sub(near, f64x2.mul(k, v128.load64_splat(EXP_TERMS + 24)));
  const r2 = f64x2.mul(r, r);
  let odd = v128.load64_splat(EXP);
  let even = v128.load64_splat(EXP + 8);
  odd = f64x2.add(f64x2.mul(odd, r2), v128.load64_splat(EXP + 16));
  even = f64x2.add(f64x2.mul(even, r2), v128.load64_splat(EXP + 24));
  odd = f64x2.add(f64x2.mul(odd, r2), v128.load64_splat(EXP + 32));
  even = f64x2.add(f64x2.mul(even, r2), v128.load64_splat(EXP + 40));
  odd = f64x2.add(f64x2.mul(odd, r2), v128.load64_splat(EXP + 48));
  even = f64x2.add(f64x2.mul(even, r2), v128.load64_splat(EXP + 56));
  odd = f64x2.add(f64x2.mul(odd, r2), v128.load64_splat(EXP + 64));
  even = f64x2.add(f64x2.mul(even, r2), v128.load64_splat(EXP + 72));
  const p = f64x2.add(even, f64x2.mul(r, odd));
  const curved = f64x2.mul(r2, f64x2.add(v128.load64_splat(EXP_TERMS + 32), f64x2.mul(r, p)));
  return f64x2.mul(f64x2.add(v128.load64_splat(EXP_TERMS + 40), f64x2.add(r, curved)), i64x2.shl(count, 52));
}

/** P(X > |x|) exp(x^2 / 2), negative where x is above 0: there P(x) is 1 less the tail. */
@inline
function tailOf(x: v128, sum: v128, above: v128): v128 {
  const one = v128.load64_splat(TERMS + 8);
  const size = sizeOf(x);
  // The sign as a number, not as a bit, for which the tail would have to be looked at for NaNs.
  const sign = v128.or(v128.and(above, v128.load64_splat(TERMS + 24)), one);
  return f64x2.div(f64x2.mul(sum, sign), f64x2.add(one, f64x2.add(size, size)));
}

@inline
function sizeOf(x: v128): v128 {
  return f64x2.pmin(f64x2.abs(x), v128.load64_splat(TERMS + 32));
}

@inline
function argumentOf(size: v128): v128 {
  const five = v128.load64_splat(TERMS);
  return f64x2.div(f64x2.sub(size, five), f64x2.add(size, five));
}
