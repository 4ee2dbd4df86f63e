// The words of four blocks at the same time, a block a lane: those of SHA-256 (FIPS 180-4) do not depend on the state, so that they may
// be of four messages, or of four blocks of one.
import { K } from './constants';

/** The 64 words of four blocks, a vector for each. */
const WORDS = memory.data(1024, 16);
/** The same with the constants of their rounds added, as rounds take them. */
export const SUMS = memory.data(1024, 16);

@inline
function rotrs(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

@inline
function small0(w: v128): v128 {
  return v128.xor(v128.xor(rotrs(w, 7), rotrs(w, 18)), i32x4.shr_u(w, 3));
}

@inline
function small1(w: v128): v128 {
  return v128.xor(v128.xor(rotrs(w, 17), rotrs(w, 19)), i32x4.shr_u(w, 10));
}

/** Makes the words of four blocks that lie `stride` bytes apart, in SUMS. */
export function schedule(block: usize, stride: usize): void {
  for (let i: usize = 0; i < 64; i += 16) transpose(block + i, stride, WORDS + i * 4, K + i);
  let at = WORDS;
  let k = K + 64;
  let w0 = v128.load(at);
  let w14 = v128.load(at, 224);
  let w15 = v128.load(at, 240);
  do {
    const w1 = v128.load(at, 16);
    const w2 = v128.load(at, 32);
    w14 = i32x4.add(i32x4.add(w0, small0(w1)), i32x4.add(v128.load(at, 144), small1(w14)));
    w15 = i32x4.add(i32x4.add(w1, small0(w2)), i32x4.add(v128.load(at, 160), small1(w15)));
    v128.store(at, w14, 256);
    v128.store(at, w15, 272);
    v128.store(at, i32x4.add(w14, v128.load32_splat(k)), 1280);
    v128.store(at, i32x4.add(w15, v128.load32_splat(k, 4)), 1296);
    w0 = w2;
    at += 32;
    k += 8;
  } while (at < WORDS + 768);
}

/** Four words of each block, big-endian, to four vectors of one word each. */
function transpose(from: usize, stride: usize, to: usize, k: usize): void {
  const turn = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  const m0 = v128.swizzle(v128.load(from), turn);
  const m1 = v128.swizzle(v128.load(from + stride), turn);
  const m2 = v128.swizzle(v128.load(from + 2 * stride), turn);
  const m3 = v128.swizzle(v128.load(from + 3 * stride), turn);
  const low01 = v128.shuffle<u32>(m0, m1, 0, 4, 1, 5);
  const low23 = v128.shuffle<u32>(m2, m3, 0, 4, 1, 5);
  const high01 = v128.shuffle<u32>(m0, m1, 2, 6, 3, 7);
  const high23 = v128.shuffle<u32>(m2, m3, 2, 6, 3, 7);
  const w0 = v128.shuffle<u64>(low01, low23, 0, 2);
  const w1 = v128.shuffle<u64>(low01, low23, 1, 3);
  const w2 = v128.shuffle<u64>(high01, high23, 0, 2);
  const w3 = v128.shuffle<u64>(high01, high23, 1, 3);
  v128.store(to, w0);
  v128.store(to, w1, 16);
  v128.store(to, w2, 32);
  v128.store(to, w3, 48);
  v128.store(to, i32x4.add(w0, v128.load32_splat(k)), 1024);
  v128.store(to, i32x4.add(w1, v128.load32_splat(k, 4)), 1040);
  v128.store(to, i32x4.add(w2, v128.load32_splat(k, 8)), 1056);
  v128.store(to, i32x4.add(w3, v128.load32_splat(k, 12)), 1072);
}
