// exp, log, sin, cos and tanh, four lanes of f32 at a time: the ways of the files for f64, with shorter polynomials.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { both, ROUNDER } from './lanes';
import { cosLanes, sinLanes } from './sine';

/** 1 / ln 2; ln 2 in two parts, the first of 15 bits, so that its product with k is exact. */
@inline const PER_LN2: f32 = 1.4426950216293335;
@inline const LN2_HIGH: f32 = 0.693145751953125;
@inline const LN2_LOW: f32 = 1.428606765330187e-6;

/** (exp(r) - 1 - r) / r^2 up to ln 2 / 2, interpolated at Chebyshev's nodes: off by 2^-29. All from the highest power down. */
@lazy const EXP = memory.data<f32>([
  1.98910798644647e-4, 1.3933731243014336e-3, 8.33331048488617e-3, 4.1666463017463684e-2, 1.666666716337204e-1, 0.5,
], 16);
/** (log(1 + f) - f + f^2 / 2) / f^3 from the root of 1/2 to that of 2: times f^3, off by 2^-28. Then what else a logarithm needs. */
@lazy const LOG = memory.data<f32>([
  6.971611827611923e-2, -1.1479733884334564e-1, 1.1685419827699661e-1, -1.2425687164068222e-1, 1.4249058067798615e-1,
  -1.666780263185501e-1, 2.0000715553760529e-1, -2.499999701976776e-1, 3.333333134651184e-1,
  1, 0.5, LN2_LOW, LN2_HIGH,
], 16);
/** (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4 in powers of r^2, up to pi/4: off by 2^-26 and 2^-30 in all. */
@lazy const SINE = memory.data<f32>([-1.9587387214414775e-4, 8.332746103405952e-3, -1.66666641831398e-1], 16);
@lazy const COSINE = memory.data<f32>([2.4547436623834074e-5, -1.3888300163671374e-3, 4.16666641831398e-2], 16);
/** 2/pi; pi/2 in two parts, whose products with n up to 2^20 are exact and near enough. In f64, where they cost a third of all. */
@lazy const TURN = memory.data<f64>([0.6366197723675814, 1.5707963267341256, 6.077100506506192e-11], 16);
/** From here on, sin and cos are those of f64. */
@inline const FAR: f32 = 1048576.0;

@inline const NORMAL_MIN: f32 = 1.1754943508222875e-38;
/** The bits of the root of 1/2. */
@inline const ROOT_BITS: i32 = 0x3f3504f3;

export function expFour(x: v128): v128 {
  // In this order the two leave a NaN as it is.
  const within = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(89));
  const k = f32x4.nearest(f32x4.mul(within, f32x4.splat(PER_LN2)));
  const y = f32x4.add(f32x4.splat(1), expRest(within, k));
  // In two steps, since 2^k alone may be out of range: only the last product rounds.
  const whole = i32x4.trunc_sat_f32x4_s(k);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(y, power2(half)), power2(i32x4.sub(whole, half)));
}

export function logFour(x: v128): v128 {
  // Most often all are positive, finite and normal: then half of the instructions will do.
  const plain = v128.and(i32x4.gt_s(x, i32x4.splat(0x7fffff)), i32x4.lt_s(x, i32x4.splat(0x7f800000)));
  if (i32x4.bitmask(plain) == 15) return logOf(x, f32x4.splat(0));
  const small = f32x4.lt(x, f32x4.splat(NORMAL_MIN));
  const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  const y = logOf(normal, v128.and(small, f32x4.splat(23)));
  // What is neither positive nor finite.
  const zero = f32x4.splat(0);
  const kept = v128.bitselect(y, f32x4.splat(NaN), f32x4.gt(x, zero));
  const ended = v128.bitselect(f32x4.splat(Infinity), kept, f32x4.eq(x, f32x4.splat(Infinity)));
  return v128.bitselect(f32x4.splat(-Infinity), ended, f32x4.eq(x, zero));
}

/** log(x / 2^less) of normal numbers. */
@inline
function logOf(x: v128, less: v128): v128 {
  const over = i32x4.shr_s(i32x4.sub(x, i32x4.splat(ROOT_BITS)), 23);
  const f = f32x4.sub(i32x4.sub(x, i32x4.shl(over, 23)), v128.load32_splat(LOG, 36));
  const k = f32x4.sub(f32x4.convert_i32x4_s(over), less);
  let p = v128.load32_splat(LOG);
  p = step(p, f, LOG + 4);
  p = step(p, f, LOG + 8);
  p = step(p, f, LOG + 12);
  p = step(p, f, LOG + 16);
  p = step(p, f, LOG + 20);
  p = step(p, f, LOG + 24);
  p = step(p, f, LOG + 28);
  p = step(p, f, LOG + 32);
  const square = f32x4.mul(f, f);
  let rest = f32x4.add(f32x4.mul(f32x4.mul(square, f), p), f32x4.mul(k, v128.load32_splat(LOG, 44)));
  rest = f32x4.sub(rest, f32x4.mul(v128.load32_splat(LOG, 40), square));
  return f32x4.add(f32x4.add(f, rest), f32x4.mul(k, v128.load32_splat(LOG, 48)));
}

export function sinFour(x: v128): v128 {
  if (isFar(x)) return joined(sinLanes(lowOf(x)), sinLanes(highOf(x)));
  // The sum of its parts would take the sign from -0.
  return v128.bitselect(x, turned(x, 0), f32x4.eq(x, f32x4.splat(0)));
}

export function cosFour(x: v128): v128 {
  if (isFar(x)) return joined(cosLanes(lowOf(x)), cosLanes(highOf(x)));
  return turned(x, 1);
}

/** -E / (E + 2) with E = exp(-2 |x|) - 1, and the sign of x. */
export function tanhFour(x: v128): v128 {
  // From 10 on it is 1 to the last bit.
  const y = f32x4.mul(f32x4.pmin(f32x4.abs(x), f32x4.splat(10)), f32x4.splat(-2));
  const k = f32x4.nearest(f32x4.mul(y, f32x4.splat(PER_LN2)));
  const scale = power2(i32x4.trunc_sat_f32x4_s(k));
  const less = f32x4.add(f32x4.mul(scale, expRest(y, k)), f32x4.sub(scale, f32x4.splat(1)));
  const ratio = f32x4.div(less, f32x4.add(less, f32x4.splat(2)));
  return v128.or(f32x4.abs(ratio), v128.and(x, f32x4.splat(-0.0)));
}

/** The first two lanes, and the last two, as f64. */
@inline
export function lowOf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

@inline
export function highOf(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u64>(x, x, 1, 1));
}

/** Four lanes of f32 from two times two of f64. */
@inline
export function joined(low: v128, high: v128): v128 {
  return v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** exp(r) - 1 with r = x - k ln 2. */
@inline
function expRest(x: v128, k: v128): v128 {
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(k, f32x4.splat(LN2_HIGH))), f32x4.mul(k, f32x4.splat(LN2_LOW)));
  let p = v128.load32_splat(EXP);
  p = step(p, r, EXP + 4);
  p = step(p, r, EXP + 8);
  p = step(p, r, EXP + 12);
  p = step(p, r, EXP + 16);
  p = step(p, r, EXP + 20);
  return f32x4.add(r, f32x4.mul(f32x4.mul(r, r), p));
}

/** sin(x + quarters pi/2). */
@inline
function turned(x: v128, quarters: i32): v128 {
  const low = lowOf(x);
  const high = highOf(x);
  const lowCount = f64x2.add(f64x2.mul(low, both(TURN)), f64x2.splat(ROUNDER));
  const highCount = f64x2.add(f64x2.mul(high, both(TURN)), f64x2.splat(ROUNDER));
  const r = joined(reduced(low, lowCount), reduced(high, highCount));
  const z = f32x4.mul(r, r);
  let s = v128.load32_splat(SINE);
  s = step(s, z, SINE + 4);
  s = step(s, z, SINE + 8);
  let c = v128.load32_splat(COSINE);
  c = step(c, z, COSINE + 4);
  c = step(c, z, COSINE + 8);
  const sine = f32x4.add(r, f32x4.mul(f32x4.mul(r, z), s));
  const half = f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.splat(0.5), z));
  const cosine = f32x4.add(half, f32x4.mul(f32x4.mul(z, z), c));
  const n = i32x4.add(v128.shuffle<u32>(lowCount, highCount, 0, 2, 4, 6), i32x4.splat(quarters));
  const odd = i32x4.shr_s(i32x4.shl(n, 31), 31);
  const negative = i32x4.shl(i32x4.shr_u(n, 1), 31);
  return v128.xor(v128.bitselect(cosine, sine, odd), negative);
}

@inline
function reduced(x: v128, count: v128): v128 {
  const n = f64x2.sub(count, f64x2.splat(ROUNDER));
  return f64x2.sub(f64x2.sub(x, f64x2.mul(n, both(TURN + 8))), f64x2.mul(n, both(TURN + 16)));
}

/** Whether any lane is, or is no number. */
@inline
function isFar(x: v128): bool {
  return !i32x4.all_true(f32x4.lt(f32x4.abs(x), f32x4.splat(FAR)));
}

/** 2^k, for whole k from -126 to 127 in lanes of i32. */
@inline
function power2(k: v128): v128 {
  return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
}

/** One step of Horner's scheme: p x + the number at an address. */
@inline
function step(p: v128, x: v128, at: usize): v128 {
  return f32x4.add(f32x4.mul(p, x), v128.load32_splat(at));
}
