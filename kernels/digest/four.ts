// SHA-256 (FIPS 180-4) of one block of each of four messages, one a lane. The last 16 words and the state are kept in locals.
import { K, STATE } from './constants';

@inline
function rotrs(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

@inline
function chs(e: v128, f: v128, g: v128): v128 {
  return v128.xor(g, v128.and(e, v128.xor(f, g)));
}

@inline
function majs(a: v128, b: v128, c: v128): v128 {
  return v128.or(v128.and(a, b), v128.and(c, v128.or(a, b)));
}

@inline
function sums0(a: v128): v128 {
  return v128.xor(v128.xor(rotrs(a, 2), rotrs(a, 13)), rotrs(a, 22));
}

@inline
function sums1(e: v128): v128 {
  return v128.xor(v128.xor(rotrs(e, 6), rotrs(e, 11)), rotrs(e, 25));
}

@inline
function small0(w: v128): v128 {
  return v128.xor(v128.xor(rotrs(w, 7), rotrs(w, 18)), i32x4.shr_u(w, 3));
}

@inline
function small1(w: v128): v128 {
  return v128.xor(v128.xor(rotrs(w, 17), rotrs(w, 19)), i32x4.shr_u(w, 10));
}

/** Words of the block at hand, four streams each. */
const WORDS = memory.data(256, 16);

/** Mixes the blocks that lie `stride` bytes apart into STATE. */
export function compressFour(block: usize, stride: usize): void {
  for (let i: usize = 0; i < 64; i += 16) transpose(block + i, stride, WORDS + i * 4);
  let w0 = v128.load(WORDS);
  let w1 = v128.load(WORDS, 16);
  let w2 = v128.load(WORDS, 32);
  let w3 = v128.load(WORDS, 48);
  let w4 = v128.load(WORDS, 64);
  let w5 = v128.load(WORDS, 80);
  let w6 = v128.load(WORDS, 96);
  let w7 = v128.load(WORDS, 112);
  let w8 = v128.load(WORDS, 128);
  let w9 = v128.load(WORDS, 144);
  let w10 = v128.load(WORDS, 160);
  let w11 = v128.load(WORDS, 176);
  let w12 = v128.load(WORDS, 192);
  let w13 = v128.load(WORDS, 208);
  let w14 = v128.load(WORDS, 224);
  let w15 = v128.load(WORDS, 240);
  let a = v128.load(STATE);
  let b = v128.load(STATE, 16);
  let c = v128.load(STATE, 32);
  let d = v128.load(STATE, 48);
  let e = v128.load(STATE, 64);
  let f = v128.load(STATE, 80);
  let g = v128.load(STATE, 96);
  let h = v128.load(STATE, 112);
  let k = K;
  h = i32x4.add(i32x4.add(i32x4.add(h, sums1(e)), chs(e, f, g)), i32x4.add(v128.load32_splat(k, 0), w0));
  d = i32x4.add(d, h);
  h = i32x4.add(h, i32x4.add(sums0(a), majs(a, b, c)));
  g = i32x4.add(i32x4.add(i32x4.add(g, sums1(d)), chs(d, e, f)), i32x4.add(v128.load32_splat(k, 4), w1));
  c = i32x4.add(c, g);
  g = i32x4.add(g, i32x4.add(sums0(h), majs(h, a, b)));
  f = i32x4.add(i32x4.add(i32x4.add(f, sums1(c)), chs(c, d, e)), i32x4.add(v128.load32_splat(k, 8), w2));
  b = i32x4.add(b, f);
  f = i32x4.add(f, i32x4.add(sums0(g), majs(g, h, a)));
  e = i32x4.add(i32x4.add(i32x4.add(e, sums1(b)), chs(b, c, d)), i32x4.add(v128.load32_splat(k, 12), w3));
  a = i32x4.add(a, e);
  e = i32x4.add(e, i32x4.add(sums0(f), majs(f, g, h)));
  d = i32x4.add(i32x4.add(i32x4.add(d, sums1(a)), chs(a, b, c)), i32x4.add(v128.load32_splat(k, 16), w4));
  h = i32x4.add(h, d);
  d = i32x4.add(d, i32x4.add(sums0(e), majs(e, f, g)));
  c = i32x4.add(i32x4.add(i32x4.add(c, sums1(h)), chs(h, a, b)), i32x4.add(v128.load32_splat(k, 20), w5));
  g = i32x4.add(g, c);
  c = i32x4.add(c, i32x4.add(sums0(d), majs(d, e, f)));
  b = i32x4.add(i32x4.add(i32x4.add(b, sums1(g)), chs(g, h, a)), i32x4.add(v128.load32_splat(k, 24), w6));
  f = i32x4.add(f, b);
  b = i32x4.add(b, i32x4.add(sums0(c), majs(c, d, e)));
  a = i32x4.add(i32x4.add(i32x4.add(a, sums1(f)), chs(f, g, h)), i32x4.add(v128.load32_splat(k, 28), w7));
  e = i32x4.add(e, a);
  a = i32x4.add(a, i32x4.add(sums0(b), majs(b, c, d)));
  h = i32x4.add(i32x4.add(i32x4.add(h, sums1(e)), chs(e, f, g)), i32x4.add(v128.load32_splat(k, 32), w8));
  d = i32x4.add(d, h);
  h = i32x4.add(h, i32x4.add(sums0(a), majs(a, b, c)));
  g = i32x4.add(i32x4.add(i32x4.add(g, sums1(d)), chs(d, e, f)), i32x4.add(v128.load32_splat(k, 36), w9));
  c = i32x4.add(c, g);
  g = i32x4.add(g, i32x4.add(sums0(h), majs(h, a, b)));
  f = i32x4.add(i32x4.add(i32x4.add(f, sums1(c)), chs(c, d, e)), i32x4.add(v128.load32_splat(k, 40), w10));
  b = i32x4.add(b, f);
  f = i32x4.add(f, i32x4.add(sums0(g), majs(g, h, a)));
  e = i32x4.add(i32x4.add(i32x4.add(e, sums1(b)), chs(b, c, d)), i32x4.add(v128.load32_splat(k, 44), w11));
  a = i32x4.add(a, e);
  e = i32x4.add(e, i32x4.add(sums0(f), majs(f, g, h)));
  d = i32x4.add(i32x4.add(i32x4.add(d, sums1(a)), chs(a, b, c)), i32x4.add(v128.load32_splat(k, 48), w12));
  h = i32x4.add(h, d);
  d = i32x4.add(d, i32x4.add(sums0(e), majs(e, f, g)));
  c = i32x4.add(i32x4.add(i32x4.add(c, sums1(h)), chs(h, a, b)), i32x4.add(v128.load32_splat(k, 52), w13));
  g = i32x4.add(g, c);
  c = i32x4.add(c, i32x4.add(sums0(d), majs(d, e, f)));
  b = i32x4.add(i32x4.add(i32x4.add(b, sums1(g)), chs(g, h, a)), i32x4.add(v128.load32_splat(k, 56), w14));
  f = i32x4.add(f, b);
  b = i32x4.add(b, i32x4.add(sums0(c), majs(c, d, e)));
  a = i32x4.add(i32x4.add(i32x4.add(a, sums1(f)), chs(f, g, h)), i32x4.add(v128.load32_splat(k, 60), w15));
  e = i32x4.add(e, a);
  a = i32x4.add(a, i32x4.add(sums0(b), majs(b, c, d)));
  for (const end = K + 192; k < end; ) {
    k += 64;
    w0 = i32x4.add(i32x4.add(w0, small0(w1)), i32x4.add(w9, small1(w14)));
    h = i32x4.add(i32x4.add(i32x4.add(h, sums1(e)), chs(e, f, g)), i32x4.add(v128.load32_splat(k, 0), w0));
    d = i32x4.add(d, h);
    h = i32x4.add(h, i32x4.add(sums0(a), majs(a, b, c)));
    w1 = i32x4.add(i32x4.add(w1, small0(w2)), i32x4.add(w10, small1(w15)));
    g = i32x4.add(i32x4.add(i32x4.add(g, sums1(d)), chs(d, e, f)), i32x4.add(v128.load32_splat(k, 4), w1));
    c = i32x4.add(c, g);
    g = i32x4.add(g, i32x4.add(sums0(h), majs(h, a, b)));
    w2 = i32x4.add(i32x4.add(w2, small0(w3)), i32x4.add(w11, small1(w0)));
    f = i32x4.add(i32x4.add(i32x4.add(f, sums1(c)), chs(c, d, e)), i32x4.add(v128.load32_splat(k, 8), w2));
    b = i32x4.add(b, f);
    f = i32x4.add(f, i32x4.add(sums0(g), majs(g, h, a)));
    w3 = i32x4.add(i32x4.add(w3, small0(w4)), i32x4.add(w12, small1(w1)));
    e = i32x4.add(i32x4.add(i32x4.add(e, sums1(b)), chs(b, c, d)), i32x4.add(v128.load32_splat(k, 12), w3));
    a = i32x4.add(a, e);
    e = i32x4.add(e, i32x4.add(sums0(f), majs(f, g, h)));
    w4 = i32x4.add(i32x4.add(w4, small0(w5)), i32x4.add(w13, small1(w2)));
    d = i32x4.add(i32x4.add(i32x4.add(d, sums1(a)), chs(a, b, c)), i32x4.add(v128.load32_splat(k, 16), w4));
    h = i32x4.add(h, d);
    d = i32x4.add(d, i32x4.add(sums0(e), majs(e, f, g)));
    w5 = i32x4.add(i32x4.add(w5, small0(w6)), i32x4.add(w14, small1(w3)));
    c = i32x4.add(i32x4.add(i32x4.add(c, sums1(h)), chs(h, a, b)), i32x4.add(v128.load32_splat(k, 20), w5));
    g = i32x4.add(g, c);
    c = i32x4.add(c, i32x4.add(sums0(d), majs(d, e, f)));
    w6 = i32x4.add(i32x4.add(w6, small0(w7)), i32x4.add(w15, small1(w4)));
    b = i32x4.add(i32x4.add(i32x4.add(b, sums1(g)), chs(g, h, a)), i32x4.add(v128.load32_splat(k, 24), w6));
    f = i32x4.add(f, b);
    b = i32x4.add(b, i32x4.add(sums0(c), majs(c, d, e)));
    w7 = i32x4.add(i32x4.add(w7, small0(w8)), i32x4.add(w0, small1(w5)));
    a = i32x4.add(i32x4.add(i32x4.add(a, sums1(f)), chs(f, g, h)), i32x4.add(v128.load32_splat(k, 28), w7));
    e = i32x4.add(e, a);
    a = i32x4.add(a, i32x4.add(sums0(b), majs(b, c, d)));
    w8 = i32x4.add(i32x4.add(w8, small0(w9)), i32x4.add(w1, small1(w6)));
    h = i32x4.add(i32x4.add(i32x4.add(h, sums1(e)), chs(e, f, g)), i32x4.add(v128.load32_splat(k, 32), w8));
    d = i32x4.add(d, h);
    h = i32x4.add(h, i32x4.add(sums0(a), majs(a, b, c)));
    w9 = i32x4.add(i32x4.add(w9, small0(w10)), i32x4.add(w2, small1(w7)));
    g = i32x4.add(i32x4.add(i32x4.add(g, sums1(d)), chs(d, e, f)), i32x4.add(v128.load32_splat(k, 36), w9));
    c = i32x4.add(c, g);
    g = i32x4.add(g, i32x4.add(sums0(h), majs(h, a, b)));
    w10 = i32x4.add(i32x4.add(w10, small0(w11)), i32x4.add(w3, small1(w8)));
    f = i32x4.add(i32x4.add(i32x4.add(f, sums1(c)), chs(c, d, e)), i32x4.add(v128.load32_splat(k, 40), w10));
    b = i32x4.add(b, f);
    f = i32x4.add(f, i32x4.add(sums0(g), majs(g, h, a)));
    w11 = i32x4.add(i32x4.add(w11, small0(w12)), i32x4.add(w4, small1(w9)));
    e = i32x4.add(i32x4.add(i32x4.add(e, sums1(b)), chs(b, c, d)), i32x4.add(v128.load32_splat(k, 44), w11));
    a = i32x4.add(a, e);
    e = i32x4.add(e, i32x4.add(sums0(f), majs(f, g, h)));
    w12 = i32x4.add(i32x4.add(w12, small0(w13)), i32x4.add(w5, small1(w10)));
    d = i32x4.add(i32x4.add(i32x4.add(d, sums1(a)), chs(a, b, c)), i32x4.add(v128.load32_splat(k, 48), w12));
    h = i32x4.add(h, d);
    d = i32x4.add(d, i32x4.add(sums0(e), majs(e, f, g)));
    w13 = i32x4.add(i32x4.add(w13, small0(w14)), i32x4.add(w6, small1(w11)));
    c = i32x4.add(i32x4.add(i32x4.add(c, sums1(h)), chs(h, a, b)), i32x4.add(v128.load32_splat(k, 52), w13));
    g = i32x4.add(g, c);
    c = i32x4.add(c, i32x4.add(sums0(d), majs(d, e, f)));
    w14 = i32x4.add(i32x4.add(w14, small0(w15)), i32x4.add(w7, small1(w12)));
    b = i32x4.add(i32x4.add(i32x4.add(b, sums1(g)), chs(g, h, a)), i32x4.add(v128.load32_splat(k, 56), w14));
    f = i32x4.add(f, b);
    b = i32x4.add(b, i32x4.add(sums0(c), majs(c, d, e)));
    w15 = i32x4.add(i32x4.add(w15, small0(w0)), i32x4.add(w8, small1(w13)));
    a = i32x4.add(i32x4.add(i32x4.add(a, sums1(f)), chs(f, g, h)), i32x4.add(v128.load32_splat(k, 60), w15));
    e = i32x4.add(e, a);
    a = i32x4.add(a, i32x4.add(sums0(b), majs(b, c, d)));
  }
  v128.store(STATE, i32x4.add(v128.load(STATE), a));
  v128.store(STATE, i32x4.add(v128.load(STATE, 16), b), 16);
  v128.store(STATE, i32x4.add(v128.load(STATE, 32), c), 32);
  v128.store(STATE, i32x4.add(v128.load(STATE, 48), d), 48);
  v128.store(STATE, i32x4.add(v128.load(STATE, 64), e), 64);
  v128.store(STATE, i32x4.add(v128.load(STATE, 80), f), 80);
  v128.store(STATE, i32x4.add(v128.load(STATE, 96), g), 96);
  v128.store(STATE, i32x4.add(v128.load(STATE, 112), h), 112);
}

/** Four words of each message, big-endian, to four vectors of one word each. */
function transpose(from: usize, stride: usize, to: usize): void {
  const turn = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const m0 = v128.swizzle(v128.load(from), turn);
  const m1 = v128.swizzle(v128.load(from + stride), turn);
  const m2 = v128.swizzle(v128.load(from + 2 * stride), turn);
  const m3 = v128.swizzle(v128.load(from + 3 * stride), turn);
  const low01 = v128.shuffle<u32>(m0, m1, 0, 4, 1, 5);
  const low23 = v128.shuffle<u32>(m2, m3, 0, 4, 1, 5);
  const high01 = v128.shuffle<u32>(m0, m1, 2, 6, 3, 7);
  const high23 = v128.shuffle<u32>(m2, m3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(low01, low23, 0, 2));
  v128.store(to, v128.shuffle<u64>(low01, low23, 1, 3), 16);
  v128.store(to, v128.shuffle<u64>(high01, high23, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(high01, high23, 1, 3), 48);
}
