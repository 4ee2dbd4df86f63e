// Sums that are the same everywhere, since their order is fixed. Plain ones are fast; compensated ones are as good as twice the digits.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { upper } from './lanes';

/**
 * The order of every sum here: eight partial sums, number i goes to the (i modulo 8)th; then s_j + s_(j+2) + s_(j+4) + s_(j+6) from left
 * to right for j of 0 and 1, and the two of those. What is left of a multiple of eight takes part as if zeroes followed.
 */
export abstract class sums {
  /** The plain sum. */
  static sum(values: Float64Array): f64 {
    let at = values.dataStart;
    const end = at + (<usize>values.length & ~7) * 8;
    let a = f64x2.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (; at < end; at += 64) {
      a = f64x2.add(a, v128.load(at));
      b = f64x2.add(b, v128.load(at, 16));
      c = f64x2.add(c, v128.load(at, 32));
      d = f64x2.add(d, v128.load(at, 48));
    }
    if ((values.length & 7) != 0) {
      const rest = padded(end, <usize>values.length & 7, LAST);
      a = f64x2.add(a, v128.load(rest));
      b = f64x2.add(b, v128.load(rest, 16));
      c = f64x2.add(c, v128.load(rest, 32));
      d = f64x2.add(d, v128.load(rest, 48));
    }
    return both(f64x2.add(f64x2.add(f64x2.add(a, b), c), d));
  }

  /** The plain sum of products. Fails the task where the lengths differ. */
  static dot(x: Float64Array, y: Float64Array): f64 {
    assert(x.length == y.length, 'dot takes two arrays of one length');
    let at = x.dataStart;
    let by = y.dataStart;
    const end = at + (<usize>x.length & ~7) * 8;
    let a = f64x2.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (; at < end; at += 64) {
      a = f64x2.add(a, f64x2.mul(v128.load(at), v128.load(by)));
      b = f64x2.add(b, f64x2.mul(v128.load(at, 16), v128.load(by, 16)));
      c = f64x2.add(c, f64x2.mul(v128.load(at, 32), v128.load(by, 32)));
      d = f64x2.add(d, f64x2.mul(v128.load(at, 48), v128.load(by, 48)));
      by += 64;
    }
    if ((x.length & 7) != 0) {
      const p = padded(end, <usize>x.length & 7, LAST);
      const q = padded(by, <usize>x.length & 7, LAST_OF_OTHER);
      a = f64x2.add(a, f64x2.mul(v128.load(p), v128.load(q)));
      b = f64x2.add(b, f64x2.mul(v128.load(p, 16), v128.load(q, 16)));
      c = f64x2.add(c, f64x2.mul(v128.load(p, 32), v128.load(q, 32)));
      d = f64x2.add(d, f64x2.mul(v128.load(p, 48), v128.load(q, 48)));
    }
    return both(f64x2.add(f64x2.add(f64x2.add(a, b), c), d));
  }

  /**
   * The sum as if computed with twice the digits and then rounded: off by an ulp of the sum and n^2 2^-106 of the sum of sizes.
   * Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005), 1955, algorithm 4.4, in two lanes: of even
   * places and of odd ones.
   */
  static exactSum(values: Float64Array): f64 {
    let sum = f64x2.splat(0);
    let rest = sum;
    for (let at = values.dataStart, end = endOf(values); at < end; at += 16) {
      const value = pairAt(at, end);
      const next = f64x2.add(sum, value);
      rest = f64x2.add(rest, lostBy(sum, value, next));
      sum = next;
    }
    return joined(sum, rest);
  }

  /** The sum of products, likewise: algorithm 5.3. Products must stay below 2^996, or the result is NaN. */
  static exactDot(x: Float64Array, y: Float64Array): f64 {
    assert(x.length == y.length, 'exactDot takes two arrays of one length');
    let by = y.dataStart;
    let sum = f64x2.splat(0);
    let rest = sum;
    for (let at = x.dataStart, end = endOf(x); at < end; at += 16) {
      const a = pairAt(at, end);
      const b = pairAt(by, by + (end - at));
      by += 16;
      const product = f64x2.mul(a, b);
      const next = f64x2.add(sum, product);
      rest = f64x2.add(rest, f64x2.add(lostBy(sum, product, next), lostByProduct(a, b, product)));
      sum = next;
    }
    return joined(sum, rest);
  }

  /** The root of the sum of squares, within 1 ulp, for sizes up to 2^498 and down to 2^-480: squares are summed by exactDot. */
  static norm(values: Float64Array): f64 {
    return Math.sqrt(sums.exactDot(values, values));
  }
}

/** Up to seven numbers with zeroes behind them. */
@lazy const LAST = memory.data(64, 16);
@lazy const LAST_OF_OTHER = memory.data(64, 16);

function padded(from: usize, count: usize, to: usize): usize {
  memory.fill(to, 0, 64);
  memory.copy(to, from, count * 8);
  return to;
}

@inline
function both(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

@inline
function endOf(values: Float64Array): usize {
  return values.dataStart + <usize>values.length * 8;
}

/** Two numbers; the second is 0 behind the end. */
@inline
function pairAt(at: usize, end: usize): v128 {
  return at + 16 <= end ? v128.load(at) : v128.load64_zero(at);
}

/** What rounding has taken from s = a + b. */
@inline
function lostBy(a: v128, b: v128, s: v128): v128 {
  const added = f64x2.sub(s, a);
  return f64x2.add(f64x2.sub(a, f64x2.sub(s, added)), f64x2.sub(b, added));
}

/** What rounding has taken from p = a b, unless parts of it are below the normal numbers. */
@inline
function lostByProduct(a: v128, b: v128, p: v128): v128 {
  const a1 = upper(a);
  const b1 = upper(b);
  const a2 = f64x2.sub(a, a1);
  const b2 = f64x2.sub(b, b1);
  const less = f64x2.add(f64x2.sub(f64x2.mul(a1, b1), p), f64x2.mul(a1, b2));
  return f64x2.add(f64x2.add(less, f64x2.mul(a2, b1)), f64x2.mul(a2, b2));
}

/** Both lanes and what they lack; infinities and NaNs as a plain sum has them. */
function joined(sum: v128, rest: v128): f64 {
  const a = f64x2.extract_lane(sum, 0);
  const b = f64x2.extract_lane(sum, 1);
  const s = a + b;
  if (!isFinite(s)) return s;
  const added = s - a;
  return s + (a - (s - added) + (b - added) + both(rest));
}
