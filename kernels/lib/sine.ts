// sin and cos, two lanes of f64 at a time: x = n pi/2 + r with r in two parts, and polynomials up to pi/4.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { both, ROUNDER, step } from './lanes';
import { reduceFar } from './turn';

/** 2/pi; pi/2 in three parts of 33 bits, whose products with n up to 2^20 are exact, and the rest. */
@lazy const TERMS = memory.data<f64>([
  0.6366197723675814, 1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32, 0.5, 1,
], 16);

/** (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4 in powers of r^2, at Chebyshev's nodes: off by 2^-55 and 2^-59 in all. */
@lazy const SINE = memory.data<f64>([
  1.5917848524808262e-10, -2.5051127944014188e-8, 2.755731608381636e-6, -1.9841269836722418e-4, 8.333333333330925e-3,
  -1.6666666666666666e-1,
], 16);
@lazy const COSINE = memory.data<f64>([
  -1.1382456778061306e-11, 2.0876143827993133e-9, -2.7557317260008837e-7, 2.480158729874307e-5, -1.3888888888887382e-3,
  4.1666666666666664e-2,
], 16);

/** From here on, reduction takes another way. */
@inline const FAR: f64 = 1048576.0;

/** r of both lanes in two parts, then n as ROUNDER + n. */
@lazy const FAR_PARTS = memory.data(48, 16);

export function sinLanes(x: v128): v128 {
  // The sum of its parts would take the sign from -0.
  return v128.bitselect(x, turned(x, 0), f64x2.eq(x, f64x2.splat(0)));
}

export function cosLanes(x: v128): v128 {
  return turned(x, 1);
}

/** sin(x + quarters pi/2). */
@inline
function turned(x: v128, quarters: i64): v128 {
  const far = f64x2.ge(f64x2.abs(x), f64x2.splat(FAR));
  const count = f64x2.add(f64x2.mul(x, both(TERMS)), f64x2.splat(ROUNDER));
  const n = f64x2.sub(count, f64x2.splat(ROUNDER));
  const a = f64x2.sub(x, f64x2.mul(n, both(TERMS + 8)));
  const b = f64x2.mul(n, both(TERMS + 16));
  const near = f64x2.sub(a, b);
  const c = f64x2.mul(n, both(TERMS + 24));
  const nearer = f64x2.sub(near, c);
  const tail = f64x2.sub(
    f64x2.add(lost(a, b, near), lost(near, c, nearer)),
    f64x2.mul(n, both(TERMS + 32)),
  );
  const r = f64x2.add(nearer, tail);
  const rest = f64x2.add(f64x2.sub(nearer, r), tail);
  // NaN is not far, and stays NaN; infinity is, and becomes NaN there.
  if (v128.any_true(far)) return turnedFar(x, r, rest, count, quarters);
  return sinOfReduced(r, rest, count, quarters);
}

/** As `turned`, with the lanes that are far reduced anew. */
function turnedFar(x: v128, r: v128, rest: v128, count: v128, quarters: i64): v128 {
  v128.store(FAR_PARTS, r);
  v128.store(FAR_PARTS, rest, 16);
  v128.store(FAR_PARTS, count, 32);
  const first = f64x2.extract_lane(x, 0);
  const second = f64x2.extract_lane(x, 1);
  if (Math.abs(first) >= FAR) reduceFar(first, FAR_PARTS);
  if (Math.abs(second) >= FAR) reduceFar(second, FAR_PARTS + 8);
  return sinOfReduced(v128.load(FAR_PARTS), v128.load(FAR_PARTS, 16), v128.load(FAR_PARTS, 32), quarters);
}

/** What rounding has taken from s = a - b, whichever of the two is larger. */
@inline
function lost(a: v128, b: v128, s: v128): v128 {
  const taken = f64x2.sub(a, s);
  return f64x2.add(f64x2.sub(a, f64x2.add(s, taken)), f64x2.sub(taken, b));
}

/** `count` is ROUNDER + n. */
@inline
function sinOfReduced(r: v128, rest: v128, count: v128, quarters: i64): v128 {
  const z = f64x2.mul(r, r);
  const half = both(TERMS + 40);
  const one = both(TERMS + 48);
  let s = both(SINE);
  s = step(s, z, SINE + 8);
  s = step(s, z, SINE + 16);
  s = step(s, z, SINE + 24);
  s = step(s, z, SINE + 32);
  let c = both(COSINE);
  c = step(c, z, COSINE + 8);
  c = step(c, z, COSINE + 16);
  c = step(c, z, COSINE + 24);
  c = step(c, z, COSINE + 32);
  c = step(c, z, COSINE + 40);

  const cube = f64x2.mul(z, r);
  const bent = f64x2.sub(f64x2.mul(z, f64x2.sub(f64x2.mul(half, rest), f64x2.mul(cube, s))), rest);
  const sine = f64x2.sub(r, f64x2.sub(bent, f64x2.mul(cube, both(SINE + 40))));
  const halfSquare = f64x2.mul(half, z);
  const w = f64x2.sub(one, halfSquare);
  const wRest = f64x2.sub(f64x2.sub(one, w), halfSquare);
  const cosine = f64x2.add(w, f64x2.add(wRest, f64x2.sub(f64x2.mul(f64x2.mul(z, z), c), f64x2.mul(r, rest))));

  const n = i64x2.add(count, i64x2.splat(quarters));
  const odd = i64x2.shr_s(i64x2.shl(n, 63), 63);
  const sign = i64x2.shl(i64x2.shr_u(n, 1), 63);
  return v128.xor(v128.bitselect(cosine, sine, odd), sign);
}
