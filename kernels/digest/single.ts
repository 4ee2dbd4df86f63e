// SHA-256 (FIPS 180-4) of one block of one message. The last 16 words and the state are kept in locals. V8 keeps the order of sums: what
// is known last is added last. Rotations are nested, which takes a copy of a register where three apart take three.
import { K, STATE } from './constants';

@inline
function ch(e: u32, f: u32, g: u32): u32 {
  return g ^ (e & (f ^ g));
}

@inline
function sum0(a: u32): u32 {
  return rotr(a ^ rotr(a ^ rotr(a, 9), 11), 2);
}

@inline
function sum1(e: u32): u32 {
  return rotr(e ^ rotr(e ^ rotr(e, 14), 5), 6);
}

@inline
function small0(w: u32): u32 {
  return rotr(w ^ rotr(w, 11), 7) ^ (w >> 3);
}

@inline
function small1(w: u32): u32 {
  return rotr(w ^ rotr(w, 2), 17) ^ (w >> 10);
}

/** Mixes the block at an address into STATE. */
export function compress(block: usize): void {
  let w0 = bswap(load<u32>(block));
  let w1 = bswap(load<u32>(block, 4));
  let w2 = bswap(load<u32>(block, 8));
  let w3 = bswap(load<u32>(block, 12));
  let w4 = bswap(load<u32>(block, 16));
  let w5 = bswap(load<u32>(block, 20));
  let w6 = bswap(load<u32>(block, 24));
  let w7 = bswap(load<u32>(block, 28));
  let w8 = bswap(load<u32>(block, 32));
  let w9 = bswap(load<u32>(block, 36));
  let w10 = bswap(load<u32>(block, 40));
  let w11 = bswap(load<u32>(block, 44));
  let w12 = bswap(load<u32>(block, 48));
  let w13 = bswap(load<u32>(block, 52));
  let w14 = bswap(load<u32>(block, 56));
  let w15 = bswap(load<u32>(block, 60));
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  let k = K;
  // The majority of a, b and c is b ^ ((a ^ b) & (b ^ c)), and a ^ b is b ^ c of the next round.
  let x: u32 = 0;
  let y = b ^ c;
  h += load<u32>(k, 0) + w0;
  h += ch(e, f, g);
  h += sum1(e);
  d += h;
  x = a ^ b;
  h += sum0(a) + (b ^ (x & y));
  g += load<u32>(k, 4) + w1;
  g += ch(d, e, f);
  g += sum1(d);
  c += g;
  y = h ^ a;
  g += sum0(h) + (a ^ (y & x));
  f += load<u32>(k, 8) + w2;
  f += ch(c, d, e);
  f += sum1(c);
  b += f;
  x = g ^ h;
  f += sum0(g) + (h ^ (x & y));
  e += load<u32>(k, 12) + w3;
  e += ch(b, c, d);
  e += sum1(b);
  a += e;
  y = f ^ g;
  e += sum0(f) + (g ^ (y & x));
  d += load<u32>(k, 16) + w4;
  d += ch(a, b, c);
  d += sum1(a);
  h += d;
  x = e ^ f;
  d += sum0(e) + (f ^ (x & y));
  c += load<u32>(k, 20) + w5;
  c += ch(h, a, b);
  c += sum1(h);
  g += c;
  y = d ^ e;
  c += sum0(d) + (e ^ (y & x));
  b += load<u32>(k, 24) + w6;
  b += ch(g, h, a);
  b += sum1(g);
  f += b;
  x = c ^ d;
  b += sum0(c) + (d ^ (x & y));
  a += load<u32>(k, 28) + w7;
  a += ch(f, g, h);
  a += sum1(f);
  e += a;
  y = b ^ c;
  a += sum0(b) + (c ^ (y & x));
  h += load<u32>(k, 32) + w8;
  h += ch(e, f, g);
  h += sum1(e);
  d += h;
  x = a ^ b;
  h += sum0(a) + (b ^ (x & y));
  g += load<u32>(k, 36) + w9;
  g += ch(d, e, f);
  g += sum1(d);
  c += g;
  y = h ^ a;
  g += sum0(h) + (a ^ (y & x));
  f += load<u32>(k, 40) + w10;
  f += ch(c, d, e);
  f += sum1(c);
  b += f;
  x = g ^ h;
  f += sum0(g) + (h ^ (x & y));
  e += load<u32>(k, 44) + w11;
  e += ch(b, c, d);
  e += sum1(b);
  a += e;
  y = f ^ g;
  e += sum0(f) + (g ^ (y & x));
  d += load<u32>(k, 48) + w12;
  d += ch(a, b, c);
  d += sum1(a);
  h += d;
  x = e ^ f;
  d += sum0(e) + (f ^ (x & y));
  c += load<u32>(k, 52) + w13;
  c += ch(h, a, b);
  c += sum1(h);
  g += c;
  y = d ^ e;
  c += sum0(d) + (e ^ (y & x));
  b += load<u32>(k, 56) + w14;
  b += ch(g, h, a);
  b += sum1(g);
  f += b;
  x = c ^ d;
  b += sum0(c) + (d ^ (x & y));
  a += load<u32>(k, 60) + w15;
  a += ch(f, g, h);
  a += sum1(f);
  e += a;
  y = b ^ c;
  a += sum0(b) + (c ^ (y & x));
  for (const end = K + 192; k < end; ) {
    k += 64;
    w0 += small0(w1) + w9 + small1(w14);
    h += load<u32>(k, 0) + w0;
    h += ch(e, f, g);
    h += sum1(e);
    d += h;
    x = a ^ b;
    h += sum0(a) + (b ^ (x & y));
    w1 += small0(w2) + w10 + small1(w15);
    g += load<u32>(k, 4) + w1;
    g += ch(d, e, f);
    g += sum1(d);
    c += g;
    y = h ^ a;
    g += sum0(h) + (a ^ (y & x));
    w2 += small0(w3) + w11 + small1(w0);
    f += load<u32>(k, 8) + w2;
    f += ch(c, d, e);
    f += sum1(c);
    b += f;
    x = g ^ h;
    f += sum0(g) + (h ^ (x & y));
    w3 += small0(w4) + w12 + small1(w1);
    e += load<u32>(k, 12) + w3;
    e += ch(b, c, d);
    e += sum1(b);
    a += e;
    y = f ^ g;
    e += sum0(f) + (g ^ (y & x));
    w4 += small0(w5) + w13 + small1(w2);
    d += load<u32>(k, 16) + w4;
    d += ch(a, b, c);
    d += sum1(a);
    h += d;
    x = e ^ f;
    d += sum0(e) + (f ^ (x & y));
    w5 += small0(w6) + w14 + small1(w3);
    c += load<u32>(k, 20) + w5;
    c += ch(h, a, b);
    c += sum1(h);
    g += c;
    y = d ^ e;
    c += sum0(d) + (e ^ (y & x));
    w6 += small0(w7) + w15 + small1(w4);
    b += load<u32>(k, 24) + w6;
    b += ch(g, h, a);
    b += sum1(g);
    f += b;
    x = c ^ d;
    b += sum0(c) + (d ^ (x & y));
    w7 += small0(w8) + w0 + small1(w5);
    a += load<u32>(k, 28) + w7;
    a += ch(f, g, h);
    a += sum1(f);
    e += a;
    y = b ^ c;
    a += sum0(b) + (c ^ (y & x));
    w8 += small0(w9) + w1 + small1(w6);
    h += load<u32>(k, 32) + w8;
    h += ch(e, f, g);
    h += sum1(e);
    d += h;
    x = a ^ b;
    h += sum0(a) + (b ^ (x & y));
    w9 += small0(w10) + w2 + small1(w7);
    g += load<u32>(k, 36) + w9;
    g += ch(d, e, f);
    g += sum1(d);
    c += g;
    y = h ^ a;
    g += sum0(h) + (a ^ (y & x));
    w10 += small0(w11) + w3 + small1(w8);
    f += load<u32>(k, 40) + w10;
    f += ch(c, d, e);
    f += sum1(c);
    b += f;
    x = g ^ h;
    f += sum0(g) + (h ^ (x & y));
    w11 += small0(w12) + w4 + small1(w9);
    e += load<u32>(k, 44) + w11;
    e += ch(b, c, d);
    e += sum1(b);
    a += e;
    y = f ^ g;
    e += sum0(f) + (g ^ (y & x));
    w12 += small0(w13) + w5 + small1(w10);
    d += load<u32>(k, 48) + w12;
    d += ch(a, b, c);
    d += sum1(a);
    h += d;
    x = e ^ f;
    d += sum0(e) + (f ^ (x & y));
    w13 += small0(w14) + w6 + small1(w11);
    c += load<u32>(k, 52) + w13;
    c += ch(h, a, b);
    c += sum1(h);
    g += c;
    y = d ^ e;
    c += sum0(d) + (e ^ (y & x));
    w14 += small0(w15) + w7 + small1(w12);
    b += load<u32>(k, 56) + w14;
    b += ch(g, h, a);
    b += sum1(g);
    f += b;
    x = c ^ d;
    b += sum0(c) + (d ^ (x & y));
    w15 += small0(w0) + w8 + small1(w13);
    a += load<u32>(k, 60) + w15;
    a += ch(f, g, h);
    a += sum1(f);
    e += a;
    y = b ^ c;
    a += sum0(b) + (c ^ (y & x));
  }
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20);
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24);
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28);
}
