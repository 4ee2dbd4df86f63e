// The rounds of SHA-256 (FIPS 180-4) for a block of each of four messages, one a lane.
import { STATE } from './constants';
import { SUMS } from './schedule';

@inline
function rotrs(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

@inline
function chs(e: v128, f: v128, g: v128): v128 {
  return v128.xor(g, v128.and(e, v128.xor(f, g)));
}

@inline
function sums0(a: v128): v128 {
  return v128.xor(v128.xor(rotrs(a, 2), rotrs(a, 13)), rotrs(a, 22));
}

@inline
function sums1(e: v128): v128 {
  return v128.xor(v128.xor(rotrs(e, 6), rotrs(e, 11)), rotrs(e, 25));
}

/** Mixes the blocks of SUMS into STATE. */
export function compressFour(): void {
  let a = v128.load(STATE);
  let b = v128.load(STATE, 16);
  let c = v128.load(STATE, 32);
  let d = v128.load(STATE, 48);
  let e = v128.load(STATE, 64);
  let f = v128.load(STATE, 80);
  let g = v128.load(STATE, 96);
  let h = v128.load(STATE, 112);
  // The majority of a, b and c is b ^ ((a ^ b) & (b ^ c)), and a ^ b is b ^ c of the next round.
  let x = i32x4.splat(0);
  let y = v128.xor(b, c);
  let sums = SUMS;
  do {
    h = i32x4.add(i32x4.add(h, v128.load(sums)), chs(e, f, g));
    h = i32x4.add(h, sums1(e));
    d = i32x4.add(d, h);
    x = v128.xor(a, b);
    h = i32x4.add(i32x4.add(h, v128.xor(b, v128.and(x, y))), sums0(a));
    g = i32x4.add(i32x4.add(g, v128.load(sums, 16)), chs(d, e, f));
    g = i32x4.add(g, sums1(d));
    c = i32x4.add(c, g);
    y = v128.xor(h, a);
    g = i32x4.add(i32x4.add(g, v128.xor(a, v128.and(y, x))), sums0(h));
    f = i32x4.add(i32x4.add(f, v128.load(sums, 32)), chs(c, d, e));
    f = i32x4.add(f, sums1(c));
    b = i32x4.add(b, f);
    x = v128.xor(g, h);
    f = i32x4.add(i32x4.add(f, v128.xor(h, v128.and(x, y))), sums0(g));
    e = i32x4.add(i32x4.add(e, v128.load(sums, 48)), chs(b, c, d));
    e = i32x4.add(e, sums1(b));
    a = i32x4.add(a, e);
    y = v128.xor(f, g);
    e = i32x4.add(i32x4.add(e, v128.xor(g, v128.and(y, x))), sums0(f));
    d = i32x4.add(i32x4.add(d, v128.load(sums, 64)), chs(a, b, c));
    d = i32x4.add(d, sums1(a));
    h = i32x4.add(h, d);
    x = v128.xor(e, f);
    d = i32x4.add(i32x4.add(d, v128.xor(f, v128.and(x, y))), sums0(e));
    c = i32x4.add(i32x4.add(c, v128.load(sums, 80)), chs(h, a, b));
    c = i32x4.add(c, sums1(h));
    g = i32x4.add(g, c);
    y = v128.xor(d, e);
    c = i32x4.add(i32x4.add(c, v128.xor(e, v128.and(y, x))), sums0(d));
    b = i32x4.add(i32x4.add(b, v128.load(sums, 96)), chs(g, h, a));
    b = i32x4.add(b, sums1(g));
    f = i32x4.add(f, b);
    x = v128.xor(c, d);
    b = i32x4.add(i32x4.add(b, v128.xor(d, v128.and(x, y))), sums0(c));
    a = i32x4.add(i32x4.add(a, v128.load(sums, 112)), chs(f, g, h));
    a = i32x4.add(a, sums1(f));
    e = i32x4.add(e, a);
    y = v128.xor(b, c);
    a = i32x4.add(i32x4.add(a, v128.xor(c, v128.and(y, x))), sums0(b));
    sums += 128;
  } while (sums < SUMS + 1024);
  v128.store(STATE, i32x4.add(v128.load(STATE), a));
  v128.store(STATE, i32x4.add(v128.load(STATE, 16), b), 16);
  v128.store(STATE, i32x4.add(v128.load(STATE, 32), c), 32);
  v128.store(STATE, i32x4.add(v128.load(STATE, 48), d), 48);
  v128.store(STATE, i32x4.add(v128.load(STATE, 64), e), 64);
  v128.store(STATE, i32x4.add(v128.load(STATE, 80), f), 80);
  v128.store(STATE, i32x4.add(v128.load(STATE, 96), g), 96);
  v128.store(STATE, i32x4.add(v128.load(STATE, 112), h), 112);
}
