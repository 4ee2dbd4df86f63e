// log and pow, two lanes of f64 at a time: x = 2^k m, 1/c from a table so that r = m / c - 1 is small and exact, log(1 + r) by a
// polynomial. The sum is kept in two parts, of some 68 bits, which pow needs: y log(x) has an absolute error where log has a relative one.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { expOfSum } from './exponential';
import { both, lanesOf, ROUNDER, step, upper } from './lanes';

/** For c near i / 32, i from 23 to 45: 1 / c in 9 bits, and log(c) in two parts, the first of 42 bits behind the point. */
@lazy const TABLE = memory.data<f64>([
  1.390625, -0.32975328637257917, 1.1118671389559323e-13,
  1.33203125, -0.28670503280386583, -8.848109604006821e-14,
  1.28125, -0.2478361639045943, 1.3029797173308663e-14,
  1.23046875, -0.20739519434596332, -1.0726867577289733e-13,
  1.18359375, -0.16855536102980295, -3.714397754170472e-15,
  1.14453125, -0.13499516453748583, -1.8996158041578768e-14,
  1.1015625, -0.09672962645845473, -9.638067658552277e-14,
  1.06640625, -0.06429435070549516, 9.790518511990216e-14,
  1.03125, -0.03077165866670839, -4.529814257790929e-14,
  1.0, 0.0, 0.0,
  0.96875, 0.03174869831468641, -1.0610652735224087e-13,
  0.94140625, 0.060380510988807146, 1.0033424888676119e-13,
  0.9140625, 0.08985632912185793, 3.1218748807418837e-15,
  0.890625, 0.11583181552509814, 2.3568822182038756e-14,
  0.86328125, 0.14701474296180095, 8.710783796122478e-15,
  0.84375, 0.16989903679541385, -1.6376276414097503e-14,
  0.8203125, 0.19806991376208316, 1.0634128304268335e-14,
  0.80078125, 0.2221674653410446, 1.0970699320566433e-13,
  0.78125, 0.2468600779316148, -8.899851356560444e-14,
  0.76171875, 0.2721778859158803, -6.465103064005256e-14,
  0.74609375, 0.29290401643288533, 4.727452940514406e-14,
  0.7265625, 0.3194307707663029, 5.834357420090924e-14,
  0.7109375, 0.3411707574027787, -1.156568624616423e-14,
], 16);
@inline const FIRST: usize = 23;
@inline const ROW_BYTES: usize = 24;

/** (log(1 + r) - r + r^2 / 2) / r^3, interpolated at Chebyshev's nodes: times r^3, off by 2^-70. From the highest power down. */
@lazy const POLYNOMIAL = memory.data<f64>([
  -0.10008644869769305, 0.11120541804241288, -0.12499997198666564, 0.14285711229745515, -0.16666666666957117,
  0.2000000000031685, -0.24999999999999994, 0.33333333333333326,
], 16);

/** ln 2 in two parts, the first of 42 bits; 32; a half. */
@lazy const TERMS = memory.data<f64>([0.6931471805598903, 5.497923018708371e-14, 32, 0.5], 16);

@inline const NORMAL_MIN: f64 = 2.2250738585072014e-308;
/** The bits of the root of 1/2: m is from there to the root of 2. */
@inline const ROOT_BITS: i64 = 0x3fe6a09e667f3bcd;
@inline const ROUNDER_BITS: i64 = 0x4338000000000000;

/** The second part of the logarithm that `logParts` has given. */
@lazy const LOW = memory.data(16, 16);

export function logLanes(x: v128): v128 {
  const y = logOf(x, false);
  const plain = v128.and(f64x2.gt(x, f64x2.splat(0)), f64x2.lt(x, f64x2.splat(Infinity)));
  if (v128.any_true(v128.not(plain))) return logOfAny(x, y);
  return y;
}

/** x to the power of y as C99 has it in annex F, by lane. */
export function powLanes(x: v128, y: v128): v128 {
  const plain = v128.and(
    v128.and(f64x2.gt(x, f64x2.splat(0)), f64x2.lt(x, f64x2.splat(Infinity))),
    f64x2.lt(f64x2.abs(y), f64x2.splat(1e300)),
  );
  if (i64x2.all_true(plain)) return powOfPositive(x, y);
  return lanesOf(
    powOfAny(f64x2.extract_lane(x, 0), f64x2.extract_lane(y, 0)),
    powOfAny(f64x2.extract_lane(x, 1), f64x2.extract_lane(y, 1)),
  );
}

/** What is neither positive nor finite, among lanes whose logarithms are y. */
function logOfAny(x: v128, y: v128): v128 {
  const zero = f64x2.splat(0);
  const kept = v128.bitselect(y, f64x2.splat(NaN), f64x2.gt(x, zero));
  const ended = v128.bitselect(f64x2.splat(Infinity), kept, f64x2.eq(x, f64x2.splat(Infinity)));
  return v128.bitselect(f64x2.splat(-Infinity), ended, f64x2.eq(x, zero));
}

function powOfAny(x: f64, y: f64): f64 {
  if (y == 0 || x == 1) return 1;
  if (isNaN(x) || isNaN(y)) return NaN;
  const size = Math.abs(x);
  if (Math.abs(y) == Infinity) return size == 1 ? 1 : size > 1 == y > 0 ? Infinity : 0;
  const whole = y == Math.floor(y);
  const odd = whole && Math.abs(y) < 9007199254740992 && (<i64>y & 1) != 0;
  if (x < 0 && !whole && size != Infinity) return NaN;
  const negative = odd && (reinterpret<u64>(x) >> 63) != 0;
  let power: f64;
  if (size == 0 || size == Infinity) power = (size == 0) == (y > 0) ? 0 : Infinity;
  // Any such power is 0, 1 or infinite; the steps of powOfPositive would be NaN.
  else if (Math.abs(y) > 1e300) power = size == 1 ? 1 : size > 1 == y > 0 ? Infinity : 0;
  else power = f64x2.extract_lane(powOfPositive(f64x2.splat(size), f64x2.splat(y)), 0);
  return negative ? -power : power;
}

/** exp(y (high + low)), the product of y and high to its last bit. */
function powOfPositive(x: v128, y: v128): v128 {
  const high = logOf(x, true);
  const low = v128.load(LOW);
  const product = f64x2.mul(y, high);
  const y1 = upper(y);
  const y2 = f64x2.sub(y, y1);
  const h1 = upper(high);
  const h2 = f64x2.sub(high, h1);
  let tail = f64x2.sub(f64x2.mul(y1, h1), product);
  tail = f64x2.add(f64x2.add(tail, f64x2.mul(y1, h2)), f64x2.add(f64x2.mul(y2, h1), f64x2.mul(y2, h2)));
  tail = f64x2.add(tail, f64x2.mul(y, low));
  // Beyond these bounds the power is 0 or infinite, and the tail may be so, too.
  return expOfSum(product, v128.and(tail, f64x2.lt(f64x2.abs(product), f64x2.splat(800))));
}

/** log(x) of positive, finite x: rounded, or `split` into what it returns and what it leaves at LOW. */
@inline
function logOf(x: v128, split: bool): v128 {
  const small = f64x2.lt(x, f64x2.splat(NORMAL_MIN));
  const normal = v128.bitselect(f64x2.mul(x, f64x2.splat(18014398509481984)), x, small);
  const over = i64x2.shr_s(i64x2.sub(normal, i64x2.splat(ROOT_BITS)), 52);
  const m = i64x2.sub(normal, i64x2.shl(over, 52));
  let k = f64x2.sub(i64x2.add(over, i64x2.splat(ROUNDER_BITS)), f64x2.splat(ROUNDER));
  k = f64x2.sub(k, v128.and(small, f64x2.splat(54)));

  const row = f64x2.add(f64x2.mul(m, both(TERMS + 16)), f64x2.splat(ROUNDER));
  const at0 = rowAt(i32x4.extract_lane(row, 0));
  const at1 = rowAt(i32x4.extract_lane(row, 2));
  const inverse = v128.load64_lane(at1, v128.load64_splat(at0), 1);
  const logHigh = v128.load64_lane(at1 + 8, v128.load64_splat(at0 + 8), 1);
  const logLow = v128.load64_lane(at1 + 16, v128.load64_splat(at0 + 16), 1);

  // r to its last bit, in two parts.
  const m1 = upper(m);
  const a = f64x2.sub(f64x2.mul(m1, inverse), f64x2.splat(1));
  const b = f64x2.mul(f64x2.sub(m, m1), inverse);
  const r = f64x2.add(a, b);
  const rest = f64x2.add(f64x2.sub(a, r), b);

  let p = both(POLYNOMIAL);
  p = step(p, r, POLYNOMIAL + 8);
  p = step(p, r, POLYNOMIAL + 16);
  p = step(p, r, POLYNOMIAL + 24);
  p = step(p, r, POLYNOMIAL + 32);
  p = step(p, r, POLYNOMIAL + 40);
  p = step(p, r, POLYNOMIAL + 48);
  p = step(p, r, POLYNOMIAL + 56);
  const square = f64x2.mul(r, r);
  const cubic = f64x2.mul(f64x2.mul(square, r), p);

  // k ln 2 + log(c) + r - r^2 / 2: each sum in two parts, the square, too.
  const half = both(TERMS + 24);
  const r1 = upper(r);
  const r2 = f64x2.sub(r, r1);
  const h = f64x2.mul(half, f64x2.mul(r1, r1));
  const hRest = f64x2.add(f64x2.mul(half, f64x2.mul(r2, f64x2.add(r, r1))), f64x2.mul(r, rest));
  const whole = f64x2.add(f64x2.mul(k, both(TERMS)), logHigh);
  const s = f64x2.add(whole, r);
  const sRest = f64x2.add(f64x2.sub(whole, s), r);
  const t = f64x2.sub(s, h);
  const tRest = f64x2.sub(f64x2.sub(s, t), h);
  const small1 = f64x2.add(f64x2.mul(k, both(TERMS + 8)), logLow);
  const small2 = f64x2.sub(f64x2.add(cubic, rest), hRest);
  const low = f64x2.add(f64x2.add(sRest, tRest), f64x2.add(small1, small2));
  const high = f64x2.add(t, low);
  if (split) v128.store(LOW, f64x2.add(f64x2.sub(t, high), low));
  return high;
}

/** Bounded, so that NaNs, infinities and negative numbers read from the table, too. */
@inline
function rowAt(index: i32): usize {
  return TABLE + min<usize>(<usize>index - FIRST, 22) * ROW_BYTES;
}
