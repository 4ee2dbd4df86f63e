// Black and Scholes' values of options for two prices at a time. With n for the normal density, S n(d1) = K exp(-r t) n(d2), so that one
// exponential does for both probabilities of an option: what remains of them is a smooth function, and a polynomial.
// Each step is done for some options, in some pairs of paths, before the next one is. The steps of one option wait for each other, and a
// processor looks but some hundred instructions ahead for what need not wait: there it finds the same step of others.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.

/** Pairs of paths that are run at a time. All paths are a multiple of them: see check.ts. */
export const PAIRS: usize = 4;

/** So many options at a time. */
const PART: usize = 16;

/** (1 + 2 x) exp(x^2 / 2) P(X > x) in powers of t = (x - 5) / (x + 5), as lib/normal.ts has it: from the highest power down. */
const POWERS = memory.data<f64>([
  1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09, -6.986455843606939e-08,
  -3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07, -2.86336634052618e-06,
  5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05, -0.00010817738225863915,
  0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432, 0.015422845669178039, -0.03933220135556429,
  0.072487826976612, -0.10065743821675983, 0.10088858203453757, -0.05400807503407684, -0.03964700840400565,
  0.8461123547250693,
], 16);
/** Past the coefficient of t^0. */
const POWERS_END = POWERS + 23 * 8;

/** (exp(r) - 1 - r - r^2 / 2) / r^3, as lib/exponential.ts has it: from the highest power down. */
const EXP = memory.data<f64>([
  2.0911236630261545e-9, 2.510038549551032e-8, 2.755728296954995e-7, 2.7557268459997064e-6, 2.4801587317144498e-5,
  1.9841269863053618e-4, 1.3888888888886552e-3, 8.333333333330062e-3, 4.1666666666666664e-2, 1.6666666666666669e-1,
], 16);
/**
 * Numbers are read from memory, since V8 makes a constant anew at every use. Here 1 / ln 2; what rounds to whole numbers, and leaves them in the
 * low bits with 1023 added for an exponent; ln 2 in two parts, the first of 42 bits; 1/2 and 1; the least and the largest x; more than
 * what x's whole number becomes.
 */
const EXP_TERMS = memory.data<f64>([
  1.4426950408889634, 6755399441056767.0, 0.6931471805598903, 5.497923018708371e-14, 0.5, 1, -708, 709,
  6755399441057867.0,
], 16);

/** 5; 1; -1/2; a sign; from the last on, a density is too small to tell from 0. */
const TERMS = memory.data<f64>([5, 1, -0.5, -0.0, 37], 16);

/**
 * An option's row, f64 but for the first: where its asset is, as u64; factor of ln S and constant of x = s d1, for its sign s; x - y,
 * where y = s d2; discounted strike; quantity, with the sign.
 */
export const ROW_BYTES: usize = 48;

/**
 * Of each option at hand in each pair, 96 bytes: t of x and of y, later in place of the first the tails but for the density; -x^2 / 2, later exp of
 * that; what the tails of x and y are divided by; what the option is worth but for the tails.
 */
const PART_BYTES: usize = 96;
const AT_HAND = memory.data(16 * 4 * 96, 16);

/**
 * Worth of options in each pair, from their rows, and from logarithms and prices of assets: sums of quantity s (S P(s d1) - K exp(-r t) P(s d2)),
 * which go to an address. Rows are read once for all pairs.
 */
export function worthsOf(rows: usize, end: usize, logarithms: usize, prices: usize, worths: usize): void {
  for (let p: usize = 0; p < PAIRS; p++) v128.store(worths + (p << 4), f64x2.splat(0));
  while (rows < end) {
    const to = min(rows + PART * ROW_BYTES, end);
    setPoints(rows, to, logarithms, prices);
    runSums(((to - rows) / ROW_BYTES) * PAIRS);
    addWorths(rows, to, prices, worths);
    rows = to;
  }
}

/** First, of each option. */
function setPoints(row: usize, end: usize, logarithms: usize, prices: usize): void {
  for (let at = AT_HAND; row < end; at += PAIRS * PART_BYTES) {
    const asset = <usize>load<u64>(row);
    const logarithm = logarithms + asset;
    const price = prices + asset;
    const factor = v128.load64_splat(row, 8);
    const shift = v128.load64_splat(row, 16);
    const spread = v128.load64_splat(row, 24);
    const cash = v128.load64_splat(row, 32);
    setPoint(at, f64x2.add(f64x2.mul(v128.load(logarithm), factor), shift), spread, v128.load(price), cash);
    setPoint(at + 96, f64x2.add(f64x2.mul(v128.load(logarithm, 16), factor), shift), spread, v128.load(price, 16), cash);
    setPoint(at + 192, f64x2.add(f64x2.mul(v128.load(logarithm, 32), factor), shift), spread, v128.load(price, 32), cash);
    setPoint(at + 288, f64x2.add(f64x2.mul(v128.load(logarithm, 48), factor), shift), spread, v128.load(price, 48), cash);
    row += ROW_BYTES;
  }
}

@inline
function setPoint(at: usize, x: v128, spread: v128, price: v128, cash: v128): void {
  const five = v128.load64_splat(TERMS);
  const one = v128.load64_splat(TERMS + 8);
  const signBit = v128.load64_splat(TERMS + 24);
  const y = f64x2.sub(x, spread);
  const above = f64x2.gt(x, f64x2.splat(0));
  const beyond = f64x2.gt(y, f64x2.splat(0));
  const sizeX = f64x2.abs(x);
  const sizeY = f64x2.abs(y);
  const near = f64x2.pmin(sizeX, v128.load64_splat(TERMS + 32));
  const exponent = f64x2.mul(f64x2.mul(near, near), v128.load64_splat(TERMS + 16));
  v128.store(at, f64x2.div(f64x2.sub(sizeX, five), f64x2.add(sizeX, five)));
  v128.store(at, f64x2.div(f64x2.sub(sizeY, five), f64x2.add(sizeY, five)), 16);
  v128.store(at, exponent, 32);
  // 1 + 2 |x|, negative where x is above 0: there P(x) is 1 less the tail.
  v128.store(at, f64x2.sub(v128.or(v128.and(above, signBit), one), f64x2.add(x, x)), 48);
  v128.store(at, f64x2.sub(v128.or(v128.and(beyond, signBit), one), f64x2.add(y, y)), 64);
  v128.store(at, f64x2.sub(v128.and(above, price), v128.and(beyond, cash)), 80);
}

/** Then, for so many. */
function runSums(count: usize): void {
  const end = AT_HAND + count * PART_BYTES;
  // Four a turn read the coefficients once, and need not wait for each other.
  for (let at = AT_HAND; at < end; at += 4 * PART_BYTES) {
    const first = expWithin(v128.load(at, 32));
    const second = expWithin(v128.load(at, 128));
    const third = expWithin(v128.load(at, 224));
    const fourth = expWithin(v128.load(at, 320));
    v128.store(at, first, 32);
    v128.store(at, second, 128);
    v128.store(at, third, 224);
    v128.store(at, fourth, 320);
  }
  for (let at = AT_HAND; at < end; at += PART_BYTES) {
    const t = v128.load(at);
    const u = v128.load(at, 16);
    const t2 = f64x2.mul(t, t);
    const u2 = f64x2.mul(u, u);
    const t4 = f64x2.mul(t2, t2);
    const u4 = f64x2.mul(u2, u2);
    // Every fourth power is summed on its own: eight short sums at the same time. It is a loop since V8 reads all that a block reads before it
    // reckons, more than the registers hold; and one that looks before each turn, since V8 puts off past the end of a turn what both the next
    // turn and the code behind the loop need. The first step comes before it, or V8 would make fourth powers anew in every turn.
    let a3 = v128.load64_splat(POWERS + 24);
    let b3 = a3;
    let c = v128.load64_splat(POWERS);
    let d = v128.load64_splat(POWERS + 32);
    let a2 = f64x2.add(f64x2.mul(c, t4), d);
    let b2 = f64x2.add(f64x2.mul(c, u4), d);
    c = v128.load64_splat(POWERS + 8);
    d = v128.load64_splat(POWERS + 40);
    let a1 = f64x2.add(f64x2.mul(c, t4), d);
    let b1 = f64x2.add(f64x2.mul(c, u4), d);
    c = v128.load64_splat(POWERS + 16);
    d = v128.load64_splat(POWERS + 48);
    let a0 = f64x2.add(f64x2.mul(c, t4), d);
    let b0 = f64x2.add(f64x2.mul(c, u4), d);
    for (let power = POWERS + 56; power < POWERS_END; power += 32) {
      c = v128.load64_splat(power);
      a3 = f64x2.add(f64x2.mul(a3, t4), c);
      b3 = f64x2.add(f64x2.mul(b3, u4), c);
      c = v128.load64_splat(power, 8);
      a2 = f64x2.add(f64x2.mul(a2, t4), c);
      b2 = f64x2.add(f64x2.mul(b2, u4), c);
      c = v128.load64_splat(power, 16);
      a1 = f64x2.add(f64x2.mul(a1, t4), c);
      b1 = f64x2.add(f64x2.mul(b1, u4), c);
      c = v128.load64_splat(power, 24);
      a0 = f64x2.add(f64x2.mul(a0, t4), c);
      b0 = f64x2.add(f64x2.mul(b0, u4), c);
    }
    // Divided here, where there is enough else to reckon while a division lasts.
    const p = f64x2.add(f64x2.add(a0, f64x2.mul(t2, a2)), f64x2.mul(t, f64x2.add(a1, f64x2.mul(t2, a3))));
    const q = f64x2.add(f64x2.add(b0, f64x2.mul(u2, b2)), f64x2.mul(u, f64x2.add(b1, f64x2.mul(u2, b3))));
    v128.store(at, f64x2.sub(f64x2.div(p, v128.load(at, 48)), f64x2.div(q, v128.load(at, 64))));
  }
}

/** Last, of each option: adds what it is worth. */
function addWorths(row: usize, end: usize, prices: usize, worths: usize): void {
  let a = v128.load(worths);
  let b = v128.load(worths, 16);
  let c = v128.load(worths, 32);
  let d = v128.load(worths, 48);
  for (let at = AT_HAND; row < end; at += PAIRS * PART_BYTES) {
    const price = prices + <usize>load<u64>(row);
    const quantity = v128.load64_splat(row, 40);
    a = f64x2.add(a, f64x2.mul(quantity, worthAt(at, v128.load(price))));
    b = f64x2.add(b, f64x2.mul(quantity, worthAt(at + 96, v128.load(price, 16))));
    c = f64x2.add(c, f64x2.mul(quantity, worthAt(at + 192, v128.load(price, 32))));
    d = f64x2.add(d, f64x2.mul(quantity, worthAt(at + 288, v128.load(price, 48))));
    row += ROW_BYTES;
  }
  v128.store(worths, a);
  v128.store(worths, b, 16);
  v128.store(worths, c, 32);
  v128.store(worths, d, 48);
}

@inline
function worthAt(at: usize, price: v128): v128 {
  const density = f64x2.mul(price, v128.load(at, 32));
  return f64x2.add(v128.load(at, 80), f64x2.mul(density, v128.load(at)));
}

/** exp of all vectors from an address up to another, a multiple of four, which go to a third; from exp(-708) to exp(709). */
export function exponentials(from: usize, end: usize, to: usize): void {
  for (; from < end; from += 64) {
    const first = expWithin(bounded(v128.load(from)));
    const second = expWithin(bounded(v128.load(from, 16)));
    const third = expWithin(bounded(v128.load(from, 32)));
    const fourth = expWithin(bounded(v128.load(from, 48)));
    v128.store(to, first);
    v128.store(to, second, 16);
    v128.store(to, third, 32);
    v128.store(to, fourth, 48);
    to += 64;
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
  // A minimum that is no NaN whatever x is: bits that become others need not be looked at for one.
  const bits = f64x2.pmin(v128.load64_splat(EXP_TERMS + 64), count);
  const curved = f64x2.mul(r2, f64x2.add(v128.load64_splat(EXP_TERMS + 32), f64x2.mul(r, p)));
  return f64x2.mul(f64x2.add(v128.load64_splat(EXP_TERMS + 40), f64x2.add(r, curved)), i64x2.shl(bits, 52));
}
