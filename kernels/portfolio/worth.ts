// Black and Scholes' values of options for two prices at a time. With n for the normal density, S n(d1) = K exp(-r t) n(d2), so that one
// exponential does for both probabilities of an option: what remains of them is a smooth function, and a polynomial.
// Each step is done for some options before the next one is. The steps of one option wait for each other, and a processor looks but some
// hundred instructions ahead for what need not wait: there it finds the same step of other options.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

/** So many options at a time. */
const PART: usize = 32;

/** (1 + 2 x) exp(x^2 / 2) P(X > x) in powers of t = (x - 5) / (x + 5), as lib/normal.ts has it: from the highest power down, four a row. */
const POWERS = memory.data<f64>([
  0, 1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09,
  -6.986455843606939e-08, -3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07,
  -2.86336634052618e-06, 5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05,
  -0.00010817738225863915, 0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432,
  0.015422845669178039, -0.03933220135556429, 0.072487826976612, -0.10065743821675983,
  0.10088858203453757, -0.05400807503407684, -0.03964700840400565, 0.8461123547250693,
], 16);
const POWERS_BYTES: usize = 32;
const POWERS_END = POWERS + 6 * POWERS_BYTES;

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

/**
 * An option's row, f64 but for the first: 16 times its asset's place, as u64; factor of ln S and constant of x = s d1, for its sign s; x - y,
 * where y = s d2; discounted strike; quantity, with the sign.
 */
export const ROW_BYTES: usize = 48;

/**
 * Of each option at hand, 96 bytes: t of x and of y, later the polynomials there; -x^2 / 2, later exp of that; what the tails of x and y
 * are divided by; what the option is worth but for the tails.
 */
const PART_BYTES: usize = 96;
const AT_HAND = memory.data(32 * 96, 16);

/** Worth of options, from their rows, and from logarithms and prices of assets: sum of quantity s (S P(s d1) - K exp(-r t) P(s d2)). */
export function worthOf(rows: usize, end: usize, logarithms: usize, prices: usize): v128 {
  let worth = f64x2.splat(0);
  while (rows < end) {
    const to = min(rows + PART * ROW_BYTES, end);
    setPoints(rows, to, logarithms, prices);
    runSums((to - rows) / ROW_BYTES);
    worth = sumOf(rows, to, prices, worth);
    rows = to;
  }
  return worth;
}

/** First, of each option. */
function setPoints(row: usize, end: usize, logarithms: usize, prices: usize): void {
  const five = v128.load64_splat(TERMS);
  const one = v128.load64_splat(TERMS + 8);
  const signBit = v128.load64_splat(TERMS + 24);
  const most = v128.load64_splat(TERMS + 32);
  const zero = f64x2.splat(0);
  for (let at = AT_HAND; row < end; at += PART_BYTES) {
    const asset = <usize>load<u64>(row);
    const logarithm = v128.load(logarithms + asset);
    const x = f64x2.add(f64x2.mul(logarithm, v128.load64_splat(row, 8)), v128.load64_splat(row, 16));
    const y = f64x2.sub(x, v128.load64_splat(row, 24));
    const above = f64x2.gt(x, zero);
    const beyond = f64x2.gt(y, zero);
    const price = v128.and(above, v128.load(prices + asset));
    const cash = v128.and(beyond, v128.load64_splat(row, 32));
    const sizeX = f64x2.pmin(f64x2.abs(x), most);
    const sizeY = f64x2.pmin(f64x2.abs(y), most);
    v128.store(at, f64x2.div(f64x2.sub(sizeX, five), f64x2.add(sizeX, five)));
    v128.store(at, f64x2.div(f64x2.sub(sizeY, five), f64x2.add(sizeY, five)), 16);
    v128.store(at, f64x2.mul(f64x2.mul(sizeX, sizeX), v128.load64_splat(TERMS + 16)), 32);
    // Negative where x is above 0: there P(x) is 1 less the tail. The sign as a number, not as a bit, for which the size would have to be
    // looked at for NaNs.
    const signX = v128.or(v128.and(above, signBit), one);
    const signY = v128.or(v128.and(beyond, signBit), one);
    v128.store(at, f64x2.mul(signX, f64x2.add(one, f64x2.add(sizeX, sizeX))), 48);
    v128.store(at, f64x2.mul(signY, f64x2.add(one, f64x2.add(sizeY, sizeY))), 64);
    v128.store(at, f64x2.sub(price, cash), 80);
    row += ROW_BYTES;
  }
}

/** Then, for so many. */
function runSums(count: usize): void {
  const end = AT_HAND + count * PART_BYTES;
  // Two a turn, which read the coefficients once; behind the last of an odd number comes what may be any.
  for (let at = AT_HAND; at < end; at += 2 * PART_BYTES) {
    const first = expWithin(v128.load(at, 32));
    const second = expWithin(v128.load(at, 128));
    v128.store(at, first, 32);
    v128.store(at, second, 128);
  }
  for (let at = AT_HAND; at < end; at += PART_BYTES) {
    const t = v128.load(at);
    const u = v128.load(at, 16);
    const t2 = f64x2.mul(t, t);
    const u2 = f64x2.mul(u, u);
    const t4 = f64x2.mul(t2, t2);
    const u4 = f64x2.mul(u2, u2);
    // Every fourth power is summed on its own: eight short sums at the same time. It is a loop since V8 reads all that a block reads
    // before it reckons, more than the registers hold; and one that looks before each turn, since V8 puts off past the end of a turn what
    // both the next turn and the code behind the loop need.
    let a3 = v128.load64_splat(POWERS);
    let a2 = v128.load64_splat(POWERS + 8);
    let a1 = v128.load64_splat(POWERS + 16);
    let a0 = v128.load64_splat(POWERS + 24);
    let b3 = a3;
    let b2 = a2;
    let b1 = a1;
    let b0 = a0;
    for (let row = POWERS + POWERS_BYTES; row < POWERS_END; row += POWERS_BYTES) {
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

/** Last, of each option: adds what it is worth. */
function sumOf(row: usize, end: usize, prices: usize, sum: v128): v128 {
  for (let at = AT_HAND; row < end; at += PART_BYTES) {
    const density = f64x2.mul(v128.load(prices + <usize>load<u64>(row)), v128.load(at, 32));
    const tails = f64x2.sub(
      f64x2.div(v128.load(at), v128.load(at, 48)),
      f64x2.div(v128.load(at, 16), v128.load(at, 64)),
    );
    const worth = f64x2.add(v128.load(at, 80), f64x2.mul(density, tails));
    sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(row, 40), worth));
    row += ROW_BYTES;
  }
  return sum;
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
