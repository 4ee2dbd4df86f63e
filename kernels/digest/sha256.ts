// SHA-256 (FIPS 180-4) of one message, and of four of one length at the same time, one a lane.

const BLOCK_BYTES: usize = 64;

/** Roots of the first 64 primes, cubic. */
const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
/** Roots of the first eight primes, square: where every digest begins. */
const START = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** Words of a block, each with its K added, one or four streams; the state of one or four; the last blocks of one or four. */
const WORDS = memory.data(1024, 16);
const STATE = memory.data(128, 16);
const LAST = memory.data(512, 16);

/** The digest of `length` bytes at an address, as 32 bytes at `to`. */
export function digest(from: usize, length: usize, to: usize): void {
  memory.copy(STATE, START, 32);
  const whole = from + (length & ~(BLOCK_BYTES - 1));
  for (; from < whole; from += BLOCK_BYTES) compress(from);
  const blocks = padded(whole, length, LAST);
  compress(LAST);
  if (blocks == 2) compress(LAST + BLOCK_BYTES);
  for (let i: usize = 0; i < 8; i++) store<u32>(to + i * 4, bswap(load<u32>(STATE + i * 4)));
}

/** The digests of four messages of `length` bytes, one behind the other, as 4 x 32 bytes at `to`. */
export function digestFour(from: usize, length: usize, to: usize): void {
  for (let i: usize = 0; i < 8; i++) v128.store(STATE + i * 16, i32x4.splat(load<u32>(START + i * 4)));
  const whole = length & ~(BLOCK_BYTES - 1);
  for (let at: usize = 0; at < whole; at += BLOCK_BYTES) compressFour(from + at, length);
  let blocks = 0;
  for (let lane: usize = 0; lane < 4; lane++) blocks = padded(from + lane * length + whole, length, LAST + lane * 128);
  compressFour(LAST, 128);
  if (blocks == 2) compressFour(LAST + BLOCK_BYTES, 128);
  for (let i: usize = 0; i < 8; i++) {
    for (let lane: usize = 0; lane < 4; lane++) {
      store<u32>(to + lane * 32 + i * 4, bswap(load<u32>(STATE + i * 16 + lane * 4)));
    }
  }
}

/** What is left of a message behind its whole blocks, with its padding: one block or two. */
function padded(from: usize, length: usize, to: usize): i32 {
  const rest = length & (BLOCK_BYTES - 1);
  const blocks = rest < 56 ? 1 : 2;
  memory.fill(to, 0, 128);
  memory.copy(to, from, rest);
  store<u8>(to + rest, 0x80);
  store<u64>(to + (<usize>blocks << 6) - 8, bswap(<u64>length << 3));
  return blocks;
}

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

function compress(block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(WORDS + i, bswap(load<u32>(block + i)));
  for (let at: usize = WORDS + 64; at < WORDS + 256; at += 4) {
    const w15 = load<u32>(at - 60);
    const w2 = load<u32>(at - 8);
    const s0 = rotr(w15, 7) ^ rotr(w15, 18) ^ (w15 >> 3);
    const s1 = rotr(w2, 17) ^ rotr(w2, 19) ^ (w2 >> 10);
    store<u32>(at, load<u32>(at - 64) + s0 + load<u32>(at - 28) + s1);
  }
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  for (let at: usize = 0; at < 256; at += 32) {
    h += sum1(e) + ch(e, f, g) + load<u32>(K + at, 0) + load<u32>(WORDS + at, 0);
    d += h;
    h += sum0(a) + maj(a, b, c);
    g += sum1(d) + ch(d, e, f) + load<u32>(K + at, 4) + load<u32>(WORDS + at, 4);
    c += g;
    g += sum0(h) + maj(h, a, b);
    f += sum1(c) + ch(c, d, e) + load<u32>(K + at, 8) + load<u32>(WORDS + at, 8);
    b += f;
    f += sum0(g) + maj(g, h, a);
    e += sum1(b) + ch(b, c, d) + load<u32>(K + at, 12) + load<u32>(WORDS + at, 12);
    a += e;
    e += sum0(f) + maj(f, g, h);
    d += sum1(a) + ch(a, b, c) + load<u32>(K + at, 16) + load<u32>(WORDS + at, 16);
    h += d;
    d += sum0(e) + maj(e, f, g);
    c += sum1(h) + ch(h, a, b) + load<u32>(K + at, 20) + load<u32>(WORDS + at, 20);
    g += c;
    c += sum0(d) + maj(d, e, f);
    b += sum1(g) + ch(g, h, a) + load<u32>(K + at, 24) + load<u32>(WORDS + at, 24);
    f += b;
    b += sum0(c) + maj(c, d, e);
    a += sum1(f) + ch(f, g, h) + load<u32>(K + at, 28) + load<u32>(WORDS + at, 28);
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

/** One block of each of four messages that lie `stride` bytes apart. */
function compressFour(block: usize, stride: usize): void {
  for (let i: usize = 0; i < 64; i += 16) transpose(block + i, stride, WORDS + i * 4);
  for (let at: usize = WORDS + 256; at < WORDS + 1024; at += 16) {
    const w15 = v128.load(at - 240);
    const w2 = v128.load(at - 32);
    const s0 = v128.xor(v128.xor(rotrs(w15, 7), rotrs(w15, 18)), i32x4.shr_u(w15, 3));
    const s1 = v128.xor(v128.xor(rotrs(w2, 17), rotrs(w2, 19)), i32x4.shr_u(w2, 10));
    v128.store(at, i32x4.add(i32x4.add(v128.load(at - 256), s0), i32x4.add(v128.load(at - 112), s1)));
  }
  for (let i: usize = 0; i < 64; i++) {
    v128.store(WORDS + i * 16, i32x4.add(v128.load(WORDS + i * 16), v128.load32_splat(K + i * 4)));
  }
  let a = v128.load(STATE);
  let b = v128.load(STATE, 16);
  let c = v128.load(STATE, 32);
  let d = v128.load(STATE, 48);
  let e = v128.load(STATE, 64);
  let f = v128.load(STATE, 80);
  let g = v128.load(STATE, 96);
  let h = v128.load(STATE, 112);
  for (let at: usize = 0; at < 1024; at += 128) {
    h = i32x4.add(i32x4.add(h, sums1(e)), i32x4.add(chs(e, f, g), v128.load(WORDS + at, 0)));
    d = i32x4.add(d, h);
    h = i32x4.add(h, i32x4.add(sums0(a), majs(a, b, c)));
    g = i32x4.add(i32x4.add(g, sums1(d)), i32x4.add(chs(d, e, f), v128.load(WORDS + at, 16)));
    c = i32x4.add(c, g);
    g = i32x4.add(g, i32x4.add(sums0(h), majs(h, a, b)));
    f = i32x4.add(i32x4.add(f, sums1(c)), i32x4.add(chs(c, d, e), v128.load(WORDS + at, 32)));
    b = i32x4.add(b, f);
    f = i32x4.add(f, i32x4.add(sums0(g), majs(g, h, a)));
    e = i32x4.add(i32x4.add(e, sums1(b)), i32x4.add(chs(b, c, d), v128.load(WORDS + at, 48)));
    a = i32x4.add(a, e);
    e = i32x4.add(e, i32x4.add(sums0(f), majs(f, g, h)));
    d = i32x4.add(i32x4.add(d, sums1(a)), i32x4.add(chs(a, b, c), v128.load(WORDS + at, 64)));
    h = i32x4.add(h, d);
    d = i32x4.add(d, i32x4.add(sums0(e), majs(e, f, g)));
    c = i32x4.add(i32x4.add(c, sums1(h)), i32x4.add(chs(h, a, b), v128.load(WORDS + at, 80)));
    g = i32x4.add(g, c);
    c = i32x4.add(c, i32x4.add(sums0(d), majs(d, e, f)));
    b = i32x4.add(i32x4.add(b, sums1(g)), i32x4.add(chs(g, h, a), v128.load(WORDS + at, 96)));
    f = i32x4.add(f, b);
    b = i32x4.add(b, i32x4.add(sums0(c), majs(c, d, e)));
    a = i32x4.add(i32x4.add(a, sums1(f)), i32x4.add(chs(f, g, h), v128.load(WORDS + at, 112)));
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
