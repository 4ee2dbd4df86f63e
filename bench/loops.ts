// Short kernels for benchmarks of the meter: loops of every kind and plain recursion. Each gives eight bytes, a checksum.

const out = 'const out = new Uint8Array(8); store<f64>(out.dataStart, s); return out;';
const run = (body: string) => `export function run(input: Uint8Array): Uint8Array { let s: f64 = 0; ${body} ${out} }`;

/** Name -> AssemblyScript. */
export const LOOPS: Readonly<Record<string, string>> = {
  /** Products of matrices of 160 x 160. */
  matmul: `const N = 160;
    ${run(`const a = new StaticArray<f64>(N * N), b = new StaticArray<f64>(N * N);
      for (let i = 0; i < N * N; i++) { unchecked(a[i] = <f64>(i % 17) * 0.5); unchecked(b[i] = <f64>(i % 13) - 6.0); }
      for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) {
        let sum: f64 = 0;
        for (let k = 0; k < N; k++) sum += unchecked(a[i * N + k]) * unchecked(b[k * N + j]);
        s += sum;
      }`)}`,
  /** Five bodies, 20,000 steps. */
  nbody: `const P = new StaticArray<f64>(35);
    @inline function g(i: i32, k: i32): f64 { return unchecked(P[i * 7 + k]); }
    @inline function p(i: i32, k: i32, v: f64): void { unchecked(P[i * 7 + k] = v); }
    function advance(dt: f64): void {
      for (let i = 0; i < 5; i++) {
        let xi = g(i, 0), yi = g(i, 1), zi = g(i, 2), mi = g(i, 6), vx = g(i, 3), vy = g(i, 4), vz = g(i, 5);
        for (let j = i + 1; j < 5; j++) {
          let dx = xi - g(j, 0), dy = yi - g(j, 1), dz = zi - g(j, 2);
          let d2 = dx * dx + dy * dy + dz * dz, mag = dt / (d2 * Math.sqrt(d2)), mj = g(j, 6);
          vx -= dx * mj * mag; vy -= dy * mj * mag; vz -= dz * mj * mag;
          p(j, 3, g(j, 3) + dx * mi * mag); p(j, 4, g(j, 4) + dy * mi * mag); p(j, 5, g(j, 5) + dz * mi * mag);
        }
        p(i, 3, vx); p(i, 4, vy); p(i, 5, vz);
      }
      for (let i = 0; i < 5; i++) for (let k = 0; k < 3; k++) p(i, k, g(i, k) + dt * g(i, k + 3));
    }
    ${run(`for (let i = 0; i < 5; i++) { for (let k = 0; k < 6; k++) p(i, k, <f64>((i * 31 + k * 17) % 11) * 0.37 - 1.5 + i); p(i, 6, 1.0 + i * 0.1); }
      for (let t = 0; t < 20000; t++) advance(0.001);
      s = g(0, 0) + g(1, 1) + g(2, 2);`)}`,
  /** A compression function in the manner of SHA-256 over 256 KiB. */
  sha256: `const W = new StaticArray<u32>(64), H = new StaticArray<u32>(8);
    function block(p: u32): void {
      for (let i = 0; i < 16; i++) unchecked(W[i] = bswap<u32>(p + i * 0x9e3779b1));
      for (let i = 16; i < 64; i++) {
        let a = unchecked(W[i - 15]), b = unchecked(W[i - 2]);
        let s0 = rotr<u32>(a, 7) ^ rotr<u32>(a, 18) ^ (a >> 3), s1 = rotr<u32>(b, 17) ^ rotr<u32>(b, 19) ^ (b >> 10);
        unchecked(W[i] = W[i - 16] + s0 + W[i - 7] + s1);
      }
      let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
      for (let i = 0; i < 64; i++) {
        let t1 = h + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + ((e & f) ^ (~e & g)) + unchecked(W[i]);
        let t2 = (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
      }
      H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
    }
    ${run('for (let i = 0; i < 4096; i++) block(i); s = <f64>H[0];')}`,
  /** Primes below a million: a step that is no constant. */
  sieve: `const N = 1000000;
    ${run(`const f = new StaticArray<u8>(N + 1); memory.fill(changetype<usize>(f), 1, N + 1);
      for (let i = 2; i * i <= N; i++) if (unchecked(f[i])) for (let j = i * i; j <= N; j += i) unchecked(f[j] = 0);
      for (let i = 2; i <= N; i++) s += <f64>unchecked(f[i]);`)}`,
  /** Quicksort of 40,000 numbers: loops whose trips nobody knows, and recursion. */
  qsort: `const N = 40000; const A = new StaticArray<i32>(N);
    @inline function g(i: i32): i32 { return unchecked(A[i]); }
    @inline function p(i: i32, v: i32): void { unchecked(A[i] = v); }
    function sort(lo: i32, hi: i32): void {
      if (hi - lo < 12) {
        for (let i = lo + 1; i <= hi; i++) { let v = g(i), j = i - 1; while (j >= lo && g(j) > v) { p(j + 1, g(j)); j--; } p(j + 1, v); }
        return;
      }
      let pivot = g((lo + hi) >> 1), i = lo, j = hi;
      while (i <= j) { while (g(i) < pivot) i++; while (g(j) > pivot) j--; if (i <= j) { let t = g(i); p(i, g(j)); p(j, t); i++; j--; } }
      if (lo < j) sort(lo, j);
      if (i < hi) sort(i, hi);
    }
    ${run(`let x: u32 = 12345; for (let i = 0; i < N; i++) { x ^= x << 13; x ^= x >> 17; x ^= x << 5; p(i, <i32>(x >> 1)); }
      sort(0, N - 1); for (let i = 0; i < N; i += 1000) s += <f64>g(i) * (i + 1);`)}`,
  /** Five points of 400 x 400, twenty times. */
  stencil: `const W = 400;
    ${run(`let a = new StaticArray<f64>(W * W), b = new StaticArray<f64>(W * W);
      for (let i = 0; i < W * W; i++) { unchecked(a[i] = <f64>(i % 101)); unchecked(b[i] = a[i]); }
      for (let t = 0; t < 20; t++) {
        for (let y = 1; y < W - 1; y++) for (let x = y * W + 1; x < y * W + W - 1; x++)
          unchecked(b[x] = 0.2 * (a[x] + a[x - 1] + a[x + 1] + a[x - W] + a[x + W]));
        let c = a; a = b; b = c;
      }
      for (let i = 0; i < W * W; i++) s += unchecked(a[i]);`)}`,
  /** The Mandelbrot set, 160 x 160: a loop that is left early. */
  mandel: run(`for (let y = 0; y < 160; y++) for (let x = 0; x < 160; x++) {
      let cr = <f64>x * 3.0 / 160 - 2.0, ci = <f64>y * 2.0 / 160 - 1.0, zr: f64 = 0, zi: f64 = 0, n = 0;
      while (n < 400) { let a = zr * zr, b = zi * zi; if (a + b > 4.0) break; zi = 2.0 * zr * zi + ci; zr = a - b + cr; n++; }
      s += n;
    }`),
  /** Nothing but calls. */
  fib: `function fib(n: i32): i32 { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
    ${run('s = <f64>fib(27);')}`,
};
