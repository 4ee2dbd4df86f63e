// The normal distribution: its distribution function and the inverse of that, two lanes of f64 at a time.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { countOf, expWithin, lessOne, lowerRest, POLYNOMIAL, scaled, upperRest } from './exponential';
import { both, rounder, step, upper } from './lanes';
import { logLanes } from './logarithm';

/**
 * (1 + 2 x) exp(x^2 / 2) P(X > x) in powers of t = (x - 5) / (x + 5), at Chebyshev's nodes for x from 0 to 39: off by 2^-53, relatively.
 * Such a product is smooth up to infinity: Shepherd and Laframboise, Mathematics of Computation 36 (1981), 249.
 */
@lazy const MILLS = memory.data<f64>([
  1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09, -6.986455843606939e-08,
  -3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07, -2.86336634052618e-06,
  5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05, -0.00010817738225863915,
  0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432, 0.015422845669178039, -0.03933220135556429,
  0.072487826976612, -0.10065743821675983, 0.10088858203453757, -0.05400807503407684, -0.03964700840400565,
  0.8461123547250693,
], 16);
/** The coefficient of t^0. Even and odd powers are summed apart, and at the same time, in powers of t^2. */
@lazy const MILLS_LAST = MILLS + 176;

/** From the first on, the tail is 0; 5, 1 and -1/2. */
@lazy const TERMS = memory.data<f64>([39, 5, 1, -0.5], 16);

/** Bits of 1 and of a sign; a sign's. */
@lazy const CHOSEN = memory.data<u64>([0xbff0000000000000, 0x8000000000000000], 16);

/** P(X <= x). */
export function normalCdfLanes(x: v128): v128 {
  const size = sizeOf(x);
  const t = argumentOf(size);
  const square = f64x2.mul(t, t);
  let even = both(MILLS);
  let odd = both(MILLS + 8);
  let at = MILLS + 16;
  do {
    even = step(even, square, at);
    odd = step(odd, square, at + 8);
    at += 16;
  } while (at < MILLS_LAST);
  const p = f64x2.add(step(even, square, MILLS_LAST), f64x2.mul(t, odd));
  return tailOf(x, size, p, expWithin(squareOf(size), restOf(size)));
}

/** The same of two vectors, which go to an address: each waits for its own last step, so that two take little longer than one. */
export function normalCdfOfTwo(x: v128, y: v128, to: usize): void {
  const xSize = sizeOf(x);
  const ySize = sizeOf(y);
  const t = argumentOf(xSize);
  const u = argumentOf(ySize);
  const tSquare = f64x2.mul(t, t);
  const uSquare = f64x2.mul(u, u);
  let tEven = both(MILLS);
  let tOdd = both(MILLS + 8);
  let uEven = tEven;
  let uOdd = tOdd;
  let at = MILLS + 16;
  // Some steps a turn. Without a loop, V8 reads all coefficients before the first of them is used, and 15 registers do not hold them.
  do {
    let c = v128.load64_splat(at);
    tEven = f64x2.add(f64x2.mul(tEven, tSquare), c);
    uEven = f64x2.add(f64x2.mul(uEven, uSquare), c);
    c = v128.load64_splat(at, 8);
    tOdd = f64x2.add(f64x2.mul(tOdd, tSquare), c);
    uOdd = f64x2.add(f64x2.mul(uOdd, uSquare), c);
    c = v128.load64_splat(at, 16);
    tEven = f64x2.add(f64x2.mul(tEven, tSquare), c);
    uEven = f64x2.add(f64x2.mul(uEven, uSquare), c);
    c = v128.load64_splat(at, 24);
    tOdd = f64x2.add(f64x2.mul(tOdd, tSquare), c);
    uOdd = f64x2.add(f64x2.mul(uOdd, uSquare), c);
    c = v128.load64_splat(at, 32);
    tEven = f64x2.add(f64x2.mul(tEven, tSquare), c);
    uEven = f64x2.add(f64x2.mul(uEven, uSquare), c);
    c = v128.load64_splat(at, 40);
    tOdd = f64x2.add(f64x2.mul(tOdd, tSquare), c);
    uOdd = f64x2.add(f64x2.mul(uOdd, uSquare), c);
    c = v128.load64_splat(at, 48);
    tEven = f64x2.add(f64x2.mul(tEven, tSquare), c);
    uEven = f64x2.add(f64x2.mul(uEven, uSquare), c);
    c = v128.load64_splat(at, 56);
    tOdd = f64x2.add(f64x2.mul(tOdd, tSquare), c);
    uOdd = f64x2.add(f64x2.mul(uOdd, uSquare), c);
    c = v128.load64_splat(at, 64);
    tEven = f64x2.add(f64x2.mul(tEven, tSquare), c);
    uEven = f64x2.add(f64x2.mul(uEven, uSquare), c);
    c = v128.load64_splat(at, 72);
    tOdd = f64x2.add(f64x2.mul(tOdd, tSquare), c);
    uOdd = f64x2.add(f64x2.mul(uOdd, uSquare), c);
    at += 80;
  } while (at < MILLS_LAST);
  const last = both(MILLS_LAST);
  const p = f64x2.add(f64x2.add(f64x2.mul(tEven, tSquare), last), f64x2.mul(t, tOdd));
  const q = f64x2.add(f64x2.add(f64x2.mul(uEven, uSquare), last), f64x2.mul(u, uOdd));
  storeTails(x, xSize, p, y, ySize, q, to);
}

/** As `tailOf` with `expWithin` gives them, side by side: what would go through memory in between would be looked at for NaNs. */
@inline
function storeTails(x: v128, xSize: v128, p: v128, y: v128, ySize: v128, q: v128, to: usize): void {
  const xCount = countOf(squareOf(xSize));
  const yCount = countOf(squareOf(ySize));
  const a = upperRest(squareOf(xSize), f64x2.sub(xCount, rounder()));
  const b = lowerRest(restOf(xSize), f64x2.sub(xCount, rounder()));
  const c = upperRest(squareOf(ySize), f64x2.sub(yCount, rounder()));
  const d = lowerRest(restOf(ySize), f64x2.sub(yCount, rounder()));
  const r = f64x2.sub(a, b);
  const s = f64x2.sub(c, d);
  let e = both(POLYNOMIAL);
  let f = e;
  let at = POLYNOMIAL + 8;
  do {
    let next = v128.load64_splat(at);
    e = f64x2.add(f64x2.mul(e, r), next);
    f = f64x2.add(f64x2.mul(f, s), next);
    next = v128.load64_splat(at, 8);
    e = f64x2.add(f64x2.mul(e, r), next);
    f = f64x2.add(f64x2.mul(f, s), next);
    next = v128.load64_splat(at, 16);
    e = f64x2.add(f64x2.mul(e, r), next);
    f = f64x2.add(f64x2.mul(f, s), next);
    at += 24;
  } while (at < POLYNOMIAL + 80);
  v128.store(to, tailOf(x, xSize, p, scaled(lessOne(a, b, e), xCount)));
  v128.store(to, tailOf(y, ySize, q, scaled(lessOne(c, d, f), yCount)), 16);
}

@inline
function sizeOf(x: v128): v128 {
  return f64x2.pmin(f64x2.abs(x), both(TERMS));
}

@inline
function argumentOf(size: v128): v128 {
  const five = both(TERMS + 8);
  return f64x2.div(f64x2.sub(size, five), f64x2.add(size, five));
}

/** exp(-x^2 / 2) has two parts in its exponent: the square of the upper half is exact, the rest comes as the tail. */
@inline
function squareOf(size: v128): v128 {
  const x1 = upper(size);
  return f64x2.mul(both(TERMS + 24), f64x2.mul(x1, x1));
}

@inline
function restOf(size: v128): v128 {
  const x1 = upper(size);
  return f64x2.mul(f64x2.mul(both(TERMS + 24), f64x2.sub(size, x1)), f64x2.add(size, x1));
}

/** From the value p of the polynomial, and the density but for its factor. */
@inline
function tailOf(x: v128, size: v128, p: v128, density: v128): v128 {
  const one = both(TERMS + 16);
  const tail = f64x2.mul(density, f64x2.div(p, f64x2.add(one, f64x2.add(size, size))));
  // 1 - tail or 0 + tail: numbers to choose from, not bits, which would have to be looked at for NaNs.
  const above = v128.and(f64x2.gt(x, f64x2.splat(0)), both(CHOSEN));
  const sign = v128.or(v128.and(above, both(CHOSEN + 8)), one);
  return f64x2.add(v128.and(above, one), f64x2.mul(sign, tail));
}

/** Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), 477: near the middle, numerator and denominator from the highest power down. */
@lazy const MIDDLE = memory.data<f64>([
  2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
  1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
  5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
  687.1870074920579083, 42.313330701600911252, 1,
], 16);
/** For p from exp(-25) on. */
@lazy const SIDE = memory.data<f64>([
  7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.4178072517745061177e-1, 1.27045825245236838258,
  3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
  1.05075007164441684324e-9, 5.475938084995344946e-4, 1.51986665636164571966e-2, 1.4810397642748007459e-1,
  6.8976733498510000455e-1, 1.6763848301838038494, 2.05319162663775882187, 1,
], 16);
/** For smaller p. */
@lazy const FAR = memory.data<f64>([
  2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.2426609473880784386e-3, 2.65321895265761230930e-2,
  2.9656057182850489123e-1, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
  2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
  1.48753612908506148525e-2, 1.3692988092273580531e-1, 5.9983220655588793769e-1, 1,
], 16);

/** A half; as far from it as the middle reaches; the square of that; where the sides' and the far sides' powers begin. */
@lazy const BORDERS = memory.data<f64>([0.5, 0.425, 0.180625, 1.6, 5], 16);

/** The x for which P(X <= x) = p; infinite at 0 and 1, NaN outside. */
export function normalQuantileLanes(p: v128): v128 {
  const q = f64x2.sub(p, both(BORDERS));
  const near = f64x2.le(f64x2.abs(q), both(BORDERS + 8));
  const middle = f64x2.mul(q, ratio(f64x2.sub(both(BORDERS + 16), f64x2.mul(q, q)), MIDDLE));
  if (i64x2.bitmask(near) == 3) return middle;
  return v128.bitselect(middle, aside(p, q), near);
}

/** The same away from the middle. */
function aside(p: v128, q: v128): v128 {
  const below = f64x2.lt(q, f64x2.splat(0));
  const tail = v128.bitselect(p, f64x2.sub(f64x2.splat(1), p), below);
  const root = f64x2.sqrt(f64x2.neg(logLanes(tail)));
  let x = ratio(f64x2.sub(root, both(BORDERS + 24)), SIDE);
  const far = f64x2.gt(root, both(BORDERS + 32));
  if (v128.any_true(far)) {
    x = v128.bitselect(ratio(f64x2.sub(root, both(BORDERS + 32)), FAR), x, far);
    x = v128.bitselect(root, x, f64x2.eq(root, f64x2.splat(Infinity)));
  }
  return v128.xor(x, v128.and(below, f64x2.splat(-0.0)));
}

@inline
function ratio(r: v128, table: usize): v128 {
  let above = both(table);
  above = step(above, r, table + 8);
  above = step(above, r, table + 16);
  above = step(above, r, table + 24);
  above = step(above, r, table + 32);
  above = step(above, r, table + 40);
  above = step(above, r, table + 48);
  above = step(above, r, table + 56);
  let below = both(table + 64);
  below = step(below, r, table + 72);
  below = step(below, r, table + 80);
  below = step(below, r, table + 88);
  below = step(below, r, table + 96);
  below = step(below, r, table + 104);
  below = step(below, r, table + 112);
  below = step(below, r, table + 120);
  return f64x2.div(above, below);
}
