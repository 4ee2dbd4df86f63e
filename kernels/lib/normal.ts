// The normal distribution: its distribution function and the inverse of that, two lanes of f64 at a time.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { expWithin } from './exponential';
import { both, step, upper } from './lanes';
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

/**
 * Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), 477: near the middle, the coefficients of numerator and denominator in
 * turns, from the highest power down.
 */
@lazy const MIDDLE = memory.data<f64>([
  2509.0809287301226727, 5226.495278852854561, 33430.575583588128105, 28729.085735721942674,
  67265.770927008700853, 39307.89580009271061, 45921.953931549871457, 21213.794301586595867,
  13731.693765509461125, 5394.1960214247511077, 1971.5909503065514427, 687.1870074920579083,
  133.14166789178437745, 42.313330701600911252, 3.387132872796366608, 1,
], 16);
@lazy const MIDDLE_END = MIDDLE + 128;
/** For p from exp(-25) on. */
@lazy const SIDE = memory.data<f64>([
  7.7454501427834140764e-4, 1.05075007164441684324e-9, 2.27238449892691845833e-2, 5.475938084995344946e-4,
  2.4178072517745061177e-1, 1.51986665636164571966e-2, 1.27045825245236838258, 1.4810397642748007459e-1,
  3.64784832476320460504, 6.8976733498510000455e-1, 5.7694972214606914055, 1.6763848301838038494,
  4.6303378461565452959, 2.05319162663775882187, 1.42343711074968357734, 1,
], 16);
/** For smaller p. */
@lazy const FAR = memory.data<f64>([
  2.01033439929228813265e-7, 2.04426310338993978564e-15, 2.71155556874348757815e-5, 1.4215117583164458887e-7,
  1.2426609473880784386e-3, 1.8463183175100546818e-5, 2.65321895265761230930e-2, 7.868691311456132591e-4,
  2.9656057182850489123e-1, 1.48753612908506148525e-2, 1.7848265399172913358, 1.3692988092273580531e-1,
  5.4637849111641143699, 5.9983220655588793769e-1, 6.6579046435011037772, 1,
], 16);

/** A half; as far from it as the middle reaches; the square of that; where the sides' and the far sides' powers begin. */
@lazy const BORDERS = memory.data<f64>([0.5, 0.425, 0.180625, 1.6, 5], 16);

/** The x for which P(X <= x) = p; infinite at 0 and 1, NaN outside. */
export function normalQuantileLanes(p: v128): v128 {
  const q = f64x2.sub(p, both(BORDERS));
  const near = f64x2.le(f64x2.abs(q), both(BORDERS + 8));
  const middle = f64x2.mul(q, ratio(f64x2.sub(both(BORDERS + 16), f64x2.mul(q, q)), MIDDLE));
  if (i64x2.bitmask(near) == 3) return middle;
  return v128.bitselect(middle, aside(rootOf(p, q), q), near);
}

/** Of how many numbers at a time those aside from the middle are put off. */
@inline const PART: usize = 64;
/** Where those are. */
@lazy const ASIDE = memory.data((<i32>PART + 1) * 4, 16);
/** Of each two of them, the root of the logarithm. */
@lazy const ROOTS = memory.data(<i32>PART * 8, 16);

/**
 * Of all numbers from an address up to another, in place. Every seventh even number is aside from the middle and takes three times as long:
 * those are put off, and done two at a time like the others, instead of every vector that has one.
 */
export function normalQuantileOf(from: usize, to: usize): void {
  while (from < to) {
    const end = min(from + PART * 8, to);
    let next = ASIDE;
    // Four at a time, whose steps need not wait for each other. The first one comes before the loop, or V8 would make what all of them take
    // anew in every turn.
    for (; from + 48 < end; from += 64) {
      const a = middleRest(from);
      const b = middleRest(from + 16);
      const c = middleRest(from + 32);
      const d = middleRest(from + 48);
      let aboveA = step(both(MIDDLE), a, MIDDLE + 16);
      let aboveB = step(both(MIDDLE), b, MIDDLE + 16);
      let aboveC = step(both(MIDDLE), c, MIDDLE + 16);
      let aboveD = step(both(MIDDLE), d, MIDDLE + 16);
      let belowA = step(both(MIDDLE + 8), a, MIDDLE + 24);
      let belowB = step(both(MIDDLE + 8), b, MIDDLE + 24);
      let belowC = step(both(MIDDLE + 8), c, MIDDLE + 24);
      let belowD = step(both(MIDDLE + 8), d, MIDDLE + 24);
      for (let at = MIDDLE + 32; at < MIDDLE_END; at += 16) {
        let coefficient = both(at);
        aboveA = f64x2.add(f64x2.mul(aboveA, a), coefficient);
        aboveB = f64x2.add(f64x2.mul(aboveB, b), coefficient);
        aboveC = f64x2.add(f64x2.mul(aboveC, c), coefficient);
        aboveD = f64x2.add(f64x2.mul(aboveD, d), coefficient);
        coefficient = both(at + 8);
        belowA = f64x2.add(f64x2.mul(belowA, a), coefficient);
        belowB = f64x2.add(f64x2.mul(belowB, b), coefficient);
        belowC = f64x2.add(f64x2.mul(belowC, c), coefficient);
        belowD = f64x2.add(f64x2.mul(belowD, d), coefficient);
      }
      next = putMiddle(from, f64x2.div(aboveA, belowA), next);
      next = putMiddle(from + 16, f64x2.div(aboveB, belowB), next);
      next = putMiddle(from + 32, f64x2.div(aboveC, belowC), next);
      next = putMiddle(from + 48, f64x2.div(aboveD, belowD), next);
    }
    for (; from < end; from += 16) next = putMiddle(from, ratio(middleRest(from), MIDDLE), next);
    // Of an odd number, the last is both of its two.
    if (next > ASIDE) store<u32>(next, load<u32>(next - 4));
    // First the roots of all: what is kept across the call of the logarithm would go through memory.
    let root = ROOTS;
    for (let at = ASIDE; at < next; at += 8) {
      const p = v128.load64_lane(<usize>load<u32>(at, 4), v128.load64_splat(<usize>load<u32>(at)), 1);
      v128.store(root, rootOf(p, f64x2.sub(p, both(BORDERS))));
      root += 16;
    }
    root = ROOTS;
    for (let at = ASIDE; at < next; at += 8) {
      const first = <usize>load<u32>(at);
      const second = <usize>load<u32>(at, 4);
      const p = v128.load64_lane(second, v128.load64_splat(first), 1);
      const x = aside(v128.load(root), f64x2.sub(p, both(BORDERS)));
      v128.store64_lane(first, x, 0);
      v128.store64_lane(second, x, 1);
      root += 16;
    }
  }
}

/** What the middle's powers are of. */
@inline
function middleRest(at: usize): v128 {
  const q = f64x2.sub(v128.load(at), both(BORDERS));
  return f64x2.sub(both(BORDERS + 16), f64x2.mul(q, q));
}

/** Puts the numbers of the middle in their place, and the addresses of those aside from it at the end of a list. */
@inline
function putMiddle(at: usize, ratio: v128, next: usize): usize {
  const p = v128.load(at);
  const q = f64x2.sub(p, both(BORDERS));
  const near = f64x2.le(f64x2.abs(q), both(BORDERS + 8));
  v128.store(at, v128.bitselect(f64x2.mul(q, ratio), p, near));
  const far = ~i64x2.bitmask(near);
  store<u32>(next, <u32>at);
  next += (far & 1) << 2;
  store<u32>(next, <u32>at + 8);
  return next + ((far & 2) << 1);
}

/** Away from the middle, what powers are of. */
@inline
function rootOf(p: v128, q: v128): v128 {
  const below = f64x2.lt(q, f64x2.splat(0));
  return f64x2.sqrt(f64x2.neg(logLanes(v128.bitselect(p, f64x2.sub(f64x2.splat(1), p), below))));
}

/** The x away from the middle. */
@inline
function aside(root: v128, q: v128): v128 {
  let x = ratio(f64x2.sub(root, both(BORDERS + 24)), SIDE);
  const far = f64x2.gt(root, both(BORDERS + 32));
  if (v128.any_true(far)) {
    x = v128.bitselect(ratio(f64x2.sub(root, both(BORDERS + 32)), FAR), x, far);
    x = v128.bitselect(root, x, f64x2.eq(root, f64x2.splat(Infinity)));
  }
  return v128.xor(x, v128.and(f64x2.lt(q, f64x2.splat(0)), f64x2.splat(-0.0)));
}

@inline
function ratio(r: v128, table: usize): v128 {
  let above = both(table);
  let below = both(table + 8);
  above = step(above, r, table + 16);
  below = step(below, r, table + 24);
  above = step(above, r, table + 32);
  below = step(below, r, table + 40);
  above = step(above, r, table + 48);
  below = step(below, r, table + 56);
  above = step(above, r, table + 64);
  below = step(below, r, table + 72);
  above = step(above, r, table + 80);
  below = step(below, r, table + 88);
  above = step(above, r, table + 96);
  below = step(below, r, table + 104);
  above = step(above, r, table + 112);
  below = step(below, r, table + 120);
  return f64x2.div(above, below);
}
