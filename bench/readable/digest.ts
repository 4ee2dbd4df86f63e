// SHA-256 of an input and of its pieces of 64 KiB: AssemblyScript and JavaScript, as an author writes it. 32 bytes a digest.
const PIECE: i32 = 65536;
/** Cube roots of the first 64 primes, and square roots of the first eight: their first 32 bits behind the point. */
const K: i32[] = [
  1116352408, 1899447441, -1245643825, -373957723, 961987163, 1508970993, -1841331548, -1424204075, -670586216,
  310598401, 607225278, 1426881987, 1925078388, -2132889090, -1680079193, -1046744716, -459576895, -272742522,
  264347078, 604807628, 770255983, 1249150122, 1555081692, 1996064986, -1740746414, -1473132947, -1341970488,
  -1084653625, -958395405, -710438585, 113926993, 338241895, 666307205, 773529912, 1294757372, 1396182291, 1695183700,
  1986661051, -2117940946, -1838011259, -1564481375, -1474664885, -1035236496, -949202525, -778901479, -694614492,
  -200395387, 275423344, 430227734, 506948616, 659060556, 883997877, 958139571, 1322822218, 1537002063, 1747873779,
  1955562222, 2024104815, -2067236844, -1933114872, -1866530822, -1538233109, -1090935817, -965641998,
];
const START: i32[] = [1779033703, -1150833019, 1013904242, -1521486534, 1359893119, -1694144372, 528734635, 1541459225];

const state = new Int32Array(8);
const words = new Int32Array(64);

export function run(input: Uint8Array): Uint8Array {
  const pieces: i32 = i32(Math.ceil(f64(input.length) / f64(PIECE)));
  const output = new Uint8Array(32 * (1 + pieces));
  digest(input, 0, input.length, output, 0);
  for (let piece: i32 = 0; piece < pieces; piece++) {
    const from: i32 = piece * PIECE;
    digest(input, from, i32(Math.min(f64(PIECE), f64(input.length - from))), output, 32 + 32 * piece);
  }
  return output;
}

function digest(input: Uint8Array, from: i32, length: i32, output: Uint8Array, to: i32): void {
  for (let i: i32 = 0; i < 8; i++) state[i] = START[i];
  const whole: i32 = length - (length & 63);
  for (let at: i32 = 0; at < whole; at += 64) compress(input, from + at);
  const rest: i32 = length & 63;
  const last = new Uint8Array(rest < 56 ? 64 : 128);
  for (let i: i32 = 0; i < rest; i++) last[i] = input[from + whole + i];
  last[rest] = 0x80;
  // Inputs are below 2^28 bytes here.
  for (let i: i32 = 0; i < 4; i++) last[last.length - 1 - i] = u8(((length << 3) >>> (8 * i)) & 255);
  for (let at: i32 = 0; at < last.length; at += 64) compress(last, at);
  for (let i: i32 = 0; i < 32; i++) output[to + i] = u8((state[i >> 2] >>> (24 - 8 * (i & 3))) & 255);
}

function turned(x: i32, by: i32): i32 {
  return (x >>> by) | (x << (32 - by));
}

function compress(block: Uint8Array, from: i32): void {
  for (let i: i32 = 0; i < 16; i++) {
    const at: i32 = from + 4 * i;
    words[i] = (i32(block[at]) << 24) | (i32(block[at + 1]) << 16) | (i32(block[at + 2]) << 8) | i32(block[at + 3]);
  }
  for (let i: i32 = 16; i < 64; i++) {
    const near: i32 = words[i - 2];
    const far: i32 = words[i - 15];
    const small0: i32 = turned(far, 7) ^ turned(far, 18) ^ (far >>> 3);
    const small1: i32 = turned(near, 17) ^ turned(near, 19) ^ (near >>> 10);
    words[i] = (words[i - 16] + small0 + words[i - 7] + small1) | 0;
  }
  let a: i32 = state[0];
  let b: i32 = state[1];
  let c: i32 = state[2];
  let d: i32 = state[3];
  let e: i32 = state[4];
  let f: i32 = state[5];
  let g: i32 = state[6];
  let h: i32 = state[7];
  for (let i: i32 = 0; i < 64; i++) {
    const sum1: i32 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const choice: i32 = g ^ (e & (f ^ g));
    const first: i32 = (h + sum1 + choice + K[i] + words[i]) | 0;
    const sum0: i32 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const second: i32 = (sum0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
  state[4] = (state[4] + e) | 0;
  state[5] = (state[5] + f) | 0;
  state[6] = (state[6] + g) | 0;
  state[7] = (state[7] + h) | 0;
}
