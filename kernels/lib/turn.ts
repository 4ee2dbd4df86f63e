// Where a number lies between multiples of pi/2, for numbers from 2^20 on: Payne and Hanek, "Radian reduction for trigonometric
// functions", SIGNUM Newsletter 18 (1983), 19. Of 2/pi only those 192 bits take part that matter for the number's exponent.
// @ts-nocheck: editors take AssemblyScript for TypeScript, and do not know all of it.
import { ROUNDER } from './lanes';

/** A word of zeroes, then the first 1,216 bits of 2/pi. */
@lazy const TWO_OVER_PI = memory.data<u64>([
  0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0,
  0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4,
  0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
  0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
], 16);

/** pi/2: its upper 26 bits, the 27 behind them, and the rest. */
@inline const HALF_PI_1: f64 = 1.5707963109016418;
@inline const HALF_PI_2: f64 = 1.5893254712295857e-8;
@inline const HALF_PI_3: f64 = 6.123233995736766e-17;
@inline const HALF_PI: f64 = 1.5707963267948966;

/** x = n pi/2 + r, |x| >= 2^20: stores r at `to`, what r lacks 16 bytes behind, and ROUNDER + n (modulo 4) 32 bytes behind. */
export function reduceFar(x: f64, to: usize): void {
  const bits = reinterpret<u64>(x);
  const exponent = <i32>((bits >> 52) & 0x7ff) - 1075;
  if (exponent == 972) {
    store<f64>(to, NaN);
    store<f64>(to, NaN, 16);
    store<f64>(to, ROUNDER, 32);
    return;
  }
  const significand = (bits & 0x000fffffffffffff) | 0x0010000000000000;
  // Bits of 2/pi before this one give multiples of 4.
  const from = exponent + 62;
  const b0 = wordAt(from);
  const b1 = wordAt(from + 64);
  const b2 = wordAt(from + 128);
  const middle = significand * b1;
  const low = middle + highOf(significand, b2);
  const high = significand * b0 + highOf(significand, b1) + <u64>(low < middle);

  // The upper two bits count quarters; the rest, as a signed fraction, is from -1/2 to 1/2 of one.
  let quarters = high >> 62;
  let h = (high << 2) | (low >> 62);
  let l = low << 2;
  const over = <i64>h < 0;
  if (over) {
    quarters++;
    l = 0 - l;
    h = ~h + <u64>(l == 0);
  }
  const zeros = clz(h);
  const top = zeros == 0 ? h : zeros == 64 ? l : (h << zeros) | (l >> (64 - zeros));
  const scale = reinterpret<f64>((1023 - 64 - zeros) << 52);
  storeAngle(to, <f64>(top >> 11) * 2048, <f64>(top & 0x7ff), over != (bits >> 63 != 0) ? -scale : scale);
  store<f64>(to, ROUNDER + <f64>(bits >> 63 ? (0 - quarters) & 3 : quarters & 3), 32);
}

/** (a + b) scale pi/2 in two parts. */
function storeAngle(to: usize, a: f64, b: f64, scale: f64): void {
  const product = a * HALF_PI;
  const a1 = reinterpret<f64>(reinterpret<u64>(a) & 0xfffffffff8000000);
  const a2 = a - a1;
  const rest = a1 * HALF_PI_1 - product + a1 * HALF_PI_2 + a2 * HALF_PI_1 + a2 * HALF_PI_2 + (a * HALF_PI_3 + b * HALF_PI);
  const r = product + rest;
  store<f64>(to, r * scale);
  store<f64>(to, (product - r + rest) * scale, 16);
}

/** 64 bits of the table from a bit on. */
function wordAt(bit: i32): u64 {
  const at = TWO_OVER_PI + (<usize>(bit >> 6) << 3);
  const shift = <u64>(bit & 63);
  return shift == 0 ? load<u64>(at) : (load<u64>(at) << shift) | (load<u64>(at, 8) >> (64 - shift));
}

/** The upper 64 bits of a product. */
function highOf(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const mid = a1 * b0 + ((a0 * b0) >> 32);
  return a1 * b1 + (mid >> 32) + ((a0 * b1 + (mid & 0xffffffff)) >> 32);
}
