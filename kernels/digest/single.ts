// The rounds of SHA-256 (FIPS 180-4) for a block of one message. V8 keeps the order of sums: what is known last is added
// last. Rotations stand beside each other: nested ones take fewer copies of registers, but wait for one another.
import { STATE } from './constants';

@inline
function ch(e: u32, f: u32, g: u32): u32 {
  return g ^ (e & (f ^ g));
}

@inline
function sum0(a: u32): u32 {
  return rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
}

@inline
function sum1(e: u32): u32 {
  return rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
}

/** Mixes a block into STATE, by its lane of the schedule. */
export function compress(sums: usize): void {
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  // The majority of a, b and c is b ^ ((a ^ b) & (b ^ c)), and a ^ b is b ^ c of the next round.
  let x: u32 = 0;
  let y = b ^ c;
  const end = sums + 1024;
  do {
    h += load<u32>(sums);
    h += ch(e, f, g);
    h += sum1(e);
    d += h;
    x = a ^ b;
    h += b ^ (x & y);
    h += sum0(a);
    g += load<u32>(sums, 16);
    g += ch(d, e, f);
    g += sum1(d);
    c += g;
    y = h ^ a;
    g += a ^ (y & x);
    g += sum0(h);
    f += load<u32>(sums, 32);
    f += ch(c, d, e);
    f += sum1(c);
    b += f;
    x = g ^ h;
    f += h ^ (x & y);
    f += sum0(g);
    e += load<u32>(sums, 48);
    e += ch(b, c, d);
    e += sum1(b);
    a += e;
    y = f ^ g;
    e += g ^ (y & x);
    e += sum0(f);
    d += load<u32>(sums, 64);
    d += ch(a, b, c);
    d += sum1(a);
    h += d;
    x = e ^ f;
    d += f ^ (x & y);
    d += sum0(e);
    c += load<u32>(sums, 80);
    c += ch(h, a, b);
    c += sum1(h);
    g += c;
    y = d ^ e;
    c += e ^ (y & x);
    c += sum0(d);
    b += load<u32>(sums, 96);
    b += ch(g, h, a);
    b += sum1(g);
    f += b;
    x = c ^ d;
    b += d ^ (x & y);
    b += sum0(c);
    a += load<u32>(sums, 112);
    a += ch(f, g, h);
    a += sum1(f);
    e += a;
    y = b ^ c;
    a += c ^ (y & x);
    a += sum0(b);
    sums += 128;
  } while (sums < end);
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20);
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24);
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28);
}
