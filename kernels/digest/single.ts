// SHA-256 (FIPS 180-4) of one block of one message. The last 16 words and the state are kept in locals.
import { K, STATE } from './constants';

@inline
function ch(e: u32, f: u32, g: u32): u32 {
  return g ^ (e & (f ^ g));
}

@inline
function maj(a: u32, b: u32, c: u32): u32 {
  return (a & b) | (c & (a | b));
}

@inline
function sum0(a: u32): u32 {
  return rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
}

@inline
function sum1(e: u32): u32 {
  return rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
}

@inline
function small0(w: u32): u32 {
  return rotr(w, 7) ^ rotr(w, 18) ^ (w >> 3);
}

@inline
function small1(w: u32): u32 {
  return rotr(w, 17) ^ rotr(w, 19) ^ (w >> 10);
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
  h += sum1(e) + ch(e, f, g) + load<u32>(k, 0) + w0;
  d += h;
  h += sum0(a) + maj(a, b, c);
  g += sum1(d) + ch(d, e, f) + load<u32>(k, 4) + w1;
  c += g;
  g += sum0(h) + maj(h, a, b);
  f += sum1(c) + ch(c, d, e) + load<u32>(k, 8) + w2;
  b += f;
  f += sum0(g) + maj(g, h, a);
  e += sum1(b) + ch(b, c, d) + load<u32>(k, 12) + w3;
  a += e;
  e += sum0(f) + maj(f, g, h);
  d += sum1(a) + ch(a, b, c) + load<u32>(k, 16) + w4;
  h += d;
  d += sum0(e) + maj(e, f, g);
  c += sum1(h) + ch(h, a, b) + load<u32>(k, 20) + w5;
  g += c;
  c += sum0(d) + maj(d, e, f);
  b += sum1(g) + ch(g, h, a) + load<u32>(k, 24) + w6;
  f += b;
  b += sum0(c) + maj(c, d, e);
  a += sum1(f) + ch(f, g, h) + load<u32>(k, 28) + w7;
  e += a;
  a += sum0(b) + maj(b, c, d);
  h += sum1(e) + ch(e, f, g) + load<u32>(k, 32) + w8;
  d += h;
  h += sum0(a) + maj(a, b, c);
  g += sum1(d) + ch(d, e, f) + load<u32>(k, 36) + w9;
  c += g;
  g += sum0(h) + maj(h, a, b);
  f += sum1(c) + ch(c, d, e) + load<u32>(k, 40) + w10;
  b += f;
  f += sum0(g) + maj(g, h, a);
  e += sum1(b) + ch(b, c, d) + load<u32>(k, 44) + w11;
  a += e;
  e += sum0(f) + maj(f, g, h);
  d += sum1(a) + ch(a, b, c) + load<u32>(k, 48) + w12;
  h += d;
  d += sum0(e) + maj(e, f, g);
  c += sum1(h) + ch(h, a, b) + load<u32>(k, 52) + w13;
  g += c;
  c += sum0(d) + maj(d, e, f);
  b += sum1(g) + ch(g, h, a) + load<u32>(k, 56) + w14;
  f += b;
  b += sum0(c) + maj(c, d, e);
  a += sum1(f) + ch(f, g, h) + load<u32>(k, 60) + w15;
  e += a;
  a += sum0(b) + maj(b, c, d);
  for (const end = K + 192; k < end; ) {
    k += 64;
    w0 += small0(w1) + w9 + small1(w14);
    h += sum1(e) + ch(e, f, g) + load<u32>(k, 0) + w0;
    d += h;
    h += sum0(a) + maj(a, b, c);
    w1 += small0(w2) + w10 + small1(w15);
    g += sum1(d) + ch(d, e, f) + load<u32>(k, 4) + w1;
    c += g;
    g += sum0(h) + maj(h, a, b);
    w2 += small0(w3) + w11 + small1(w0);
    f += sum1(c) + ch(c, d, e) + load<u32>(k, 8) + w2;
    b += f;
    f += sum0(g) + maj(g, h, a);
    w3 += small0(w4) + w12 + small1(w1);
    e += sum1(b) + ch(b, c, d) + load<u32>(k, 12) + w3;
    a += e;
    e += sum0(f) + maj(f, g, h);
    w4 += small0(w5) + w13 + small1(w2);
    d += sum1(a) + ch(a, b, c) + load<u32>(k, 16) + w4;
    h += d;
    d += sum0(e) + maj(e, f, g);
    w5 += small0(w6) + w14 + small1(w3);
    c += sum1(h) + ch(h, a, b) + load<u32>(k, 20) + w5;
    g += c;
    c += sum0(d) + maj(d, e, f);
    w6 += small0(w7) + w15 + small1(w4);
    b += sum1(g) + ch(g, h, a) + load<u32>(k, 24) + w6;
    f += b;
    b += sum0(c) + maj(c, d, e);
    w7 += small0(w8) + w0 + small1(w5);
    a += sum1(f) + ch(f, g, h) + load<u32>(k, 28) + w7;
    e += a;
    a += sum0(b) + maj(b, c, d);
    w8 += small0(w9) + w1 + small1(w6);
    h += sum1(e) + ch(e, f, g) + load<u32>(k, 32) + w8;
    d += h;
    h += sum0(a) + maj(a, b, c);
    w9 += small0(w10) + w2 + small1(w7);
    g += sum1(d) + ch(d, e, f) + load<u32>(k, 36) + w9;
    c += g;
    g += sum0(h) + maj(h, a, b);
    w10 += small0(w11) + w3 + small1(w8);
    f += sum1(c) + ch(c, d, e) + load<u32>(k, 40) + w10;
    b += f;
    f += sum0(g) + maj(g, h, a);
    w11 += small0(w12) + w4 + small1(w9);
    e += sum1(b) + ch(b, c, d) + load<u32>(k, 44) + w11;
    a += e;
    e += sum0(f) + maj(f, g, h);
    w12 += small0(w13) + w5 + small1(w10);
    d += sum1(a) + ch(a, b, c) + load<u32>(k, 48) + w12;
    h += d;
    d += sum0(e) + maj(e, f, g);
    w13 += small0(w14) + w6 + small1(w11);
    c += sum1(h) + ch(h, a, b) + load<u32>(k, 52) + w13;
    g += c;
    c += sum0(d) + maj(d, e, f);
    w14 += small0(w15) + w7 + small1(w12);
    b += sum1(g) + ch(g, h, a) + load<u32>(k, 56) + w14;
    f += b;
    b += sum0(c) + maj(c, d, e);
    w15 += small0(w0) + w8 + small1(w13);
    a += sum1(f) + ch(f, g, h) + load<u32>(k, 60) + w15;
    e += a;
    a += sum0(b) + maj(b, c, d);
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
